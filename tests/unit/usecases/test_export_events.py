"""How many events a file has."""

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.usecases.export_events import MAX_BYTES, MAX_ROWS, Export, Row, export_events
from auth_tokens.usecases.list_events import EventFilter, ListEventsDeps
from tests.support.world import Clock
from tests.unit.usecases.test_list_events import MemoryEvents, event


def exported(events: list[RecordedEvent], size: int, cursor: str | None = None) -> Export:
    deps = ListEventsDeps(MemoryEvents(events), Clock())
    return export_events(EventFilter(cursor=cursor), lambda each: Row(each, "", size), deps)


def test_a_file_has_its_most_rows_and_the_next_goes_on_behind_them() -> None:
    events = [event(number) for number in range(1, MAX_ROWS + 4)]

    first = exported(events, 1)
    second = exported(events, 1, first.next_cursor)

    assert (len(first.rows), len(second.rows)) == (MAX_ROWS, 3)
    assert first.rows[-1].event.id > second.rows[0].event.id
    assert second.next_cursor is None


def test_a_file_ends_before_it_has_too_many_bytes() -> None:
    events = [event(number) for number in range(1, 6)]

    first = exported(events, MAX_BYTES // 3)
    second = exported(events, MAX_BYTES // 3, first.next_cursor)

    assert (len(first.rows), len(second.rows), second.next_cursor) == (3, 2, None)
