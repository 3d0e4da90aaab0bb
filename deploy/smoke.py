"""`smoke`: whether a person can sign in at a deployed service, refresh and sign out, tried as one.

The probe user is a user of the Portal without rights. Its sign-in is an event like any other's.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import Any

from deploy.aws import Aws, Failed
from deploy.http import Service
from deploy.sign_in_probe import Password, Probe, Unreachable, probe_sign_in
from deploy.stack import stack_named

FROM_ENVIRONMENT = "DEPLOY_PROBE_PASSWORD"


def add_command(commands: Any) -> None:
    """Adds `smoke` to the subcommands of argparse."""
    command = commands.add_parser(
        "smoke",
        help="sign in, refresh and sign out as a probe user",
        description="Metadata, sign-in, keys, own route, refresh, repeated refresh, revocation, the refusals after it."
        f" The password is read from {FROM_ENVIRONMENT}, from standard input, or asked for; never from an argument.",
    )
    command.add_argument("--user", required=True, help="user name of the probe user")
    command.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    command.add_argument(
        "--url", help="the service's address; by default the stack's Issuer, looked up in AWS"
    )
    command.add_argument(
        "--no-repeat",
        action="store_true",
        help="do not repeat a refresh; with --url and RETRY_WINDOW_S=0, where a repetition ends the session",
    )
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """0: everything as it should be; 1: a step is wrong. Raises Failed where nothing can be looked at."""
    url, repeats = (given.url, True) if given.url else _of_stack(given)
    service = Service(url)
    password = _password(given)
    probe = Probe(service.url, given.user, password, repeats and not given.no_repeat)
    is_good = True
    try:
        for step in probe_sign_in(probe, service):
            print(f"{'ok   ' if step.is_ok else 'WRONG'} {step.sentence}", flush=True)
            is_good = is_good and step.is_ok
    except Unreachable as exc:
        raise Failed(str(exc)) from exc
    return 0 if is_good else 1


def _of_stack(given: argparse.Namespace) -> tuple[str, bool]:
    """The issuer's address, and whether a refresh may be repeated."""
    stack = stack_named(given.stack, Aws(given.region, given.profile))
    return stack.issuer, stack.parameters.get("RetryWindowS") != "0"


def _password(given: argparse.Namespace) -> Password:
    if given.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif FROM_ENVIRONMENT in os.environ:
        password = os.environ[FROM_ENVIRONMENT]
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password of {given.user}: ")
    else:
        raise Failed(f"There is no password: set {FROM_ENVIRONMENT}, or pipe it in with --password-stdin.")
    if not password:
        raise Failed("The password is empty.")
    return Password(password)
