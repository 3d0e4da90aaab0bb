"""Hourly figures, kept in memory."""

import pytest

from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.usecases.analytics.roll_up import MAX_HOURS, RESERVE_MS, RollUpDeps, roll_up
from tests.support.memory_figures import MemoryRollups
from tests.support.world import START, Clock

THIS_HOUR = hour_of(START)


def rolled(rollups: MemoryRollups, remaining_ms: int = 60_000) -> int:
    return roll_up(lambda: remaining_ms, RollUpDeps(rollups, Clock()))


def test_the_first_run_counts_from_the_oldest_event_on() -> None:
    rollups = MemoryRollups({THIS_HOUR - 2 * HOUR_S: {"login_failed": 3}, THIS_HOUR: {"login_failed": 1}})

    assert rolled(rollups) == 3
    assert rollups.kept == {
        THIS_HOUR - 2 * HOUR_S: {"login_failed": 3},
        THIS_HOUR - HOUR_S: {},
        THIS_HOUR: {"login_failed": 1},
    }


def test_the_hour_counted_last_and_the_one_before_are_counted_again() -> None:
    rollups = MemoryRollups({THIS_HOUR - 2 * HOUR_S: {}})
    rolled(rollups)
    late = {"login_failed": 1}
    rollups.events = dict.fromkeys((THIS_HOUR - 2 * HOUR_S, THIS_HOUR - HOUR_S, THIS_HOUR), late)

    assert rolled(rollups) == 2
    assert rollups.kept == {THIS_HOUR - 2 * HOUR_S: {}, THIS_HOUR - HOUR_S: late, THIS_HOUR: late}


def test_without_events_there_is_the_present_hour_alone() -> None:
    assert rolled(MemoryRollups({})) == 1


def test_a_long_past_takes_several_runs() -> None:
    rollups = MemoryRollups({THIS_HOUR - 300 * HOUR_S: {"login_failed": 1}})

    assert rolled(rollups) == MAX_HOURS
    assert max(rollups.kept) == THIS_HOUR - (300 - MAX_HOURS + 1) * HOUR_S
    assert rolled(rollups) == 300 - MAX_HOURS + 3
    assert max(rollups.kept) == THIS_HOUR


@pytest.mark.parametrize(("remaining_ms", "hours"), [(RESERVE_MS - 1, 0), (RESERVE_MS, 1)])
def test_no_hour_is_begun_within_the_reserve(remaining_ms: int, hours: int) -> None:
    assert rolled(MemoryRollups({}), remaining_ms) == hours
