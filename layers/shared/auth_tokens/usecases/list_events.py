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
    """None: whatever. type: one, or several by commas; since, until: epoch seconds, the first included, at most
    MAX_SPAN_S back; severity: of findings, which alone have one; cursor: the id of the last event seen."""

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
    if wanted.severity is not None:
        return scan_events(wanted, deps)
    selection = _selection(wanted, deps.clock())
    before = position_before(wanted.cursor, wanted.until)
    events = deps.events.search(selection, before, wanted.limit + 1)
    page = events[: wanted.limit]
    return EventPage(page, uuid_text(page[-1].id) if len(events) > wanted.limit else None)


def scan_events(wanted: EventFilter, deps: ListEventsDeps) -> EventPage:
    """The same in steps, for what is encrypted and for many events: the page may be short, its cursor leads on."""
    severity = chosen(Severity, "severity", wanted.severity)
    selection = _selection(wanted, deps.clock())
    found, after = scan(
        lambda at, n: deps.events.search(selection, at, n),
        lambda event: severity is None or event.detail.get("severity") == severity.value,
        position_before(wanted.cursor, wanted.until),
        wanted.limit,
    )
    return EventPage(found, uuid_text(after) if after is not None else None)


def _selection(wanted: EventFilter, now: int) -> EventSelection:
    refuse_empty_span(wanted.since, wanted.until)
    kinds = _kinds(wanted.type)
    if wanted.severity is not None:
        if kinds not in ((), (EventType.FINDING,)):
            raise InvalidRequest("severity is of findings: leave type out, or ask for finding.")
        kinds = (EventType.FINDING,)
    since = min(max(wanted.since or 0, now - MAX_SPAN_S), now + 1)
    return EventSelection(since, wanted.user_id, kinds, wanted.session_id, wanted.source)


def _kinds(text: str | None) -> tuple[EventType, ...]:
    """Each once, in the order of the request."""
    names = [] if text is None else text.split(",")
    kinds = [chosen(EventType, "type", name) for name in names]
    return tuple(dict.fromkeys(kind for kind in kinds if kind is not None))


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


def refuse_empty_span(since: int | None, until: int | None) -> None:
    """A span that ends before it begins would look like one in which nothing happened. Raises InvalidRequest."""
    if since is not None and until is not None and until <= since:
        raise InvalidRequest("until must be after since.")


def position_before(cursor: str | None, until: int | None) -> bytes:
    """The id that all events of a page come before. Raises InvalidRequest."""
    position = MAX_UUID if cursor is None else parse_uuid(cursor)
    if position is None:
        raise InvalidRequest("cursor must be the next_cursor of the page before.")
    return position if until is None else min(position, first_uuid_at(until))
