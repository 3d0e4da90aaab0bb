"""Figures for operators, from hours kept in memory."""

from auth_tokens.domain.analytics.figures import SourceFigure
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.analytics.periods import PeriodRequest
from auth_tokens.usecases.analytics.summarise import SummariseDeps, Summary, summarise
from tests.support.memory_figures import MemoryRollups
from tests.support.world import START, Clock
from tests.unit.usecases.analytics.test_take_census import MemoryTaker

THIS_HOUR = hour_of(START)


def summary(
    rollups: MemoryRollups, span_s: int = 3 * HOUR_S, step: str = "hour", now: int = START
) -> Summary:
    deps = SummariseDeps(rollups, MemoryTaker(3), Clock(now), retention_s=0)
    return summarise(PeriodRequest(span_s=span_s, step=step), deps)


def test_closed_hours_are_as_kept_and_open_ones_as_counted_now() -> None:
    closed, open_hours = THIS_HOUR - 2 * HOUR_S, (THIS_HOUR - HOUR_S, THIS_HOUR)
    rollups = MemoryRollups(events={key: {"login_failed": 2} for key in (closed, *open_hours)})
    rollups.kept = {key: {"login_failed": 1} for key in (closed, *open_hours)}

    assert summary(rollups).totals["login_failed"] == 1 + 2 + 2


def test_each_step_is_there_and_each_type_is_in_the_totals() -> None:
    found = summary(MemoryRollups({}), 3 * HOUR_S)

    assert [at for at, _ in found.series] == [found.period.since + number * HOUR_S for number in range(4)]
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


def test_the_period_before_is_as_long_and_ends_where_this_one_begins() -> None:
    """At 20 minutes past, its first hour counts from the same minute on."""
    now = THIS_HOUR + 20 * 60 - 1
    hours = [THIS_HOUR - number * HOUR_S for number in range(8)]
    rollups = MemoryRollups(events={hour: {"login_failed": 60} for hour in hours})
    rollups.kept = {hour: {"login_failed": 60, "refreshes": 7, "devices": hour % 7} for hour in hours[2:]}

    found = summary(rollups, 2 * HOUR_S, now=now)

    before = found.before
    assert before.until == found.period.since == THIS_HOUR - 2 * HOUR_S
    assert before.until - before.since == found.period.until - found.period.since == 2 * HOUR_S + 20 * 60
    assert before.amounts["login_failed"] == 2 * 60 + 20
    assert (before.amounts["refreshes"], before.amounts["devices"]) == (14, max(h % 7 for h in hours[3:5]))


def test_hours_that_may_still_get_events_are_counted_before_as_well() -> None:
    rollups = MemoryRollups(
        events={THIS_HOUR - HOUR_S: {"login_failed": 60}, THIS_HOUR: {"login_failed": 60}}
    )
    rollups.kept = {THIS_HOUR - HOUR_S: {"login_failed": 1}}

    found = summary(rollups, 600, "5min", now=THIS_HOUR + 20 * 60 - 1)

    assert (found.before.since, found.before.until) == (THIS_HOUR - 10 * 60, THIS_HOUR + 5 * 60)
    assert found.before.amounts["login_failed"] == 15


def test_levels_of_the_whole_are_the_highest_and_counts_the_sum() -> None:
    rollups = MemoryRollups({})
    hours = (THIS_HOUR - 3 * HOUR_S, THIS_HOUR - 2 * HOUR_S)
    rollups.kept = {hour: {"active_sessions": 5 + n, "refreshes": 3} for n, hour in enumerate(hours)}

    assert summary(rollups).amounts == {"active_sessions": 6, "refreshes": 6}


def test_days_of_a_zone_are_the_hours_that_begin_in_them() -> None:
    starts = (THIS_HOUR - 49 * HOUR_S, THIS_HOUR - 25 * HOUR_S, THIS_HOUR)
    rollups = MemoryRollups(events={THIS_HOUR: {"new_device": 4}, THIS_HOUR - HOUR_S: {"new_device": 3}})
    rollups.kept = {THIS_HOUR - number * HOUR_S: {"new_device": 1, "refreshes": 2} for number in range(60)}
    deps = SummariseDeps(rollups, MemoryTaker(3), Clock(), retention_s=0)

    found = summarise(PeriodRequest(starts=starts), deps)

    assert [(at, amounts["new_device"]) for at, amounts in found.series] == list(
        zip(starts, [24, 24 + 3, 4], strict=True)
    )
    assert found.period.step_s is None
    assert found.amounts["refreshes"] == 2 * 50


def test_it_says_how_old_each_kind_of_figure_is() -> None:
    rollups = MemoryRollups({}, kept_at=START - 100)

    as_of = summary(rollups).as_of

    assert (as_of.events, as_of.hours, as_of.census) == (START, START - 100, None)
