"""`doctor`: what is wrong with a deployed stack, by direct facts and without changing anything."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from deploy.aws import Aws
from deploy.checks import ALL, Finding, Subject, findings_of
from deploy.stack import stack_named

_MARKS = {True: "ok   ", False: "WRONG", None: "?    "}
_ADVICE = "note "


def add_command(commands: Any) -> None:
    """Adds `doctor` to the subcommands of argparse."""
    command = commands.add_parser(
        "doctor",
        help="look for what is wrong with a deployed stack; reads only",
        description="API, issuer, clocks, public keys, functions and their live versions, schema, rights of the"
        " database users, the Portal's tables, ages of keys, KMS keys, buses, schedules, dead letters, alarms. It reads"
        " only, by your own rights: what they do not reach is said with a question mark.",
    )
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """0: all is well; 1: something is wrong; 2: nothing seen is wrong, but not all was seen. Raises Failed."""
    aws = Aws(given.region, given.profile)
    subject = Subject(stack_named(given.stack, aws), aws)
    seen = set()
    for finding in findings(subject):
        mark = _ADVICE if finding.is_advice else _MARKS[finding.is_well]
        print(f"{mark} {finding.sentence}", flush=True)
        seen.add(finding.is_well)
    return 1 if False in seen else 2 if None in seen else 0


def findings(subject: Subject) -> Iterator[Finding]:
    """Those of each check; one that cannot look says so, and the next one looks all the same."""
    for check in ALL:
        yield from findings_of(check, subject)
