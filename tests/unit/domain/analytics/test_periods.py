"""Periods of figures and their steps: also days of a time zone, whose clocks change."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from auth_tokens.domain.analytics.hours import HOUR_S
from auth_tokens.domain.analytics.periods import (
    DAY_S,
    MAX_SPAN_OF_FIVE_MINUTES_S,
    MAX_SPAN_S,
    MAX_STARTS,
    Period,
    PeriodRequest,
    period_of,
)
from auth_tokens.domain.errors import InvalidRequest

NOW = 1_800_000_000 - 1_800_000_000 % DAY_S + 10 * HOUR_S + 120  # 10:02 UTC


def period(**wanted: object) -> Period:
    return period_of(PeriodRequest(**wanted), NOW)  # type: ignore[arg-type]


def midnights(zone: str, first: str, days: int) -> list[int]:
    """As a page makes them: `new Date(year, month, day)`."""
    day = datetime.fromisoformat(first)
    return [
        int((day + timedelta(days=number)).replace(tzinfo=ZoneInfo(zone)).timestamp())
        for number in range(days)
    ]


def test_a_span_begins_with_the_step_in_which_it_began_and_ends_now() -> None:
    found = period(span_s=2 * HOUR_S)

    assert list(found.starts) == [NOW - 120 + number * HOUR_S for number in (-2, -1, 0)]
    assert (found.until, found.step_s) == (NOW + 1, HOUR_S)


def test_without_anything_it_is_the_last_day_by_hours() -> None:
    assert period() == period(span_s=DAY_S, step="hour")


def test_an_own_span_ends_with_the_hour_of_its_end() -> None:
    found = period(since=NOW - DAY_S, until=NOW - 3 * HOUR_S)

    assert (found.starts[0], found.until) == (NOW - 120 - DAY_S, NOW - 120 - 2 * HOUR_S)


def test_steps_of_five_minutes_keep_the_minute() -> None:
    found = period(span_s=HOUR_S, step="5min")

    assert (found.since, found.until, len(found.starts)) == (NOW - 120 - HOUR_S, NOW + 1, 13)


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("America/New_York", "2026-10-31", [24, 25, 24]),
        ("America/New_York", "2026-03-07", [24, 23, 24]),
        ("Europe/Dublin", "2026-03-28", [24, 23, 24]),
        ("Asia/Kolkata", "2026-03-28", [24, 24, 24]),
        # Half an hour of the change falls to the day before: hours are not divided.
        ("Australia/Lord_Howe", "2026-04-04", [24, 25, 24]),
    ],
)
def test_each_hour_counts_for_the_day_of_the_zone_that_it_begins_in(
    zone: str, first: str, hours: list[int]
) -> None:
    starts = midnights(zone, first, 3)
    end = midnights(zone, first, 4)[-1]
    found = period_of(PeriodRequest(starts=tuple(starts), until=end), end + DAY_S)

    counted = [found.step_of(hour) for hour in range(found.since, found.until, HOUR_S)]

    assert [counted.count(start) for start in starts] == hours
    for hour in range(found.since, found.until, HOUR_S):
        day = datetime.fromtimestamp(hour, ZoneInfo(zone)).date()
        assert datetime.fromtimestamp(found.step_of(hour), ZoneInfo(zone)).date() == day


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"span_s": 0}, "span_s"),
        ({"span_s": MAX_SPAN_S + 1}, "span_s"),
        ({"step": "week"}, "5min, hour, day"),
        ({"step": "5min"}, f"at most {MAX_SPAN_OF_FIVE_MINUTES_S} seconds"),
        ({"since": NOW - MAX_SPAN_S - 1}, f"at most {MAX_SPAN_S} seconds"),
        ({"since": NOW + 1}, "since must be before until, and in the past"),
        ({"since": NOW - 9, "until": NOW - 9}, "since must be before until"),
        ({"since": NOW - 9, "span_s": 9}, "exclude each other"),
        ({"until": NOW}, "until is for a period that has since"),
        ({"starts": (NOW - 9, NOW - 9)}, "each after the one before"),
        ({"starts": (NOW - 8, NOW - 9)}, "each after the one before"),
        ({"starts": tuple(range(NOW - MAX_STARTS - 1, NOW))}, f"at most {MAX_STARTS} instants"),
        ({"starts": (NOW - 9,), "step": "day"}, "stands alone"),
        ({"starts": (NOW - 9,), "since": 1}, "stands alone"),
        ({"starts": (NOW + 9,)}, "in the past"),
        ({"starts": (NOW - MAX_SPAN_S - DAY_S - 1,)}, "90 days back"),
    ],
)
def test_what_is_no_period_is_refused_by_its_name(wanted: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        period(**wanted)

    assert says in refusal.value.description
