"""Who is it, what do they have, and how it ends: whois, sessions, end, revoke."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import click

from tokens_command.arguments import ANYTHING, SESSION_OR_DEVICE, USER, Kind, text_of, uuid_in
from tokens_command.confirmation import confirm
from tokens_command.connection import Session, placed
from tokens_command.problems import Exit, Problem
from tokens_command.service import NotThere
from tokens_command.tokens import NoToken, decode, is_token

_USER_ID = re.compile(r"[!-~]{1,36}", re.ASCII)
# Members of the service's answers → what people call them.
_USER = {
    "username": "user",
    "user_id": "id",
    "status": "status",
    "labels": "labels",
    "live_sessions": "live sessions",
    "live_devices": "live devices",
}
_ROW = {
    "kind": "kind of row",
    "id": "its id",
    "state": "state",
    "revoked_at": "ended",
    "revoke_reason": "because",
    "device_id": "device",
    "name": "name",
    "platform": "platform",
    "client_id": "client",
    "scope": "scope",
    "generation": "generation",
    "created_at": "created",
    "last_used_at": "last used",
    "expires_at": "expires",
    "address": "network",
    "place": "place",
    "user_agent": "user agent",
}
_SESSION = {
    "session_id": "session",
    "kind": "kind",
    "client_id": "client",
    "device_name": "device",
    "last_used_at": "last used",
    "address": "network",
    "place": "place",
    "user_agent": "user agent",
}
_DEVICE = {
    "device_id": "device",
    "name": "name",
    "platform": "platform",
    "client_id": "client",
    "remembered": "remembered",
    "last_used_at": "last used",
    "place": "place",
}
reason_option = click.option(
    "--reason", required=True, help="Why; kept with the event, at most 200 characters."
)
yes_option = click.option("--yes", is_flag=True, help="Confirmed: do not ask.")


@click.command()
@click.argument("what", metavar="NAME|ID|SID|TOKEN")
@placed
def whois(session: Session, what: str) -> None:
    """Whose is it: a user by name or id, or a session, device or token.

    A token is decoded here, and only the id in it is sent; `-` reads it from standard input.
    """
    found = _find(session, text_of(what, ANYTHING), ANYTHING)
    session.out.document(found)
    _show(session, found)


@click.command()
@click.argument("user", metavar="NAME|ID")
@placed
def sessions(session: Session, user: str) -> None:
    """A user's live sessions and devices."""
    user_id = user_id_of(session, user)
    path = f"/admin/users/{quote(user_id, safe='')}"
    listed = list(session.service.each(f"{path}/sessions", "sessions", limit=100))
    devices = list(session.service.each(f"{path}/devices", "devices", limit=100))
    out = session.out
    out.document({"user_id": user_id, "sessions": listed, "devices": devices})
    out.table(listed, _SESSION, "No live session.")
    out.table(devices, _DEVICE, "No device.")


@click.command()
@click.argument("what", metavar="SID|DEVICE|TOKEN")
@reason_option
@click.option(
    "--keep-device", is_flag=True, help="Of a session: its device stays able to sign in by its device token."
)
@yes_option
@placed
def end(session: Session, what: str, reason: str, keep_device: bool, yes: bool) -> None:
    """End one session with its device, or one device with its sessions."""
    text = text_of(what, SESSION_OR_DEVICE)
    found = _find(session, text, SESSION_OR_DEVICE)
    row = found["row"]
    if row is None or row["kind"] == "access":
        raise SESSION_OR_DEVICE.refusal(text)
    kind = "device" if row["kind"] == "device" else "session"
    if kind == "device" and keep_device:
        raise Problem("--keep-device is for a session.")
    _show(session, found)
    confirm(f"End {kind} {row['id']} of {found['username'] or found['user_id']}?", yes=yes)
    body: dict[str, object] = {"reason": reason, "keep_device": True if keep_device else None}
    _ended(session, session.service.post(f"/admin/{kind}s/{row['id']}/revoke", body))


@click.command()
@click.argument("user", metavar="NAME|ID")
@reason_option
@click.option("--dry-run", is_flag=True, help="Say what would end, and end nothing.")
@yes_option
@placed
def revoke(session: Session, user: str, reason: str, dry_run: bool, yes: bool) -> None:
    """End every session and device of a user."""
    found = find_user(session, user)
    if dry_run:
        session.out.document({**found, "revoked": 0})
        _show(session, found)
        session.out.say("Nothing was changed.")
        return
    _show(session, found)
    name = found["username"] or found["user_id"]
    confirm(f"End {found['live_sessions']} sessions and {found['live_devices']} devices of {name}?", yes=yes)
    path = f"/admin/users/{quote(found['user_id'], safe='')}/revoke"
    _ended(session, {"user_id": found["user_id"], **session.service.post(path, {"reason": reason})})


def user_id_of(session: Session, user: str) -> str:
    """The id of a user who is named by name or id. Raises Problem."""
    return str(find_user(session, user)["user_id"])


def find_user(session: Session, user: str) -> dict[str, Any]:
    """The same, with what the service knows of them."""
    text = USER.given(user)
    if is_token(text):
        raise USER.refusal(text)
    return _first(session, text, _by_user(text), USER)


def _find(session: Session, text: str, kind: Kind) -> dict[str, Any]:
    """What POST /admin/lookup finds by a name, an id or a token. Raises Problem."""
    if is_token(text):
        return _first(session, text, [{"id": _id_in(text)}], kind)
    row_id = uuid_in(text)
    return _first(session, text, [*([{"id": row_id}] if row_id else []), *_by_user(text)], kind)


def _id_in(token: str) -> str:
    try:
        row_id = uuid_in(decode(token).row_id)
    except NoToken as exc:
        raise Problem(str(exc)) from exc
    if row_id is None:
        raise Problem("The JWT names no session (sid), so it is none of this service.")
    return row_id


def _by_user(text: str) -> list[dict[str, str]]:
    """A user's id is taken as it is spelled: the Portal may tell users apart by that."""
    by_name = {"name": text}
    by_id = [{"user_id": text}] if _USER_ID.fullmatch(text) else []
    return [*by_id, by_name] if uuid_in(text) else [by_name, *by_id]


def _first(session: Session, text: str, queries: Iterable[dict[str, str]], kind: Kind) -> dict[str, Any]:
    for query in queries:
        try:
            found: dict[str, Any] = session.service.post("/admin/lookup", query)
        except NotThere:
            continue
        return found
    raise kind.refusal(text, Exit.NO)


def _show(session: Session, found: dict[str, Any]) -> None:
    session.out.facts(found, _USER)
    if found["row"] is not None:
        session.out.facts(found["row"], _ROW)


def _ended(session: Session, answer: dict[str, Any]) -> None:
    session.out.document(answer)
    rows = answer["revoked"]
    if rows == 0:
        session.out.say("It had ended before: nothing was left to end.")
        return
    session.out.say(
        f"{rows} ended. The service refuses at once; authorizers within REVOCATION_MAX_STALENESS_S (5 s by default)"
        " and their APIs' own result cache.",
        "green",
    )
