"""Security events for operators: a filtered page of them."""

from dataclasses import dataclass

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import EventType, RecordedEvent
from auth_tokens.domain.ids import MAX_UUID, parse_uuid, uuid_text
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventQuery

MAX_PAGE = 200
MAX_SPAN_S = 90 * 86400


@dataclass(frozen=True, slots=True)
class ListEventsDeps:
    events: EventQuery
    clock: Clock


@dataclass(frozen=True, slots=True)
class EventFilter:
    """since: epoch seconds, at most MAX_SPAN_S back; cursor: the id of the last event seen."""

    user_id: str | None = None
    type: str | None = None
    since: int | None = None
    cursor: str | None = None
    limit: int = MAX_PAGE


@dataclass(frozen=True, slots=True)
class EventPage:
    events: list[RecordedEvent]
    next_cursor: str | None


def list_events(wanted: EventFilter, deps: ListEventsDeps) -> EventPage:
    """One page, newest first; one SELECT. Raises InvalidRequest naming the parameter."""
    if not 1 <= wanted.limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    kind = _event_type(wanted.type) if wanted.type is not None else None
    before = _position(wanted.cursor) if wanted.cursor is not None else MAX_UUID
    now = deps.clock()
    since = min(max(wanted.since or 0, now - MAX_SPAN_S), now + 1)
    events = deps.events.page(before, since, wanted.user_id, kind, wanted.limit + 1)
    page = events[: wanted.limit]
    return EventPage(page, uuid_text(page[-1].id) if len(events) > wanted.limit else None)


def _event_type(text: str) -> EventType:
    try:
        return EventType(text)
    except ValueError as exc:
        raise InvalidRequest("type is not a type of event.") from exc


def _position(cursor: str) -> bytes:
    position = parse_uuid(cursor)
    if position is None:
        raise InvalidRequest("cursor is not one of this list.")
    return position
