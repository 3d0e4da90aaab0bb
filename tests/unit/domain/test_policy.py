"""Lifetimes: the settings, a user's preferences over them, and their bounds."""

import pytest

from auth_tokens.domain.policy import MAX_ACCESS_TTL_S, MIN_ACCESS_TTL_S, Lifetimes, Policy
from auth_tokens.domain.sessions import UserConfig
from auth_tokens.domain.tokens import TokenKind

POLICY = Policy(
    access_ttl_s=600,
    refresh=Lifetimes(1000, 5000),
    session=Lifetimes(300, 900),
    device=Lifetimes(7000, 9000),
    max_sessions=20,
    retry_window_s=10,
)


def test_without_preferences_the_settings_hold() -> None:
    assert POLICY.for_user(UserConfig()) == POLICY


def test_a_preference_replaces_its_setting_and_no_other() -> None:
    policy = POLICY.for_user(UserConfig(refresh_idle_ttl_s=200, max_sessions=2))

    assert policy.refresh == Lifetimes(200, 5000)
    assert policy.max_sessions == 2
    assert (policy.access_ttl_s, policy.session, policy.device) == (600, POLICY.session, POLICY.device)


@pytest.mark.parametrize(
    ("preferred", "effective"),
    [(0, MIN_ACCESS_TTL_S), (60, 60), (MAX_ACCESS_TTL_S + 1, MAX_ACCESS_TTL_S), (10**12, MAX_ACCESS_TTL_S)],
)
def test_an_access_lifetime_out_of_bounds_is_clamped(preferred: int, effective: int) -> None:
    assert POLICY.for_user(UserConfig(access_ttl_s=preferred)).access_ttl_s == effective


def test_a_limit_of_no_sessions_at_all_still_lets_one_in() -> None:
    assert POLICY.for_user(UserConfig(max_sessions=0)).max_sessions == 1


def test_the_idle_end_moves_with_use_and_stops_at_the_absolute_end() -> None:
    lifetimes = Lifetimes(idle_ttl_s=100, absolute_ttl_s=250)

    assert lifetimes.ends(created_at=1000, now=1000) == (1100, 1250)
    assert lifetimes.ends(created_at=1000, now=1149) == (1249, 1250)
    assert lifetimes.ends(created_at=1000, now=1151) == (1250, 1250)


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION, TokenKind.DEVICE])
def test_each_opaque_kind_has_lifetimes(kind: TokenKind) -> None:
    assert POLICY.lifetimes(kind) == getattr(POLICY, kind.value)
