"""The census, slice by slice, in memory."""

from dataclasses import dataclass, field

import pytest

from auth_tokens.domain.analytics.census import Census, Slice
from auth_tokens.domain.analytics.hours import hour_of
from auth_tokens.usecases.analytics.take_census import (
    MAX_SLICES,
    RESERVE_MS,
    SLICE_ROWS,
    CensusDeps,
    take_census,
)
from tests.support.world import START, Clock


@dataclass
class MemoryTaker:
    """Port ports.figures.CensusTaker: so many rows, all of live sessions of the same generation."""

    rows: int
    generation: int = 0
    under_way: Census | None = None
    finished: list[tuple[Census, int]] = field(default_factory=list)

    def begun(self) -> Census | None:
        return self.under_way

    def count(self, census: Census, limit: int) -> Slice:
        counted = min(limit, self.rows - int.from_bytes(census.after, "big"))
        last = int.from_bytes(census.after, "big") + counted
        generations = counted * self.generation
        return Slice(counted, last.to_bytes(16, "big"), counted, 0, generations, generations)

    def keep(self, census: Census) -> None:
        self.under_way = census

    def finish(self, census: Census, hour: int, following: Census) -> None:
        self.finished.append((census, hour))
        self.under_way = following


def taken(taker: MemoryTaker, remaining_ms: int = 60_000) -> bool:
    return take_census(lambda: remaining_ms, CensusDeps(taker, Clock()))


@pytest.mark.parametrize("rows", [0, SLICE_ROWS - 1, SLICE_ROWS, 2 * SLICE_ROWS + 1])
def test_each_row_is_counted_once_whatever_the_slices(rows: int) -> None:
    taker = MemoryTaker(rows)

    assert taken(taker)

    [(census, hour)] = taker.finished
    assert (census.sessions, census.began_at, hour) == (rows, START, hour_of(START))


def test_the_first_census_knows_no_refreshes_and_the_next_counts_those_in_between() -> None:
    taker = MemoryTaker(10, generation=2)
    taken(taker)
    taker.generation = 5
    taken(taker)

    assert [census.refreshes for census, _ in taker.finished] == [None, 30]


def test_a_large_table_takes_several_runs() -> None:
    taker = MemoryTaker(MAX_SLICES * SLICE_ROWS + 5)

    assert [taken(taker), taken(taker)] == [False, True]
    assert taker.finished[0][0].sessions == taker.rows


def test_no_slice_is_begun_within_the_reserve() -> None:
    taker = MemoryTaker(5)

    assert not taken(taker, RESERVE_MS - 1)
    assert taken(taker, RESERVE_MS)
