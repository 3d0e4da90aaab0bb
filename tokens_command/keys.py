"""Keys: keys, rotate, withdraw."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import click

from tokens_command.arguments import KEY
from tokens_command.confirmation import confirm
from tokens_command.connection import Session, placed
from tokens_command.people import reason_option, yes_option
from tokens_command.problems import Exit, Problem
from tokens_command.tokens import is_token

PURPOSES = ("signing", "token-chain", "metadata")
# An environment that meets a token of an epoch that it does not know, or a withdrawn key, reads the keys again within
# this time (domain/keys.py: PENALTY_S, SIGNER_MAX_AGE_S).
SEEN_BY_ALL_S = 30
_KEY = {
    "kid": "kid",
    "purpose": "purpose",
    "epoch": "epoch",
    "state": "state",
    "algorithm": "algorithm",
    "changed_at": "since",
    "next_state": "next",
    "next_at": "from",
}


@click.command()
@click.option("--all", "with_gone", is_flag=True, help="Those that are gone, too.")
@placed
def keys(session: Session, with_gone: bool) -> None:
    """Keys with their states, since when, and their next turns."""
    listed = [
        key for key in session.service.get("/admin/keys")["keys"] if with_gone or key["state"] != "gone"
    ]
    session.out.document({"keys": listed})
    session.out.table(listed, _KEY, "No key: nobody has signed in yet.")


@click.command()
@click.argument("purpose", required=False, type=click.Choice(PURPOSES))
@reason_option
@yes_option
@placed
def rotate(session: Session, purpose: str | None, reason: str, yes: bool) -> None:
    """Do what is due. With a purpose its next key comes into use now; nobody is signed out."""
    if purpose is not None:
        confirm(f"Take the next {purpose} key into use before its turn?", yes=yes)
    _taken(session, session.service.post("/admin/keys/rotate", {"purpose": purpose, "reason": reason}))


# One thumbprint in 64 begins with a hyphen, and may have an h behind it.
_HYPHENS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


@click.command(context_settings=_HYPHENS)
@click.argument("kid", metavar="KID")
@reason_option
@yes_option
@click.option("--no-wait", is_flag=True, help="Do not wait until it holds everywhere.")
@placed
def withdraw(session: Session, kid: str, reason: str, yes: bool, no_wait: bool) -> None:
    """End a key at once, and wait until that holds everywhere.

    KID is a signing key's thumbprint, or a data key's purpose and epoch, as token-chain.3 (`tokens keys`).
    """
    kid = KEY.given(kid)
    if is_token(kid):
        raise KEY.refusal(kid)
    key = next((each for each in session.service.get("/admin/keys")["keys"] if each["kid"] == kid), None)
    if key is None:
        raise KEY.refusal(kid, Exit.NO)
    confirm(f"Withdraw the {key['purpose']} key {kid} ({key['state']})? {_effect(key)}", yes=yes)
    answer = session.service.post("/admin/keys/withdraw", {"kid": kid, "reason": reason})
    try:
        if not no_wait:
            _wait_for_caches(session, key)
    except KeyboardInterrupt:
        told = f"The key {kid} is withdrawn; only the wait for caches elsewhere was interrupted."
        raise Problem(told, Exit.INTERRUPTED) from None
    finally:
        _taken(session, answer)


def _wait_for_caches(session: Session, key: dict[str, Any]) -> None:
    holds_in_s = _unlisted(session, key["kid"]) if key["purpose"] == "signing" else SEEN_BY_ALL_S
    session.out.say(
        f"Gone at the service. Caches elsewhere may know it for {holds_in_s} s more: waiting.", "yellow"
    )
    time.sleep(holds_in_s)


def _effect(key: dict[str, Any]) -> str:
    match key["purpose"], key["state"]:
        case _, "gone":
            return "It is gone already; what is due is done."
        case "signing", _:
            return "Its access tokens are refused; users refresh and go on."
        case "token-chain", _:
            return "Everybody who holds a token of this epoch signs in again."
    return "What it encrypted counts as empty."


def _unlisted(session: Session, kid: str) -> int:
    """Wait until the public keys are without it; returns for how long caches may have them, in seconds."""
    while True:
        reply = session.service.public("/.well-known/jwks.json")
        listed = json.loads(reply.body).get("keys", []) if reply.status == 200 else None
        if listed is not None and kid not in {key["kid"] for key in listed}:
            age = re.search(r"max-age=(\d+)", reply.headers.get("cache-control", ""))
            return int(age[1]) if age else SEEN_BY_ALL_S
        time.sleep(1)


def _taken(session: Session, answer: dict[str, Any]) -> None:
    session.out.document(answer)
    for step in answer["steps"]:
        session.out.say(step, "green")
    if not answer["steps"]:
        session.out.say("Nothing was due.")
