"""What concerns everybody: revoke-before, after-restore. Confirmed in words."""

from __future__ import annotations

from typing import Any

import click

from tokens_command.confirmation import confirm, confirm_in_words
from tokens_command.connection import Session, placed
from tokens_command.people import find_user, reason_option, yes_option
from tokens_command.problems import Problem
from tokens_command.times import Instant

# As POST /admin/revoke-before asks for them.
WORDS = "end every session"
_PATH = "/admin/revoke-before"
_CUTOFF = {"client_id": "client", "before": "before", "decided_at": "decided", "marked": "rows marked"}
confirm_option = click.option("--confirm", "words", help=f'The words "{WORDS}", for scripts.')


@click.command("revoke-before")
@click.argument("time", type=Instant(), required=False)
@click.option("--client", help="Only of this client (client_id).")
@click.option("--user", metavar="NAME|ID", help="Only of this user.")
@click.option("--reason", help="Why; kept with the event, at most 200 characters.")
@click.option("--list", "is_list", is_flag=True, help="Show the instants in force, and end nothing.")
@yes_option
@confirm_option
@placed
def revoke_before(session: Session, time: int | None, is_list: bool, **given: Any) -> None:
    """End everything that began at TIME or before: of all, of one client, or of one user.

    Of all it is confirmed in words, otherwise by yes.
    """
    if is_list:
        _show_cutoffs(session)
        return
    if time is None or not given["reason"]:
        raise Problem("TIME and --reason are needed; --list shows what is in force.")
    if given["client"] is not None and given["user"] is not None:
        raise Problem("--client and --user exclude each other.")
    _revoke_before(session, time, **given)


@click.command("after-restore")
@click.option("--at", "time", type=Instant(), required=True, help="When the database was restored.")
@reason_option
@confirm_option
@placed
def after_restore(session: Session, time: int, reason: str, words: str | None) -> None:
    """After a restore from backup: end what it brought back to life, and bring keys and figures up to date.

    Everybody signs in again who had signed in by then.
    """
    _revoke_before(session, time, client=None, user=None, reason=reason, yes=False, words=words)
    steps = session.service.post("/admin/keys/rotate", {"reason": reason})["steps"]
    session.service.post("/admin/security/figures/recount", {"since": time, "reason": reason})
    for step in steps:
        session.out.say(step, "green")
    session.out.say("Figures since then are counted again. Now: tokens doctor, tokens debt, tokens keys.")


def _revoke_before(
    session: Session,
    time: int,
    *,
    client: str | None,
    user: str | None,
    reason: str,
    yes: bool,
    words: str | None,
) -> None:
    began = f"that began at {session.out.at(time)} or before"
    found = None if user is None else find_user(session, user)
    if client is not None or found:
        whose = (
            f"client {client}"
            if client is not None
            else f"user {found and (found['username'] or found['user_id'])}"
        )
        confirm(f"End every session and device of {whose} {began}?", yes=yes)
    else:
        confirm_in_words(
            f"This ends every session and device {began}; all of them sign in again.", WORDS, words
        )
    body: dict[str, object] = {"before": time, "reason": reason, "client_id": client}
    body["user_id"] = found["user_id"] if found else None
    body["confirm"] = WORDS if body["client_id"] is None and body["user_id"] is None else None
    answer = session.service.post(_PATH, body)
    session.out.document(answer)
    told = (
        "The service refuses them"
        if answer["changed"]
        else "As much had ended before. The service refuses them"
    )
    session.out.say(f"{told} now, authorizers from {session.out.at(answer['authorizers_by'])} on.", "green")


def _show_cutoffs(session: Session) -> None:
    found = session.service.get(_PATH)
    session.out.document(found)
    rows = [{**each, "client_id": each["client_id"] or "all"} for each in found["cutoffs"]]
    session.out.table(rows, _CUTOFF, "Nothing was ended before an instant.")
