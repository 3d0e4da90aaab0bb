"""Token introspection."""

import pytest

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.revoke import revoke_token
from tests.support.cases import REMEMBERED, Case, Cases
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def is_active(world: World, text: str | None) -> bool:
    found = introspect(text or "", world.sessions)
    assert found == INACTIVE or found["active"] is True
    return found != INACTIVE


@case
def a_token_of_each_kind_is_active_and_says_whose_it_is(world: World) -> None:
    name = world.user()
    bearer, cookie = world.login(name, REMEMBERED), world.login(name, kind=TokenKind.SESSION)
    texts = {
        "access": bearer.access_token,
        "refresh": bearer.token,
        "device": bearer.device_token,
        "session": cookie.token,
    }

    for use, text in texts.items():
        found = introspect(text or "", world.sessions)
        assert (found["active"], found["token_use"], found["sub"]) == (True, use, world.user_id(name))
    assert "sid" not in introspect(bearer.device_token or "", world.sessions)


@case
def what_was_revoked_is_inactive(world: World) -> None:
    answer = world.login(world.user(), REMEMBERED)

    revoke_token(answer.access_token or "", None, CALLER, world.sessions)
    assert [is_active(world, text) for text in (answer.access_token, answer.token)] == [False, True]
    revoke_token(answer.token, None, CALLER, world.sessions)
    assert [is_active(world, text) for text in (answer.token, answer.device_token)] == [False, True]


@case
def a_spent_refresh_token_is_inactive_and_ends_nothing(world: World) -> None:
    answer = world.login(world.user())
    successor = world.refresh(answer.token)
    world.clock.now += world.issuing.policy.retry_window_s

    assert not is_active(world, answer.token)
    assert is_active(world, successor.token)


@case
def a_spent_cookie_is_active_within_the_retry_window(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)
    world.refresh(answer.token, kind=TokenKind.SESSION)
    world.clock.now += world.issuing.policy.retry_window_s - 1

    assert is_active(world, answer.token)
    world.clock.now += 1
    assert not is_active(world, answer.token)


@case
def tokens_of_a_disabled_user_are_inactive(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    world.disable(name)

    assert [is_active(world, text) for text in (answer.access_token, answer.token)] == [False, False]


@case
def an_access_token_is_inactive_from_its_end_on(world: World) -> None:
    answer = world.login(world.user())

    world.clock.now += answer.expires_in - 1
    assert is_active(world, answer.access_token)
    world.clock.now += 1
    assert not is_active(world, answer.access_token)


@case
def what_is_no_token_of_ours_is_inactive_and_nothing_at_all_is_no_request(world: World) -> None:
    assert not is_active(world, "x")
    assert not is_active(world, world.login(world.user()).token[:-1])
    with pytest.raises(InvalidRequest):
        introspect("", world.sessions)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_introspect(checked: Case) -> None:
    checked(memory_world())
