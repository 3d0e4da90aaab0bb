"""A page of security events for operators, from a list in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent
from auth_tokens.usecases.list_events import MAX_PAGE, MAX_SPAN_S, EventFilter, ListEventsDeps, list_events
from tests.support.world import START, Clock


@dataclass
class MemoryEvents:
    """Port ports.events.EventQuery."""

    events: list[RecordedEvent]

    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        return self.search(EventSelection(since, user_id, (kind,) if kind else ()), before, limit)

    def search(self, wanted: EventSelection, before: bytes, limit: int) -> list[RecordedEvent]:
        found = [
            event
            for event in sorted(self.events, key=lambda each: each.id, reverse=True)
            if event.id < before
            and event.at >= wanted.since
            and wanted.user_id in (None, event.user_id)
            and wanted.session_id in (None, event.session_id)
            and wanted.source in (None, event.source_hash)
            and (not wanted.kinds or event.type in {kind.value for kind in wanted.kinds})
        ]
        return found[:limit]

    def of_ids(self, ids: Sequence[bytes]) -> list[RecordedEvent]:
        return [event for event in self.events if event.id in ids]


def event(number: int, age_s: int = 0, user_id: str = "alice", kind: str = "login_failed") -> RecordedEvent:
    return RecordedEvent(number.to_bytes(16, "big"), kind, START - age_s, user_id, None, None, {})


def numbers(*events: RecordedEvent, **wanted: object) -> list[int]:
    """The numbers of the events of a page and of all behind it."""
    deps = ListEventsDeps(MemoryEvents(list(events)), Clock())
    found: list[int] = []
    while True:
        page = list_events(EventFilter(**wanted), deps)  # type: ignore[arg-type]
        found += [int.from_bytes(each.id, "big") for each in page.events]
        if page.next_cursor is None:
            return found
        wanted["cursor"] = page.next_cursor


def test_events_come_newest_first_and_each_once() -> None:
    events = [event(number) for number in range(1, 6)]

    assert numbers(*events) == numbers(*events, limit=2) == numbers(*events, limit=5) == [5, 4, 3, 2, 1]


def test_a_filter_leaves_those_of_a_user_or_of_a_type() -> None:
    events = [event(1), event(2, user_id="bob"), event(3, kind="new_device")]

    assert numbers(*events, user_id="alice") == [3, 1]
    assert numbers(*events, type="login_failed") == [2, 1]
    assert numbers(*events, type="new_device,login_failed") == [3, 2, 1]
    assert numbers(*events, type="new_device,new_device") == [3]


@pytest.mark.parametrize(("since", "found"), [(START - 10, [2, 1]), (START - 9, [2]), (START + 1, [])])
def test_since_is_the_first_second_that_counts(since: int, found: list[int]) -> None:
    assert numbers(event(1, age_s=10), event(2), since=since) == found


@pytest.mark.parametrize("since", [None, 0])
def test_no_page_goes_back_further_than_the_longest_span(since: int | None) -> None:
    assert numbers(event(1, age_s=MAX_SPAN_S + 1), event(2, age_s=MAX_SPAN_S), since=since) == [2]


@pytest.mark.parametrize(
    "wanted",
    [
        {"limit": 0},
        {"limit": MAX_PAGE + 1},
        {"type": "x"},
        {"type": "login_failed,x"},
        {"type": "login_failed,"},
        {"severity": "low", "type": "finding,login_failed"},
        {"cursor": "x"},
    ],
    ids=str,
)
def test_what_is_no_filter_is_no_request(wanted: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        numbers(event(1), **wanted)
