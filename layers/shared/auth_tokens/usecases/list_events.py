"""Security events for operators: a filtered page of them."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from auth_tokens.domain.analytics.findings import Severity
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent
from auth_tokens.domain.ids import MAX_UUID, first_uuid_at, parse_uuid, uuid_text
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventQuery
from auth_tokens.usecases.event_scan import scan

MAX_PAGE = 200
MAX_SPAN_S = 90 * 86400
C = TypeVar("C", bound=Enum)


@dataclass(frozen=True, slots=True)
class ListEventsDeps:
    events: EventQuery
    clock: Clock


@dataclass(frozen=True, slots=True)
class EventFilter:
    """None: whatever. since, until: epoch seconds, the first included, at most MAX_SPAN_S back; source: in hexadecimal;
    severity: of findings, which alone have one; cursor: the id of the last event seen."""

    user_id: str | None = None
    type: str | None = None
    since: int | None = None
    cursor: str | None = None
    limit: int = MAX_PAGE
    until: int | None = None
    session_id: bytes | None = None
    source: bytes | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    events: list[RecordedEvent]
    next_cursor: str | None


def list_events(wanted: EventFilter, deps: ListEventsDeps) -> EventPage:
    """One page, newest first; one SELECT, but for severities. Raises InvalidRequest naming the parameter."""
    if not 1 <= wanted.limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    selection = _selection(wanted, deps.clock())
    before = position_before(wanted.cursor, wanted.until)
    severity = chosen(Severity, "severity", wanted.severity)
    if severity is None:
        events = deps.events.search(selection, before, wanted.limit + 1)
        page = events[: wanted.limit]
        return EventPage(page, uuid_text(page[-1].id) if len(events) > wanted.limit else None)
    found, after = scan(
        lambda at, n: deps.events.search(selection, at, n),
        lambda event: event.detail.get("severity") == severity.value,
        before,
        wanted.limit,
    )
    return EventPage(found, uuid_text(after) if after is not None else None)


def _selection(wanted: EventFilter, now: int) -> EventSelection:
    kind = chosen(EventType, "type", wanted.type)
    if wanted.severity is not None:
        if kind not in (None, EventType.FINDING):
            raise InvalidRequest("severity is of findings: leave type out, or ask for finding.")
        kind = EventType.FINDING
    since = min(max(wanted.since or 0, now - MAX_SPAN_S), now + 1)
    return EventSelection(since, wanted.user_id, kind, wanted.session_id, wanted.source)


def chosen(choices: type[C], name: str, text: str | None) -> C | None:
    """The member whose value a parameter is. Raises InvalidRequest naming those that exist."""
    if text is None:
        return None
    try:
        return choices(text)
    except ValueError as exc:
        raise InvalidRequest(
            f"{name} must be one of {', '.join(choice.value for choice in choices)}."
        ) from exc


def position_before(cursor: str | None, until: int | None) -> bytes:
    """The id that all events of a page come before. Raises InvalidRequest."""
    position = MAX_UUID if cursor is None else parse_uuid(cursor)
    if position is None:
        raise InvalidRequest("cursor must be the next_cursor of the page before.")
    return position if until is None else min(position, first_uuid_at(until))
