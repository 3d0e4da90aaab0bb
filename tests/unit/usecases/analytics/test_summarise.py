"""Figures for operators, from hours kept in memory."""

import pytest

from auth_tokens.domain.analytics.figures import SourceFigure
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.usecases.analytics.summarise import MAX_SPAN_S, SummariseDeps, Summary, summarise
from tests.support.memory_figures import MemoryRollups
from tests.support.world import START, Clock

THIS_HOUR = hour_of(START)


def summary(rollups: MemoryRollups, span_s: int = 3 * HOUR_S, step: str = "hour") -> Summary:
    return summarise(span_s, step, SummariseDeps(rollups, Clock(), retention_s=0))


def test_closed_hours_are_as_kept_and_open_ones_as_counted_now() -> None:
    closed, open_hours = THIS_HOUR - 2 * HOUR_S, (THIS_HOUR - HOUR_S, THIS_HOUR)
    rollups = MemoryRollups(events={key: {"login_failed": 2} for key in (closed, *open_hours)})
    rollups.kept = {key: {"login_failed": 1} for key in (closed, *open_hours)}

    assert summary(rollups).totals["login_failed"] == 1 + 2 + 2


def test_each_step_is_there_and_each_type_is_in_the_totals() -> None:
    found = summary(MemoryRollups({}), 3 * HOUR_S)

    assert [at for at, _ in found.series] == [found.since + number * HOUR_S for number in range(4)]
    assert set(found.totals.values()) == {0}


def test_a_level_is_the_highest_of_a_day_and_a_count_is_its_sum() -> None:
    day = THIS_HOUR - THIS_HOUR % 86_400 - 86_400
    rollups = MemoryRollups({})
    rollups.kept = {
        day: {"active_sessions": 5, "refreshes": 5},
        day + HOUR_S: {"active_sessions": 3, "refreshes": 3},
    }

    series = dict(summary(rollups, 2 * 86_400, "day").series)

    assert series[day] == {"active_sessions": 5, "refreshes": 8}


def test_the_sources_of_kept_and_open_hours_count_together() -> None:
    rollups = MemoryRollups({}, failures={THIS_HOUR: {b"a": 2, b"b": 4}})
    rollups.kept_sources = {THIS_HOUR - 2 * HOUR_S: {b"a": 3}}

    assert summary(rollups).top_sources == [SourceFigure(b"a", 5), SourceFigure(b"b", 4)]


@pytest.mark.parametrize(("span_s", "step"), [(0, "hour"), (MAX_SPAN_S + 1, "hour"), (1, "week")])
def test_a_span_out_of_bounds_and_an_unknown_step_are_no_request(span_s: int, step: str) -> None:
    with pytest.raises(InvalidRequest):
        summary(MemoryRollups({}), span_s, step)
