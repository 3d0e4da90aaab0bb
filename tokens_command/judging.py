"""Findings and security events: findings, finding, ack, close, reopen, events."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click

from tokens_command.arguments import FINDING, SESSION, source_in
from tokens_command.connection import Session, placed
from tokens_command.output import printable
from tokens_command.people import user_id_of
from tokens_command.problems import Problem
from tokens_command.times import Instant

STATES = ("open", "acknowledged", "closed")
SEVERITIES = ("low", "medium", "high")
# How often --follow looks for more; an event is there when its change is committed.
FOLLOW_S = 2.0
MOST = 10_000
_FINDINGS = "/admin/security/findings"
_FINDING = {
    "id": "finding",
    "severity": "severity",
    "rule": "rule",
    "state": "state",
    "last_at": "last event",
    "events": "events",
    "accounts": "accounts",
    "subject": "subject",
    "changed_by": "by",
    "note": "note",
}
_CHANGE = {"at": "when", "state": "state", "by": "by", "note": "note"}
_EVENT = {
    "at": "when",
    "type": "type",
    "user_id": "user",
    "session_id": "session",
    "source": "source",
    "detail": "detail",
}
_WHOLE_FINDING = {
    **_FINDING,
    "sources": "networks",
    "entered": "accounts got into",
    "first_at": "first event",
    "user_id": "user",
    "session_id": "session",
    "source": "source",
}
_COLUMNS = ("id", "at", "type", "user_id", "session_id", "source", "detail")


@click.command()
@click.option("--state", type=click.Choice([*STATES, "all"]), default="open", show_default=True)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only of this severity.")
@click.option("--rule", help="Only of this rule, such as stuffing_from_one_source.")
@click.option("--user", metavar="NAME|ID", help="Only about this user.")
@click.option("--since", type=Instant(), help="Only from this time on.")
@click.option("--until", type=Instant(), help="Only before this time.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True)
@placed
def findings(session: Session, state: str, user: str | None, limit: int, **filters: Any) -> None:
    """What the detection rules found, newest first; by default what is open."""
    user_id = None if user is None else user_id_of(session, user)
    query = {"state": None if state == "all" else state, "user_id": user_id, **filters}
    listed = session.service.each(_FINDINGS, "findings", limit=min(limit, 200), **query)
    found = list(islice(listed, limit))
    session.out.document({"findings": found})
    session.out.table(found, _FINDING, "No finding.")


@click.command()
@click.argument("finding_id", metavar="ID")
@placed
def finding(session: Session, finding_id: str) -> None:
    """One finding: its evidence, its history, and how to see all of its events."""
    found = _finding(session, FINDING.id_of(finding_id))
    out = session.out
    out.document(found)
    out.facts(found["finding"], _WHOLE_FINDING)
    out.table(found["history"], _CHANGE, "Nobody has said anything about it yet: `tokens ack`.")
    out.table(
        [_told(event) for event in found["evidence"]], _EVENT, "The events that it names are no longer kept."
    )
    search = " ".join(f"--{_OPTIONS.get(name, name)} {value}" for name, value in found["search"].items())
    out.say(f"All of its events: tokens events {search}")


def _finding(session: Session, finding_id: str) -> Any:
    with FINDING.there(finding_id):
        return session.service.get(f"{_FINDINGS}/{finding_id}")


def _changed(session: Session, finding_id: str, change: dict[str, str | None]) -> Any:
    with FINDING.there(finding_id):
        return session.service.post(f"{_FINDINGS}/{finding_id}/state", change)


_OPTIONS = {"user_id": "user", "session_id": "session"}


def _changes(name: str, state: str, text: str) -> click.Command:
    """A subcommand that says what has become of findings."""

    @click.command(name, help=text)
    @click.argument("finding_ids", metavar="ID...", nargs=-1, required=True)
    @click.option("--note", help="What you found or did; kept with the event, at most 200 characters.")
    @placed
    def change(session: Session, finding_ids: tuple[str, ...], note: str | None) -> None:
        first, *others = map(FINDING.id_of, finding_ids)
        for each in others:  # one that is not there is found out before any other is changed
            _finding(session, each)
        changed = [_changed(session, each, {"state": state, "note": note}) for each in (first, *others)]
        session.out.document({"findings": changed})
        session.out.table(changed, _FINDING, "")

    return change


ack = _changes("ack", "acknowledged", "Say that you look into findings.")
close = _changes("close", "closed", "Say that findings are done with.")
reopen = _changes("reopen", "open", "Say that findings need somebody again.")


@click.command()
@click.option("--type", "kind", help="Only of this type, such as login_failed.")
@click.option("--user", metavar="NAME|ID", help="Only of this user.")
@click.option("--session", "session_id", metavar="SID", help="Only of this session.")
@click.option("--source", help="Only from this source, as other events name it.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only findings of this severity.")
@click.option("--since", type=Instant(), help="Only from this time on.")
@click.option("--until", type=Instant(), help="Only before this time.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True)
@click.option("--csv", "is_csv", is_flag=True, help="Print CSV, oldest last; the detail as JSON.")
@click.option(
    "--follow", is_flag=True, help="Go on with new ones as they come, oldest first, until interrupted."
)
@placed
def events(
    session: Session,
    kind: str | None,
    user: str | None,
    session_id: str | None,
    source: str | None,
    limit: int,
    is_csv: bool,
    follow: bool,
    **filters: Any,
) -> None:
    """Security events, newest first."""
    if follow and (is_csv or filters["until"] is not None):
        raise Problem("--follow is without --csv and --until.")
    user_id = None if user is None else user_id_of(session, user)
    query = {
        "type": kind,
        "user_id": user_id,
        "session_id": None if session_id is None else SESSION.id_of(session_id),
        "source": None if source is None else source_in(source),
        **filters,
    }
    if follow:
        _show_each(session, _followed(session, query))
        return
    listed = session.service.each("/admin/security/events", "events", limit=min(limit, 200), **query)
    found = list(islice(listed, limit))
    if is_csv:
        _write_csv(found)
        return
    session.out.document({"events": found})
    session.out.table(
        [_told(event) for event in found],
        _EVENT,
        "No event." if session_id is None else f"No event. {SESSION.helps}",
    )


def _followed(session: Session, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """New events as they come. An event may be committed some seconds after its id was made: each look goes back."""
    seen: dict[str, int] = {}
    query = {**query, "since": query["since"] or int(time.time())}
    while True:
        found = list(session.service.each("/admin/security/events", "events", limit=200, **query))
        fresh = [event for event in reversed(found) if event["id"] not in seen]
        yield from fresh
        seen |= {event["id"]: event["at"] for event in fresh}
        query["since"] = max(query["since"], max(seen.values(), default=0) - 60)
        seen = {event_id: at for event_id, at in seen.items() if at >= query["since"]}
        time.sleep(FOLLOW_S)


def _show_each(session: Session, followed: Iterable[dict[str, Any]]) -> None:
    for event in followed:
        if session.out.is_json:
            session.out.line(event)
        else:
            told = _told(event)
            parts = (
                session.out.at(event["at"]),
                *(told[name] for name in ("type", "user_id", "session_id", "detail")),
            )
            session.out.say("  ".join(str(part) for part in parts if part))


def _told(event: dict[str, Any]) -> dict[str, Any]:
    detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items())
    return {**event, "detail": detail}


def _write_csv(found: Iterable[dict[str, Any]]) -> None:
    """RFC 4180. No cell begins with what a spreadsheet takes for a formula: details hold anybody's words."""
    writer = csv.writer(sys.stdout)
    writer.writerow(_COLUMNS)
    for event in found:
        cells = {**event, "detail": json.dumps(event["detail"], ensure_ascii=False)}
        writer.writerow([_harmless(cells[name]) for name in _COLUMNS])


def _harmless(cell: object) -> str:
    text = printable("" if cell is None else cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
