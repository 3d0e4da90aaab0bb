"""Is it well: doctor and smoke, which `python -m deploy` has."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from deploy import __main__ as deploy
from deploy.smoke import FROM_ENVIRONMENT
from tokens_command.connection import Session, placed
from tokens_command.problems import Exit, Problem

# Of `python -m deploy` → ours: 2 says that not everything could be looked at.
_CODES = {0: Exit.DONE, 1: Exit.NO, 2: Exit.UNREACHABLE}


@click.command()
@placed
def doctor(session: Session) -> int:
    """Look for what is wrong with a deployed stack; reads only."""
    if session.place.local or not session.place.stack:
        raise Problem("The doctor looks at a stack: give --stack NAME.")
    return _deploy(session, "doctor")


@click.command()
@click.option("--user", required=True, help="User name of the probe user, a Portal user without rights.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@placed
def smoke(session: Session, user: str, password_stdin: bool) -> int:
    """Sign in, refresh and sign out as a probe user.

    The password comes from DEPLOY_PROBE_PASSWORD, from standard input, or is asked for.
    """
    if not session.place.stack and not session.place.local and not session.place.url:
        raise Problem("Say which service: --stack NAME (or TOKENS_STACK), --url ADDRESS, or --local.")
    if not (password_stdin or FROM_ENVIRONMENT in os.environ or sys.stdin.isatty()):
        raise Problem(f"There is no password: set {FROM_ENVIRONMENT}, or pipe it in with --password-stdin.")
    is_elsewhere = session.place.local or session.place.url
    url = ("--url", session.service.url if session.place.local else session.place.url) if is_elsewhere else ()
    stdin = ("--password-stdin",) if password_stdin else ()
    return _deploy(session, "smoke", "--user", user, *url, *stdin)


def _deploy(session: Session, *arguments: Any) -> int:
    """Its sentences are the answer; with --json they are one text."""
    place = session.place
    if place.json:
        raise Problem("It prints sentences alone: leave --json out.")
    options = [f"--{name}={value}" for name in ("region", "profile") if (value := getattr(place, name))]
    code = deploy.main([*options, place.stack or "local", *(str(each) for each in arguments)])
    return _CODES.get(code, code)
