"""When two readings of a user's created_at stand for one account, whatever zone and precision a Portal keeps."""

from datetime import datetime, timedelta

import pytest

from auth_tokens.adapters.mysql.times import clock_us, to_clock
from auth_tokens.domain.sessions import is_same_account

THEN = datetime(2026, 3, 29, 1, 30, 0, 123456)
WHOLE = THEN.replace(microsecond=0)


def later(**span: float) -> tuple[datetime, datetime]:
    return THEN, THEN + timedelta(**span)


SAME: dict[str, tuple[datetime | None, datetime | None]] = {
    "equal": (THEN, THEN),
    "not known then": (None, THEN),
    "not known now": (THEN, None),
    "never known": (None, None),
    "moved to UTC from an hour ahead": later(hours=-1),
    "half an hour": later(minutes=30),
    "Nepal": later(hours=5, minutes=45),
    "from one end of the world to the other": later(hours=26),
    "and back": later(hours=-26),
    "without its fraction": (THEN, WHOLE),
    "cut": (THEN.replace(microsecond=999_999), WHOLE),
    "rounded up": (THEN.replace(microsecond=600_000), WHOLE + timedelta(seconds=1)),
    "rounded up in another zone": (
        THEN.replace(microsecond=600_000),
        WHOLE + timedelta(hours=2, seconds=1),
    ),
}
ANOTHER: dict[str, tuple[datetime, datetime]] = {
    "a microsecond later": later(microseconds=1),
    "a second later": later(seconds=1),
    "a second later, one of them whole": (WHOLE, WHOLE + timedelta(seconds=1, microseconds=1)),
    "a second later, whole seconds": (WHOLE, WHOLE + timedelta(seconds=1)),
    "a second earlier, whole seconds": (WHOLE, WHOLE - timedelta(seconds=1)),
    "a minute later": later(minutes=1),
    "an hour and a second later": later(hours=1, seconds=1),
    "a quarter less a second": (WHOLE, WHOLE + timedelta(minutes=15, seconds=-1)),
    "a quarter beyond the ends of the world": later(hours=26, minutes=15),
    "a day and a quarter of it": later(days=30),
    "years": later(days=365 * 3, hours=2),
    "years before": later(days=-365),
}


@pytest.mark.parametrize("case", SAME)
def test_it_is_one_account(case: str) -> None:
    then, now = map(clock_us, SAME[case])

    assert is_same_account(then, now)
    assert is_same_account(now, then)


@pytest.mark.parametrize("case", ANOTHER)
def test_it_is_another_account(case: str) -> None:
    then, now = map(clock_us, ANOTHER[case])

    assert not is_same_account(then, now)
    assert not is_same_account(now, then)


@pytest.mark.parametrize("value", [None, "0000-00-00 00:00:00", 1_800_000_000, b"x"])
def test_what_is_no_time_tells_nothing(value: object) -> None:
    assert clock_us(value) is None


@pytest.mark.parametrize(
    "value", [THEN, WHOLE, datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(9999, 1, 1)]
)
def test_a_time_is_kept_to_the_microsecond(value: datetime) -> None:
    assert to_clock(clock_us(value)) == value
