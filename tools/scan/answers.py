"""What the auditors answer, read strictly: what they did not look at is no good news."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """About one file. findings: texts for people; unanswered: why it was not, or not wholly, looked at."""

    what: str
    findings: tuple[str, ...] = ()
    unanswered: str = ""

    @property
    def line(self) -> str:
        if self.findings:
            return f"FOUND {self.what}: {'; '.join(self.findings)}"
        return f"NOT SCANNED {self.what}: {self.unanswered}" if self.unanswered else f"ok {self.what}"


def pip_answer(what: str, text: str) -> Answer:
    """pip-audit's JSON. It ends with 0 where it could look up nothing at all: only skip_reason says so."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Answer(what, unanswered="pip-audit gave no answer")
    findings = tuple(
        f"{one['name']} {one['version']} {fault['id']}"
        for one in dependencies
        for fault in one.get("vulns", ())
    )
    skipped = [one for one in dependencies if "skip_reason" in one]
    why = f"{len(skipped)} of {len(dependencies)} packages, the registry knows nothing of them"
    return Answer(what, findings, why if skipped or not dependencies else "")


def npm_answer(what: str, text: str) -> Answer:
    """npm audit's JSON; `error` or `message` where its registry does not answer."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(text)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Answer(what, unanswered="npm's registry gave no answer")
    return Answer(what, tuple(f"{name} {one['severity']}" for name, one in found.items()))
