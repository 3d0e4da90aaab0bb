"""Cleanup: sizes of batches, turns and outages, on a fake clock and a fake database."""

from dataclasses import dataclass, field

import pytest

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.purges import Batch, Debt
from auth_tokens.usecases.cleanup import (
    BACK_OFF_MS,
    CATCH_UP,
    CREATION_SPAN_S,
    FIRST_ROWS,
    MAX_BACK_OFF_MS,
    MAX_OUTAGES,
    MIN_ROWS,
    RESERVE_MS,
    STEADY,
    BatchLimits,
    CleanupDeps,
    CleanupReport,
    cleanup,
    next_rows,
)

NOW = 1_800_000_000
CONTENTION = Unavailable("database error 1213", is_contention=True)
OUTAGE = Unavailable("database error 2003")


@dataclass
class Invocation:
    """The time of one invocation; batches and pauses use it up."""

    remaining_ms: float = 60_000
    pauses_ms: list[float] = field(default_factory=list)

    def remaining(self) -> int:
        return int(self.remaining_ms)

    def sleep(self, seconds: float) -> None:
        self.pauses_ms.append(round(seconds * 1000))
        self.remaining_ms -= seconds * 1000


@dataclass
class FakePurge:
    """So many rows are due; each takes row_ms, and each batch trip_ms more.

    troubles: raised one after the other before batches succeed.
    """

    invocation: Invocation
    due: int
    name: str = "auth_user_tokens"
    row_ms: float = 0.04
    trip_ms: float = 0
    troubles: list[Unavailable] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def delete_batch(self, now: int, rows: int) -> Batch:
        assert now == NOW
        self.asked.append(rows)
        if self.troubles:
            raise self.troubles.pop(0)
        deleted = min(rows, self.due)
        self.due -= deleted
        self.invocation.remaining_ms -= deleted * self.row_ms + self.trip_ms
        return Batch(deleted, 0, is_last=deleted < rows)

    def debt(self, now: int) -> Debt:
        return Debt(self.due, 7 if self.due else 0)


def run(invocation: Invocation, *purges: FakePurge, limits: BatchLimits = STEADY) -> CleanupReport:
    deps = CleanupDeps(purges, lambda since: NOW - since, lambda: NOW, invocation.sleep)
    return cleanup(invocation.remaining, deps, limits)


@pytest.mark.parametrize(
    ("rows", "took_ms", "then"),
    [
        (500, STEADY.batch_ms, 500),
        (500, STEADY.batch_ms * 2, 250),
        (500, STEADY.batch_ms // 2, 1000),
        (500, 1, 1000),
        (500, 0, 1000),
        (STEADY.max_rows, 1, STEADY.max_rows),
        (500, 10_000, MIN_ROWS),
    ],
    ids=["fits", "slow", "fast", "grows at most twofold", "immeasurable", "at the top", "very slow"],
)
def test_the_next_batch_is_what_fits(rows: int, took_ms: int, then: int) -> None:
    assert next_rows(rows, took_ms, STEADY) == then


def test_a_batch_grows_to_what_fits_and_a_slow_database_gets_less() -> None:
    fast, slow = Invocation(), Invocation()
    quick, sluggish = FakePurge(fast, 100_000, row_ms=0.02), FakePurge(slow, 100_000, row_ms=0.2)

    run(fast, quick)
    run(slow, sluggish)

    assert max(quick.asked) == STEADY.max_rows
    assert sluggish.asked[3] == STEADY.batch_ms / 0.2


def test_one_batch_follows_the_other() -> None:
    invocation = Invocation()

    run(invocation, FakePurge(invocation, 10_000_000))

    assert invocation.pauses_ms == []


def test_catching_up_deletes_more_by_longer_batches() -> None:
    steady, hurried = Invocation(), Invocation()

    slower = run(steady, FakePurge(steady, 10_000_000, trip_ms=4))
    faster = run(hurried, FakePurge(hurried, 10_000_000, trip_ms=4), limits=CATCH_UP)

    assert faster.tables["auth_user_tokens"].deleted > slower.tables["auth_user_tokens"].deleted
    assert CATCH_UP.batch_ms > STEADY.batch_ms
    assert CATCH_UP.max_rows > STEADY.max_rows


def test_it_stops_with_time_in_hand_and_says_that_it_did() -> None:
    invocation = Invocation()

    report = run(invocation, FakePurge(invocation, 10_000_000), limits=CATCH_UP)

    assert not report.is_complete
    assert RESERVE_MS - 2 * CATCH_UP.batch_ms < invocation.remaining_ms <= RESERVE_MS


@pytest.mark.parametrize(("remaining_ms", "batches"), [(RESERVE_MS, 1), (RESERVE_MS - 1, 0)])
def test_no_batch_begins_within_the_reserve(remaining_ms: int, batches: int) -> None:
    invocation = Invocation(remaining_ms)
    purge = FakePurge(invocation, 10)

    run(invocation, purge)

    assert len(purge.asked) == batches


def test_a_debt_in_one_table_does_not_starve_the_next() -> None:
    invocation = Invocation()
    tokens, limits = FakePurge(invocation, 10_000_000), FakePurge(invocation, 1000, "auth_token_limits")

    report = run(invocation, tokens, limits)

    assert report.tables["auth_token_limits"].deleted == 1000
    assert not report.is_complete


def test_contention_shrinks_the_batch_backs_off_and_fails_nothing() -> None:
    invocation = Invocation()
    purge = FakePurge(invocation, FIRST_ROWS, troubles=[CONTENTION] * 10)

    report = run(invocation, purge)

    assert report.tables["auth_user_tokens"].deleted == FIRST_ROWS
    assert purge.asked[:5] == [500, 250, 125, 62, MIN_ROWS]
    assert invocation.pauses_ms[:3] == [BACK_OFF_MS, 2 * BACK_OFF_MS, 4 * BACK_OFF_MS]
    assert max(invocation.pauses_ms) == MAX_BACK_OFF_MS


def test_contention_without_end_ends_the_run_in_time_with_what_was_done() -> None:
    invocation = Invocation()

    report = run(invocation, FakePurge(invocation, 10, troubles=[CONTENTION] * 1000))

    assert not report.is_complete
    assert report.tables["auth_user_tokens"].deleted == 0


@pytest.mark.parametrize("outages", [MAX_OUTAGES - 1, MAX_OUTAGES])
def test_an_outage_that_lasts_fails_the_run_so_that_it_is_seen(outages: int) -> None:
    invocation = Invocation()
    purge = FakePurge(invocation, 10, troubles=[OUTAGE] * outages)

    if outages < MAX_OUTAGES:
        assert run(invocation, purge).is_complete
    else:
        with pytest.raises(Unavailable):
            run(invocation, purge)


def test_a_success_between_outages_makes_them_passing_ones() -> None:
    invocation = Invocation()
    purge = FakePurge(invocation, 2000, troubles=[OUTAGE] * (MAX_OUTAGES - 1))
    run(invocation, purge)
    purge.due, purge.troubles = 2000, [OUTAGE] * (MAX_OUTAGES - 1)

    assert run(invocation, purge).is_complete


def test_the_report_has_the_debt_of_each_table_and_what_was_created() -> None:
    invocation = Invocation(RESERVE_MS - 1)

    report = run(invocation, FakePurge(invocation, 10), FakePurge(invocation, 0, "auth_token_limits"))

    assert report.tables["auth_user_tokens"].debt == Debt(10, 7)
    assert report.tables["auth_token_limits"].debt == Debt(0, 0)
    assert report.created == CREATION_SPAN_S
