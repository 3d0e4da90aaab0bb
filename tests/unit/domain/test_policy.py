"""Lifetimes: the settings, a user's preferences over them, and their bounds."""

import pytest

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, MIN_ACCESS_TTL_S, LimitAction
from auth_tokens.domain.errors import SessionLimitReached
from auth_tokens.domain.policy import Lifetimes, Policy, kinds_of, sessions_to_evict
from auth_tokens.domain.sessions import LiveSession, UserConfig
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
    policy = POLICY.for_user(UserConfig(access_ttl_s=preferred))

    assert policy.access_ttl_s == effective
    assert policy.out_of_bounds == (() if preferred == effective else ("access_ttl_s",))


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


@pytest.mark.parametrize("action", LimitAction)
def test_a_preference_chooses_what_gives_way(action: LimitAction) -> None:
    assert POLICY.for_user(UserConfig(session_limit_action=action.value)).limit_action is action


@pytest.mark.parametrize(
    ("preference", "stored"),
    [("session_limit_action", "panic"), ("allowed_modes", "bearer,carrier pigeon"), ("allowed_modes", "")],
)
def test_a_preference_that_names_nothing_known_is_left_to_the_setting_and_noted(
    preference: str, stored: str
) -> None:
    policy = POLICY.for_user(UserConfig(**{preference: stored}))

    assert policy.out_of_bounds == (preference,)
    assert (policy.limit_action, policy.allowed_kinds) == (POLICY.limit_action, POLICY.allowed_kinds)


def test_what_could_not_be_read_is_noted_with_what_is_out_of_bounds() -> None:
    policy = POLICY.for_user(UserConfig(max_sessions=5000, unreadable=("access_ttl_s",)))

    assert policy.out_of_bounds == ("access_ttl_s", "max_sessions")


def test_modes_are_a_list_in_which_blanks_do_not_count() -> None:
    assert kinds_of("bearer") == {TokenKind.REFRESH}
    assert kinds_of(" cookie , bearer ") == {TokenKind.REFRESH, TokenKind.SESSION}
    assert kinds_of("bearer,,cookie") is None


# Three sessions: the oldest was used last.
LIVE = [
    LiveSession(b"a", None, created_at=10, last_used_at=90),
    LiveSession(b"b", None, created_at=20, last_used_at=70),
    LiveSession(b"c", None, created_at=30, last_used_at=80),
]


@pytest.mark.parametrize(
    ("action", "max_sessions", "ended"),
    [
        (LimitAction.EVICT_LEAST_RECENTLY_USED, 4, []),
        (LimitAction.EVICT_LEAST_RECENTLY_USED, 3, [b"b"]),
        (LimitAction.EVICT_LEAST_RECENTLY_USED, 1, [b"b", b"c", b"a"]),
        (LimitAction.EVICT_OLDEST, 4, []),
        (LimitAction.EVICT_OLDEST, 3, [b"a"]),
        (LimitAction.EVICT_OLDEST, 2, [b"a", b"b"]),
        (LimitAction.DENY, 4, []),
    ],
)
def test_what_gives_way_is_the_policys_choice(
    action: LimitAction, max_sessions: int, ended: list[bytes]
) -> None:
    policy = POLICY.for_user(UserConfig(max_sessions=max_sessions, session_limit_action=action.value))

    assert [session.id for session in sessions_to_evict(LIVE, policy)] == ended


def test_a_denying_limit_refuses_the_sign_in_that_would_be_one_too_many() -> None:
    policy = POLICY.for_user(UserConfig(max_sessions=3, session_limit_action="deny"))

    with pytest.raises(SessionLimitReached):
        sessions_to_evict(LIVE, policy)


def test_of_two_sessions_of_one_second_the_lower_id_gives_way() -> None:
    twins = [LiveSession(b"2", None, 10, 10), LiveSession(b"1", None, 10, 10)]

    for action in (LimitAction.EVICT_LEAST_RECENTLY_USED, LimitAction.EVICT_OLDEST):
        policy = POLICY.for_user(UserConfig(max_sessions=2, session_limit_action=action.value))
        assert [session.id for session in sessions_to_evict(twins, policy)] == [b"1"]
