"""A user logs out."""

import pytest

from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.logout import LogoutScope, log_out_spent, logout
from tests.support.cases import REMEMBERED, Case, Cases, claims_of, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


@case
def the_current_session_ends_and_its_device_stays(world: World) -> None:
    name = world.user()
    here, there = world.login(name, REMEMBERED), world.login(name)

    assert logout(LogoutScope.CURRENT, claims_of(world, here), CALLER, world.sessions) == 1

    assert is_live(world, here.session_id, here.device_id, there.session_id) == [False, True, True]
    assert row(world, here.session_id).revoke_reason == "logout"


@case
def the_others_end_with_their_devices(world: World) -> None:
    name = world.user()
    here, there = world.login(name, REMEMBERED), world.login(name, REMEMBERED)

    assert logout(LogoutScope.OTHERS, claims_of(world, here), CALLER, world.sessions) == 2

    assert is_live(world, here.session_id, here.device_id) == [True, True]
    assert is_live(world, there.session_id, there.device_id) == [False, False]


@case
def all_end_with_their_devices(world: World) -> None:
    name = world.user()
    here, there = world.login(name, REMEMBERED), world.login(name)

    assert logout(LogoutScope.ALL, claims_of(world, here), CALLER, world.sessions) == 4

    assert not any(is_live(world, here.session_id, here.device_id, there.session_id, there.device_id))
    assert world.events(name).count("session_revoked") == 1


@case
def devices_that_are_kept_open_sessions_again(world: World) -> None:
    here = world.login(world.user(), REMEMBERED)

    logout(LogoutScope.ALL, claims_of(world, here), CALLER, world.sessions, keep_devices=True)

    assert is_live(world, here.session_id, here.device_id) == [False, True]


@case
def another_user_s_sessions_stay(world: World) -> None:
    here, theirs = world.login(world.user()), world.login(world.user())

    logout(LogoutScope.ALL, claims_of(world, here), CALLER, world.sessions)

    assert is_live(world, theirs.session_id) == [True]


@case
def a_spent_cookie_still_logs_out(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)
    world.refresh(answer.token, kind=TokenKind.SESSION)

    log_out_spent(answer.token, CALLER, world.sessions)

    assert row(world, answer.session_id).revoke_reason == "logout"


@case
def a_forged_cookie_and_a_bearer_token_log_nobody_out(world: World) -> None:
    cookie, bearer = world.login(world.user(), kind=TokenKind.SESSION), world.login(world.user())

    for text in (cookie.token[:-1], bearer.token, ""):
        log_out_spent(text, CALLER, world.sessions)

    assert is_live(world, cookie.session_id, bearer.session_id) == [True, True]


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_logout(checked: Case) -> None:
    checked(memory_world())
