"""Who is it, what do they have, and how it ends: whois, sessions, end, revoke."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from tokens_command.arguments import text_of
from tokens_command.confirmation import confirm
from tokens_command.connection import Session, placed
from tokens_command.problems import Exit, Problem
from tokens_command.service import NotThere
from tokens_command.tokens import NoToken, decode, is_token

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_USER_ID = re.compile(r"[!-~]{1,36}", re.ASCII)
_KINDS = {"id": "session or device", "user_id": "user's id", "name": "user name"}
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
    found = find(session, what)
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
    found = find(session, what)
    row = found["row"]
    if row is None or row["kind"] == "access":
        raise Problem(f"{what} is no session or device; `tokens revoke` ends all of a user.", Exit.REFUSED)
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


def id_in_path(text: str) -> str:
    """A UUID, to stand in a path. Raises Problem."""
    if not _UUID.fullmatch(text):
        raise Problem(f"{text} is no id: a UUID is wanted, as lists show it.")
    return text


def user_id_of(session: Session, user: str) -> str:
    """The id of a user who is named by name or id. Raises Problem."""
    return str(find_user(session, user)["user_id"])


def find_user(session: Session, user: str) -> dict[str, Any]:
    """The same, with what the service knows of them."""
    if not user:  # as of a variable of a shell that is not set
        raise Problem("The user is empty: a name or an id is wanted.")
    return _first(session, user, [{"user_id": user}] if _UUID.fullmatch(user) else list(_by_user(user)))


def find(session: Session, what: str) -> dict[str, Any]:
    """What POST /admin/lookup finds. Raises Problem."""
    text = text_of(what)
    if is_token(text):
        try:
            text = decode(text).row_id
        except NoToken as exc:
            raise Problem(str(exc)) from exc
        return _first(session, text, [{"id": text}])
    if _UUID.fullmatch(text):
        return _first(session, text, [{"id": text}, {"user_id": text}])
    return _first(session, text, list(_by_user(text)))


def _by_user(text: str) -> Iterator[dict[str, str]]:
    yield {"name": text}
    if _USER_ID.fullmatch(text):
        yield {"user_id": text}


def _first(session: Session, text: str, queries: list[dict[str, str]]) -> dict[str, Any]:
    for query in queries:
        try:
            found: dict[str, Any] = session.service.post("/admin/lookup", query)
        except NotThere:
            continue
        return found
    tried = " or ".join(_KINDS[by] for query in queries for by in query)
    raise Problem(
        f"{text} is no {tried} here. Names are compared without case; rows that ended are kept for"
        " CLEANUP_RETENTION_S, their events for EVENT_RETENTION_S (`tokens events --session`).",
        Exit.NO,
    )


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
