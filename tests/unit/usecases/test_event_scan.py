"""Events chosen by their details: pages in order, each event once, and an end to the reading."""

import pytest

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.usecases.event_scan import CHUNK, MAX_READ, scan


def events(count: int) -> list[RecordedEvent]:
    return [
        RecordedEvent(n.to_bytes(16, "big"), "finding", n, None, None, None, {}) for n in range(count, 0, -1)
    ]


def pages(count: int, limit: int, wanted: set[int]) -> list[list[int]]:
    stored, before, found = events(count), MAX_UUID, []

    def read(position: bytes, most: int) -> list[RecordedEvent]:
        return [event for event in stored if event.id < position][:most]

    while True:
        page, following = scan(read, lambda event: event.at in wanted, before, limit)
        found.append([event.at for event in page])
        if following is None:
            return found
        before = following


def test_the_wanted_ones_come_in_order_and_each_once() -> None:
    assert pages(10, 2, {9, 7, 5, 3, 1}) == [[9, 7], [5, 3], [1]]


def test_a_page_that_holds_all_has_no_next() -> None:
    assert pages(10, 5, {9, 7, 5, 3, 1}) == [[9, 7, 5, 3, 1]]
    assert pages(10, 2, set()) == [[]]
    assert pages(0, 2, {1}) == [[]]


@pytest.mark.parametrize("count", [CHUNK - 1, CHUNK, CHUNK + 1])
def test_the_last_of_a_chunk_is_not_lost(count: int) -> None:
    assert [n for page in pages(count, 10, {1, count}) for n in page] == [count, 1]


def test_it_stops_reading_and_its_cursor_leads_on() -> None:
    found = pages(MAX_READ + 10, 10, {1})

    assert found == [[], [1]]
