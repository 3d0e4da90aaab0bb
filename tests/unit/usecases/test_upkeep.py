"""The outbox and the figures in an operator's hands, on memory."""

from dataclasses import dataclass, field, replace

import pytest

from auth_tokens.domain.caller import NO_CALLER
from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.ids import first_uuid_at, uuid_text
from auth_tokens.domain.purges import Batch, Debt
from auth_tokens.usecases.upkeep import (
    MAX_SLICES,
    SLICE_EVENTS,
    ReplayRequest,
    UpkeepDeps,
    recount_figures,
    replay_events,
    service_debt,
    skip_event,
)
from tests.support.memory_figures import MemoryRollups
from tests.support.world import START, Clock

HOUR = START - START % 3600


@dataclass
class Outbox:
    """Ports ports.events.Replays, Outbox and EventLog: ids of events, one a second, and those that are pending."""

    ids: list[bytes] = field(default_factory=list)
    waiting: set[bytes] = field(default_factory=set)
    recorded: list[SecurityEvent] = field(default_factory=list)
    slices: int = 0

    def record(self, event: SecurityEvent) -> None:
        self.recorded.append(event)

    def oldest_pending_at(self) -> int | None:
        return START - 30 if self.waiting else None

    def pending(self, after: bytes, before: int, limit: int) -> list[object]:
        raise NotImplementedError

    def mark_published(self, ids: object, at: int) -> None:
        raise NotImplementedError

    def count_pending(self) -> int:
        return len(self.waiting)

    def count(self, after: bytes, before: bytes) -> int:
        return len(self._of(after, before))

    def replay(self, after: bytes, before: bytes, limit: int) -> bytes | None:
        self.slices += 1
        span = self._of(after, before)
        self.waiting |= set(span[:limit])
        return span[limit] if len(span) > limit else None

    def skip(self, event_id: bytes, at: int) -> bool:
        return event_id in self.waiting and not self.waiting.discard(event_id)

    def _of(self, after: bytes, before: bytes) -> list[bytes]:
        return [event_id for event_id in self.ids if after <= event_id < before]


@dataclass
class Rows:
    """Port ports.jobs.Purge."""

    name: str = "auth_user_tokens"

    def debt(self, now: int) -> Debt:
        return Debt(7, 60)

    def delete_batch(self, now: int, rows: int) -> Batch:
        raise NotImplementedError


def deps(outbox: Outbox) -> UpkeepDeps:
    rollups = MemoryRollups({}, kept={HOUR - 3600 * n: {"login_failed": 1} for n in range(4)}, kept_at=START)
    return UpkeepDeps(outbox, outbox, (Rows(),), rollups, outbox, Clock(), event_retention_s=86_400)  # type: ignore[arg-type]


def ids(count: int, since: int = START - 50_000) -> list[bytes]:
    return [first_uuid_at(since + number) for number in range(count)]


REPLAY = ReplayRequest(START - 50_000, START, "SIEM restored")


def test_all_of_a_span_is_pending_again_call_by_call_and_recorded_once() -> None:
    outbox = Outbox(ids(SLICE_EVENTS * MAX_SLICES + 5))
    first = replay_events(REPLAY, NO_CALLER, deps(outbox))

    assert first.events == len(outbox.ids)
    assert len(outbox.waiting) == SLICE_EVENTS * MAX_SLICES
    assert first.next_cursor is not None

    last = replay_events(replace(REPLAY, cursor=first.next_cursor), NO_CALLER, deps(outbox))

    assert last.next_cursor is None
    assert outbox.waiting == set(outbox.ids)
    assert [event.detail["note"] for event in outbox.recorded] == ["SIEM restored"]


def test_both_edges_of_a_span_are_kept() -> None:
    outbox = Outbox(ids(3))
    since = START - 50_000

    replay_events(ReplayRequest(since + 1, since + 2, "x"), NO_CALLER, deps(outbox))

    assert outbox.waiting == {outbox.ids[1]}


def test_a_dry_run_counts_and_does_nothing() -> None:
    outbox = Outbox(ids(3))

    assert replay_events(replace(REPLAY, is_dry_run=True), NO_CALLER, deps(outbox)).events == 3
    assert (outbox.waiting, outbox.recorded, outbox.slices) == (set(), [], 0)


@pytest.mark.parametrize(
    "wanted",
    [
        replace(REPLAY, until=REPLAY.since),
        replace(REPLAY, since=START + 1, until=START),
        replace(REPLAY, until=START + 2),
        replace(REPLAY, cursor="x"),
        replace(REPLAY, cursor=uuid_text(first_uuid_at(START - 50_001))),
        replace(REPLAY, cursor=uuid_text(first_uuid_at(START))),
    ],
)
def test_a_span_that_is_none_replays_nothing(wanted: ReplayRequest) -> None:
    outbox = Outbox(ids(3))

    with pytest.raises(InvalidRequest):
        replay_events(wanted, NO_CALLER, deps(outbox))
    assert (outbox.waiting, outbox.recorded) == (set(), [])


def test_one_that_waits_is_given_up_and_that_is_recorded() -> None:
    outbox = Outbox(ids(1))
    outbox.waiting |= set(outbox.ids)

    skip_event(uuid_text(outbox.ids[0]), "refused", NO_CALLER, deps(outbox))

    assert outbox.waiting == set()
    assert [event.type.value for event in outbox.recorded] == ["event_skipped"]


@pytest.mark.parametrize("event_id", [uuid_text(first_uuid_at(START)), "x", ""])
def test_what_does_not_wait_is_not_given_up(event_id: str) -> None:
    outbox = Outbox(ids(1))

    with pytest.raises(NotFound):
        skip_event(event_id, "refused", NO_CALLER, deps(outbox))
    assert outbox.recorded == []


def test_the_hours_from_an_instant_on_are_counted_again() -> None:
    outbox = Outbox()
    upkeep = deps(outbox)

    assert recount_figures(START - 3600, "by hand", NO_CALLER, upkeep) == HOUR - 3600

    assert upkeep.rollups.last_hour(START) == HOUR - 7200
    assert [event.detail["since"] for event in outbox.recorded] == [HOUR - 3600]


@pytest.mark.parametrize("since", [0, START - 86_400 - 3600, HOUR + 3600])
def test_hours_whose_events_are_gone_or_to_come_are_kept(since: int) -> None:
    outbox = Outbox()
    upkeep = deps(outbox)

    with pytest.raises(InvalidRequest):
        recount_figures(since, "x", NO_CALLER, upkeep)
    assert upkeep.rollups.last_hour(START) == HOUR
    assert outbox.recorded == []


def test_the_debt_is_of_each_table_and_of_the_outbox() -> None:
    outbox = Outbox(waiting=set(ids(2)))

    debt = service_debt(deps(outbox))

    assert debt.tables == {"auth_user_tokens": Debt(7, 60)}
    assert (debt.pending, debt.oldest_pending_at, debt.rolled_up_at) == (2, START - 30, START)
