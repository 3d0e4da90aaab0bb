"""GCRA: both sides of every edge."""

import pytest

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.limits import Limit

LIMIT = Limit("test", burst=3, interval_ms=2000)


def test_a_burst_passes_and_one_more_does_not() -> None:
    tat = 0
    for _ in range(LIMIT.burst):
        tat = LIMIT.taken(tat, 10_000)

    with pytest.raises(RateLimited) as refusal:
        LIMIT.taken(tat, 10_000)

    assert refusal.value.retry_after_s == 2


@pytest.mark.parametrize(("at_ms", "passes"), [(11_999, False), (12_000, True), (12_001, True)])
def test_after_a_burst_the_next_passes_an_interval_later(at_ms: int, passes: bool) -> None:
    full = 10_000 + 3 * 2000

    if passes:
        assert LIMIT.taken(full, at_ms) == full + 2000
    else:
        with pytest.raises(RateLimited):
            LIMIT.taken(full, at_ms)


@pytest.mark.parametrize(
    ("ahead_ms", "retry_after_s"), [(1, 1), (999, 1), (1000, 1), (1001, 2), (61_000, 61)]
)
def test_retry_after_is_the_wait_in_whole_seconds_rounded_up(ahead_ms: int, retry_after_s: int) -> None:
    assert LIMIT.retry_after_s(LIMIT.burst_ms + 5000 + ahead_ms, 5000) == retry_after_s


def test_a_bucket_left_alone_is_as_good_as_new_and_no_better() -> None:
    assert LIMIT.taken(5_000, 1_000_000) == LIMIT.taken(0, 1_000_000) == 1_002_000
