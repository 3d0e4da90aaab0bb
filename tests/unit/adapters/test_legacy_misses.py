"""Misses are remembered for a minute, and limited for their source before another look-up."""

import pytest

from auth_tokens.adapters.legacy_misses import REMEMBERED_MS, LegacyMisses
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.errors import InvalidGrant, RateLimited
from auth_tokens.domain.limits import LEGACY_LOOK_UPS, LEGACY_MISSES_PER_SOURCE
from tests.support.world import Clock

SOURCE, OTHER = "192.0.2.7", "192.0.2.8"


def misses() -> tuple[LegacyMisses, Clock]:
    clock = Clock()
    return LegacyMisses(MemoryLimiter(clock.milliseconds), clock.milliseconds), clock


def test_a_miss_is_refused_until_a_minute_is_over() -> None:
    kept, clock = misses()
    kept.missed(b"key", SOURCE)

    clock.now += REMEMBERED_MS // 1000 - 1
    with pytest.raises(InvalidGrant) as refusal:
        kept.admit(b"key", SOURCE)
    assert refusal.value.is_forged
    clock.now += 1
    kept.admit(b"key", SOURCE)


def test_another_token_and_another_source_are_admitted() -> None:
    kept, _ = misses()
    for number in range(LEGACY_MISSES_PER_SOURCE.burst - 1):
        kept.missed(bytes([number]), SOURCE)

    kept.admit(b"key", SOURCE)
    kept.missed(b"last", SOURCE)
    kept.admit(b"key", OTHER)


def test_a_source_of_too_many_misses_is_told_when_to_come_again() -> None:
    kept, clock = misses()
    for number in range(LEGACY_MISSES_PER_SOURCE.burst):
        kept.missed(bytes([number]), SOURCE)

    with pytest.raises(RateLimited) as refusal:
        kept.admit(b"key", SOURCE)
    assert refusal.value.retry_after_s == 3
    clock.now += 2
    with pytest.raises(RateLimited):
        kept.admit(b"key", SOURCE)
    clock.now += 1
    kept.admit(b"key", SOURCE)


def test_look_ups_are_limited_whoever_makes_them() -> None:
    kept, clock = misses()
    for number in range(LEGACY_LOOK_UPS.burst):
        kept.admit(b"key", str(number))

    with pytest.raises(RateLimited):
        kept.admit(b"key", SOURCE)
    clock.now += 1
    kept.admit(b"key", SOURCE)
