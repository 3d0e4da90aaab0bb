"""What is waiting to be done, and what can be done about it: debt, cleanup, replay, skip, recount, dlq."""

from __future__ import annotations

import json
from typing import Any

import click

from tokens_command.arguments import EVENT
from tokens_command.confirmation import confirm
from tokens_command.connection import Session, placed
from tokens_command.functions import DEAD_LETTERS, Letter, invoke, letters
from tokens_command.people import reason_option, yes_option
from tokens_command.problems import Exit, Problem
from tokens_command.times import Instant

_TABLE = {"table": "table", "due": "due", "oldest_due_s": "oldest due for (s)"}
_LETTER = {"id": "message", "sent_at": "sent", "function": "function", "what": "what", "error": "error"}


@click.command()
@placed
def debt(session: Session) -> None:
    """What cleanup, the outbox and the dead-letter queue have yet to do. Exit code 1 where letters wait."""
    found = session.service.get("/admin/debt")
    found["dead_letters"] = None if session.place.local or not session.place.stack else len(letters(session))
    out = session.out
    out.document(found)
    out.table(found["cleanup"], _TABLE, "")
    out.facts(found["outbox"], {"pending": "events for the bus", "oldest_at": "the oldest"})
    out.facts(found, {"rolled_up_at": "figures counted", "dead_letters": "dead letters"})
    if found["dead_letters"]:
        raise Problem(f"{found['dead_letters']} dead letters wait: `tokens dlq list`.", Exit.NO)


@click.command()
@click.option("--catch-up", is_flag=True, help="Larger batches: faster, and logins become slower meanwhile.")
@click.option("--runs", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many.")
@placed
def cleanup(session: Session, catch_up: bool, runs: int) -> None:
    """Run cleanup until nothing is due. It deletes what it would delete anyway."""
    deleted: dict[str, int] = {}
    for _ in range(runs):
        answer = invoke(session, "cleanup", {"catch_up": True} if catch_up else {})
        for table, rows in answer["deleted"].items():
            deleted[table] = deleted.get(table, 0) + rows
        if answer["complete"]:
            break
    session.out.document({"deleted": deleted, "left": answer["left"], "complete": answer["complete"]})
    rows = [{"table": table, "deleted": n, "left": answer["left"][table]} for table, n in deleted.items()]
    session.out.table(rows, {"table": "table", "deleted": "deleted", "left": "left"}, "")
    if not answer["complete"]:
        raise Problem(f"Something is still due after {runs} runs: repeat it.", Exit.NO)


@click.command()
@click.option("--since", type=Instant(), required=True, help="From this time on.")
@click.option("--until", type=Instant(), required=True, help="Before this time.")
@reason_option
@click.option("--dry-run", is_flag=True, help="Say how many, and send none.")
@yes_option
@placed
def replay(session: Session, since: int, until: int, reason: str, dry_run: bool, yes: bool) -> None:
    """Send the events of a span to the bus once more; subscribers know repeated ones by their ids."""
    body = {"since": since, "until": until, "reason": reason}
    path = "/admin/security/events/replay"
    counted = session.service.post(path, {**body, "dry_run": True})
    if not dry_run:
        confirm(f"Send {counted['events']} events once more?", yes=yes)
        cursor = None
        while True:
            cursor = session.service.post(path, {**body, "cursor": cursor})["next_cursor"]
            if cursor is None:
                break
    session.out.document({"events": counted["events"], "replayed": not dry_run})
    told = (
        "would be sent once more"
        if dry_run
        else "are in the outbox again; the next runs of the schedule send them"
    )
    session.out.say(f"{counted['events']} events {told}.")


@click.command()
@click.argument("event_id", metavar="EVENT")
@reason_option
@yes_option
@placed
def skip(session: Session, event_id: str, reason: str, yes: bool) -> None:
    """Give up an event that the bus refuses (metric EventsRefused); later ones of its user wait behind it."""
    wanted = EVENT.id_of(event_id)
    confirm(f"Never send the event {wanted}?", yes=yes)
    with EVENT.there(wanted):
        answer = session.service.post(f"/admin/security/events/{wanted}/skip", {"reason": reason})
    session.out.document(answer)
    session.out.say("It is not sent. The events behind it follow with the next run of the schedule.", "green")


@click.command()
@click.option("--since", type=Instant(), required=True, help="From the hour of this time on.")
@reason_option
@yes_option
@placed
def recount(session: Session, since: int, reason: str, yes: bool) -> None:
    """Count the figures of past hours again, for example after rows were inserted by hand."""
    confirm(f"Count all figures since {session.out.at(since)} again?", yes=yes)
    answer = session.service.post("/admin/security/figures/recount", {"since": since, "reason": reason})
    session.out.document(answer)
    session.out.say(
        f"From {session.out.at(answer['since'])} on, 200 hours with each run of the schedule.", "green"
    )


@click.group()
def dlq() -> None:
    """Dead letters: events of the Portal and scheduled runs that failed three times."""


@dlq.command("list")
@placed
def list_letters(session: Session) -> None:
    """What waits, and why. A `UserDisabled` there means a user who is still signed in."""
    found = letters(session)
    session.out.document({"dead_letters": [letter.view for letter in found]})
    session.out.table([letter.view for letter in found], _LETTER, "No dead letter.")


@dlq.command()
@click.option("--message", "chosen", multiple=True, metavar="ID", help="Only this one; may be repeated.")
@yes_option
@placed
def redrive(session: Session, chosen: tuple[str, ...], yes: bool) -> None:
    """Send what waits to its function again, and delete what that took. Repair the cause first."""
    found = letters(session)
    if unknown := set(chosen) - {letter.view["id"] for letter in found}:
        raise Problem(f"There is no message {', '.join(sorted(unknown))}: `tokens dlq list`.", Exit.NO)
    wanted = [letter for letter in found if not chosen or letter.view["id"] in chosen]
    if not wanted:
        session.out.document({"redriven": [], "failed": []})
        session.out.say("No dead letter.")
        return
    session.out.table([letter.view for letter in wanted], _LETTER, "")
    confirm(f"Send {len(wanted)} to their functions again?", yes=yes)
    results = [(letter, _redriven(session, letter)) for letter in wanted]
    failed = [{**letter.view, "error": error} for letter, error in results if error]
    session.out.document(
        {"redriven": [letter.view for letter, error in results if not error], "failed": failed}
    )
    session.out.table(failed, _LETTER, f"{len(wanted)} taken.")
    if failed:
        raise Problem(f"{len(failed)} failed again and wait on.", Exit.NO)


def _redriven(session: Session, letter: Letter) -> str:
    """The error; empty where it was taken, and then it is deleted."""
    invoked = session.aws.call(
        "lambda", "invoke", FunctionName=letter.function, Payload=json.dumps(letter.payload).encode()
    )
    answer: Any = json.loads(invoked["Payload"].read() or b"null")
    if "FunctionError" in invoked:
        return f"{answer.get('errorType')}: {answer.get('errorMessage')}"
    queue = session.foundation.output(DEAD_LETTERS)
    session.aws.call("sqs", "delete_message", QueueUrl=queue, ReceiptHandle=letter.receipt)
    return ""
