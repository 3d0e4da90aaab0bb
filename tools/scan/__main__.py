"""make scan: secrets in the tree (detect-secrets), known faults in the locked packages (pip-audit, npm audit).

Ends with 1 for a finding. What a registry could not answer is named as NOT SCANNED: it ends with 0, so that a desk
without a network can go on, and with 1 where --strict asks for every answer.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.scan.answers import Answer, npm_answer, pip_answer

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
BASELINE = ".secrets.baseline"
# Made-up passwords and random texts: there, only what has the form of a real key counts.
MADE_UP = re.compile(r"(tests|events)/|docs/(token-vectors\.json|openapi\.yaml)$")
# Lock files are full of hashes, and so is the baseline.
SKIPPED = re.compile(
    r"(.*/)?(package-lock\.json|uv\.lock)$|(.*/)?requirements(/[a-z]+)?\.txt$|docs/images/|\.secrets\.baseline$"
)
GUESSING = ("KeywordDetector", "HexHighEntropyString", "Base64HighEntropyString", "BasicAuthDetector")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make scan", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="what could not be scanned is a failure")
    is_strict = parser.parse_args(arguments).strict
    answers = [*_secrets(), *_python_packages(), *_node_packages()]
    for answer in answers:
        print(answer.line)
    unanswered = any(answer.unanswered for answer in answers)
    return int(any(answer.findings for answer in answers) or (is_strict and unanswered))


def _secrets() -> list[Answer]:
    files = [file for file in _run("git", "ls-files").stdout.splitlines() if not SKIPPED.match(file)]
    made_up = [file for file in files if MADE_UP.match(file)]
    others = [file for file in files if file not in made_up]
    precise = [option for plugin in GUESSING for option in ("--disable-plugin", plugin)]
    hook = (str(BIN / "detect-secrets-hook"), "--no-verify")  # nothing found is tried out anywhere
    with tempfile.TemporaryDirectory() as folder:  # the hook writes moved line numbers back
        baseline = shutil.copy(ROOT / BASELINE, folder)
        known = _run(*hook, "--baseline", baseline, *others)
    return [
        _hooked("secrets", known),
        _hooked("secrets in tests and samples", _run(*hook, *precise, *made_up)),
    ]


def _hooked(what: str, done: subprocess.CompletedProcess[str]) -> Answer:
    """3: the baseline's line numbers have moved, and nothing is new."""
    if done.returncode in (0, 3):
        return Answer(what)
    places = re.findall(r"^Location:\s+(.+)$", done.stdout, re.MULTILINE)
    return Answer(what, findings=tuple(places) or (done.stdout + done.stderr,))


def _python_packages() -> list[Answer]:
    locks = sorted([*(ROOT / "requirements").glob("*.txt"), ROOT / "layers/shared/requirements.txt"])
    audit = (str(BIN / "pip-audit"), "-f", "json", "--progress-spinner", "off", "--disable-pip")
    return [
        pip_answer(str(lock.relative_to(ROOT)), _run(*audit, "--require-hashes", "-r", str(lock)).stdout)
        for lock in locks
    ]


def _node_packages() -> list[Answer]:
    locks = [Path(file) for file in _run("git", "ls-files", "*package-lock.json").stdout.splitlines()]
    return [
        npm_answer(str(lock), _run("npm", "audit", "--json", "--package-lock-only", cwd=lock.parent).stdout)
        for lock in locks
    ]


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT / (cwd or ""), check=False)
    except OSError as exc:
        return subprocess.CompletedProcess(command, 127, "", str(exc))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
