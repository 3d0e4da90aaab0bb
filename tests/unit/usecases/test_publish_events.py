"""Security events go to the bus, from an outbox in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.usecases.publish_events import (
    RESERVE_MS,
    SETTLE_S,
    PublishDeps,
    PublishReport,
    publish_events,
)
from tests.support.fakes import FakeBus
from tests.support.world import START, Clock


@dataclass
class MemoryOutbox:
    """Port ports.events.Outbox."""

    events: list[RecordedEvent] = field(default_factory=list)
    published: list[bytes] = field(default_factory=list)

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        waiting = [event for event in self._waiting() if event.id > after and event.at < before]
        return waiting[:limit]

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        self.published += ids

    def oldest_pending_at(self) -> int | None:
        return min((event.at for event in self._waiting()), default=None)

    def _waiting(self) -> list[RecordedEvent]:
        return [event for event in self.events if event.id not in self.published]


def event(number: int, user_id: str | None = "alice", at: int = START - 100) -> RecordedEvent:
    return RecordedEvent(number.to_bytes(16, "big"), "login_failed", at, user_id, None, None, {})


def publish(outbox: MemoryOutbox, bus: FakeBus | None, remaining_ms: int = 60_000) -> PublishReport:
    return publish_events(lambda: remaining_ms, PublishDeps(outbox, bus, Clock()))


def test_events_go_in_order_and_once() -> None:
    outbox, bus = MemoryOutbox([event(number) for number in range(1, 26)]), FakeBus()

    first, second = publish(outbox, bus), publish(outbox, bus)

    assert (first.published, second.published) == (25, 0)
    assert [taken.id for taken in bus.taken] == [each.id for each in outbox.events]


@pytest.mark.parametrize(("age_s", "published"), [(SETTLE_S, 0), (SETTLE_S + 1, 1)])
def test_an_event_waits_until_no_earlier_one_can_appear(age_s: int, published: int) -> None:
    outbox = MemoryOutbox([event(1, at=START - age_s)])

    assert publish(outbox, FakeBus()).published == published


def test_a_refused_event_holds_the_later_ones_of_its_user_alone() -> None:
    outbox, bus = MemoryOutbox([event(1), event(2, "bob"), event(3), event(4, None)]), FakeBus()
    bus.refused = {"alice"}

    report = publish(outbox, bus)

    assert (report.published, report.refused) == (2, 1)
    assert [taken.user_id for taken in bus.taken] == ["bob", None]

    bus.refused = set()
    assert publish(outbox, bus).published == 2


def test_a_bus_that_is_down_marks_nothing_and_says_how_old_the_oldest_is() -> None:
    outbox, bus = MemoryOutbox([event(1, at=START - 300)]), FakeBus()
    bus.is_down = True

    report = publish(outbox, bus)

    assert report == PublishReport(published=0, refused=0, is_bus_down=True, lag_s=300)
    assert outbox.published == []


def test_a_run_that_dies_after_the_bus_took_an_event_sends_it_again() -> None:
    outbox, bus = MemoryOutbox([event(1)]), FakeBus()
    bus.dies = True
    with pytest.raises(RuntimeError):
        publish(outbox, bus)
    bus.dies = False

    assert publish(outbox, bus).published == 1
    assert len(bus.taken) == 2


def test_no_batch_begins_within_the_reserve() -> None:
    outbox = MemoryOutbox([event(1)])

    assert publish(outbox, FakeBus(), RESERVE_MS - 1).published == 0
    assert publish(outbox, FakeBus(), RESERVE_MS).published == 1


def test_without_a_bus_events_wait_and_nothing_lags() -> None:
    outbox = MemoryOutbox([event(1)])

    assert publish(outbox, None) == PublishReport(0, 0, is_bus_down=False, lag_s=0)
    assert outbox.published == []
