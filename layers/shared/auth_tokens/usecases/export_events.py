"""Security events as a file: as many as one answer holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.usecases.list_events import EventFilter, EventPage, ListEventsDeps, scan_events

MAX_ROWS = 5000
# Lambda answers with at most 6 MB; the rest is for headers.
MAX_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it is written; size: bytes of the answer."""

    event: RecordedEvent
    text: str
    size: int


@dataclass(frozen=True, slots=True)
class Export:
    """next_cursor: None where nothing was left out."""

    rows: list[Row]
    next_cursor: str | None


def export_events(
    wanted: EventFilter, written: Callable[[RecordedEvent], Row], deps: ListEventsDeps
) -> Export:
    """The newest events of a filter, up to MAX_ROWS and MAX_BYTES. Raises InvalidRequest naming the parameter,
    Unavailable."""
    page: EventPage = scan_events(replace(wanted, limit=MAX_ROWS), deps)
    rows: list[Row] = []
    size = 0
    for row in map(written, page.events):
        size += row.size
        if size > MAX_BYTES:
            return Export(rows, uuid_text(rows[-1].event.id))
        rows.append(row)
    return Export(rows, page.next_cursor)
