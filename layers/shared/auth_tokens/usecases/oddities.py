"""What is odd about a refresh, seen in the row that is written anyway: a far place, a rate far above the usual."""

from dataclasses import replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.event_kinds import Move, refresh_burst, session_moved
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.pace import paced
from auth_tokens.domain.places import place_from_text
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.domain.travel import is_too_far
from auth_tokens.usecases.metadata import Metadata


def seen_again(
    record: TokenRecord, before: Metadata, caller: Caller, usual_s: int, now: int
) -> tuple[Metadata, list[SecurityEvent]]:
    """A session's metadata after this refresh, and the events of what is odd about it: mostly none.

    before: as the row has it; usual_s: lifetime of an access token. A device is shown once a sign-in, from
    wherever its user is: nothing about it is odd.
    """
    if record.kind is TokenKind.DEVICE:
        return before.seen_at(caller), []
    due_at, is_far_above = paced(int(before.pace or 0), now, usual_s)
    seen = replace(before.seen_at(caller), pace=str(due_at))
    events = []
    if is_far_above:
        events.append(refresh_burst(record, usual_s, caller, now))
    move = _move(record, before, caller, now)
    if move:
        events.append(session_moved(record, move, caller, now))
    return seen, events


def _move(record: TokenRecord, before: Metadata, caller: Caller, now: int) -> Move | None:
    """A move that is too far for its time; None for any other."""
    origin = place_from_text(before.place)
    elapsed_s = now - (record.created_at if record.rotated_at is None else record.rotated_at)
    if origin is None or caller.place is None or not is_too_far(origin, caller.place, elapsed_s):
        return None
    return Move(origin.text, elapsed_s, origin.km_to(caller.place))
