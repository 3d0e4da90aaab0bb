"""Lifetimes: the settings, a user's preferences over them, and their bounds."""

from dataclasses import replace

import pytest

from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, MIN_ACCESS_TTL_S, LimitAction
from auth_tokens.domain.errors import SessionLimitReached
from auth_tokens.domain.policy import PREFERENCES, Lifetimes, kinds_of, sessions_to_evict
from auth_tokens.domain.sessions import LiveSession, UserConfig
from auth_tokens.domain.tokens import TokenKind
from tests.support.declared_settings import SETTINGS
from tests.support.policies import policy, policy_of

POLICY = policy(refresh_idle_ttl_s=1000, refresh_absolute_ttl_s=5000)
DECLARED = {setting.name: setting for setting in SETTINGS}
NUMBERS = [name for name, preference in PREFERENCES.items() if preference.bounds]

each_preference = pytest.mark.parametrize("name", PREFERENCES)


@each_preference
def test_a_preference_is_a_setting_of_its_name_with_the_same_bounds(name: str) -> None:
    assert PREFERENCES[name].bounds == DECLARED[name].bounds


@each_preference
def test_a_preference_takes_every_choice_that_its_setting_has_and_no_other_value(name: str) -> None:
    values = [PREFERENCES[name].value_of(choice) for choice in DECLARED[name].choices]

    assert None not in values
    assert len(set(values)) == len(values)


@each_preference
def test_without_a_preference_the_setting_decides(name: str) -> None:
    setting = DECLARED[name]
    for text in map(str, setting.bounds or setting.choices):
        set_so = policy_of({setting.variable: text})

        told = int(text) if setting.bounds else text
        assert getattr(set_so, name) == PREFERENCES[name].value_of(told)
        assert set_so.for_user(UserConfig()) == set_so


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_clamped_to_both_bounds_and_noted_beyond_them_alone(name: str) -> None:
    least, most = PREFERENCES[name].bounds or (0, 0)

    for stored, effective in [(least, least), (most, most), (least - 1, least), (most + 1, most)]:
        chosen = POLICY.for_user(UserConfig({name: stored}))
        assert getattr(chosen, name) == effective
        assert chosen.out_of_bounds == (() if stored == effective else (name,))


@pytest.mark.parametrize("name", [name for name, each in PREFERENCES.items() if each.column is bool])
@pytest.mark.parametrize("stored", [True, False])
def test_a_flag_is_what_is_stored_whatever_the_setting(name: str, stored: bool) -> None:
    for said in ("yes", "no"):
        chosen = policy_of({name.upper(): said}).for_user(UserConfig({name: stored}))
        assert (getattr(chosen, name), chosen.out_of_bounds) == (stored, ())


def test_without_preferences_the_settings_hold() -> None:
    assert POLICY.for_user(UserConfig()) == POLICY


def test_a_preference_replaces_its_setting_and_no_other() -> None:
    chosen = POLICY.for_user(UserConfig({"refresh_idle_ttl_s": 200, "max_sessions": 2}))

    assert chosen == replace(POLICY, refresh_idle_ttl_s=200, max_sessions=2)
    assert chosen.lifetimes(TokenKind.REFRESH) == Lifetimes(200, 5000)


@pytest.mark.parametrize(
    ("preferred", "effective"),
    [(0, MIN_ACCESS_TTL_S), (60, 60), (MAX_ACCESS_TTL_S + 1, MAX_ACCESS_TTL_S), (10**12, MAX_ACCESS_TTL_S)],
)
def test_an_access_lifetime_out_of_bounds_is_clamped(preferred: int, effective: int) -> None:
    chosen = POLICY.for_user(UserConfig({"access_ttl_s": preferred}))

    assert chosen.access_ttl_s == effective
    assert chosen.out_of_bounds == (() if preferred == effective else ("access_ttl_s",))


def test_a_limit_of_no_sessions_at_all_still_lets_one_in() -> None:
    assert POLICY.for_user(UserConfig({"max_sessions": 0})).max_sessions == 1


def test_the_idle_end_moves_with_use_and_stops_at_the_absolute_end() -> None:
    lifetimes = Lifetimes(idle_ttl_s=100, absolute_ttl_s=250)

    assert lifetimes.ends(created_at=1000, now=1000) == (1100, 1250)
    assert lifetimes.ends(created_at=1000, now=1149) == (1249, 1250)
    assert lifetimes.ends(created_at=1000, now=1151) == (1250, 1250)


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION, TokenKind.DEVICE])
def test_each_opaque_kind_has_lifetimes(kind: TokenKind) -> None:
    names = (f"{kind.value}_idle_ttl_s", f"{kind.value}_absolute_ttl_s")

    assert POLICY.lifetimes(kind) == Lifetimes(*(getattr(POLICY, name) for name in names))


@pytest.mark.parametrize("action", LimitAction)
def test_a_preference_chooses_what_gives_way(action: LimitAction) -> None:
    assert POLICY.for_user(UserConfig({"session_limit_action": action.value})).session_limit_action is action


@pytest.mark.parametrize(
    ("preference", "stored"),
    [("session_limit_action", "panic"), ("allowed_modes", "bearer,carrier pigeon"), ("allowed_modes", "")],
)
def test_a_preference_that_names_nothing_known_is_left_to_the_setting_and_noted(
    preference: str, stored: str
) -> None:
    chosen = POLICY.for_user(UserConfig({preference: stored}))

    assert chosen.out_of_bounds == (preference,)
    assert replace(chosen, out_of_bounds=()) == POLICY


def test_what_could_not_be_read_is_noted_with_what_is_out_of_bounds() -> None:
    chosen = POLICY.for_user(UserConfig({"max_sessions": 5000}, unreadable=("access_ttl_s",)))

    assert chosen.out_of_bounds == ("access_ttl_s", "max_sessions")


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
    chosen = POLICY.for_user(UserConfig({"max_sessions": max_sessions, "session_limit_action": action.value}))

    assert [session.id for session in sessions_to_evict(LIVE, chosen)] == ended


def test_a_denying_limit_refuses_the_sign_in_that_would_be_one_too_many() -> None:
    chosen = POLICY.for_user(UserConfig({"max_sessions": 3, "session_limit_action": "deny"}))

    with pytest.raises(SessionLimitReached):
        sessions_to_evict(LIVE, chosen)


def test_of_two_sessions_of_one_second_the_lower_id_gives_way() -> None:
    twins = [LiveSession(b"2", None, 10, 10), LiveSession(b"1", None, 10, 10)]

    for action in (LimitAction.EVICT_LEAST_RECENTLY_USED, LimitAction.EVICT_OLDEST):
        chosen = POLICY.for_user(UserConfig({"max_sessions": 2, "session_limit_action": action.value}))
        assert [session.id for session in sessions_to_evict(twins, chosen)] == [b"1"]
