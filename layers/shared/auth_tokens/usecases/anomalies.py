"""Anomalies of a refresh, found in the row that is written anyway: impossible travel, a rate far above the usual."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.event_kinds import Move, refresh_burst, session_moved
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.impossible_travel import is_impossible_travel
from auth_tokens.domain.places import place_from_text
from auth_tokens.domain.refresh_rate import count_refresh
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.row_metadata import Metadata


def observe_refresh(
    record: TokenRecord, before: Metadata, caller: Caller, usual_s: int, now: int
) -> tuple[str, list[SecurityEvent]]:
    """The state of a session's rate after this refresh, for its metadata, and an event for each anomaly: mostly none.

    before: as the row has it; usual_s: lifetime of an access token. A device token is shown once a sign-in, from
    wherever its user is, so it has no anomalies.
    """
    if record.kind is TokenKind.DEVICE:
        return before.refresh_due_at, []
    due_at, is_far_above = count_refresh(int(before.refresh_due_at or 0), now, usual_s)
    events = []
    if is_far_above:
        events.append(refresh_burst(record, usual_s, caller, now))
    move = _move(record, before, caller, now)
    if move:
        events.append(session_moved(record, move, caller, now))
    return str(due_at), events


def _move(record: TokenRecord, before: Metadata, caller: Caller, now: int) -> Move | None:
    """The move, where it is impossible travel; None otherwise."""
    origin = place_from_text(before.place) if caller.place else None
    elapsed_s = now - (record.created_at if record.rotated_at is None else record.rotated_at)
    if origin is None or caller.place is None or not is_impossible_travel(origin, caller.place, elapsed_s):
        return None
    return Move(origin.text, elapsed_s, origin.km_to(caller.place))
