"""A device token opens a session."""

from typing import Any

import pytest

from auth_tokens.domain.acr import DEVICE_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.end_session import forget_device
from auth_tokens.usecases.exchange import DEVICE_AMR, ExchangeRequest, exchange_device_token
from tests.support.cases import REMEMBERED, Case, Cases, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def exchanged(world: World, token: str | None, retry_key: str | None = None, **options: Any) -> TokenAnswer:
    request = ExchangeRequest(token or "", SessionOptions(**options), retry_key)
    return exchange_device_token(request, CALLER, world.issuing)


@case
def a_session_opens_without_a_password_and_with_the_next_device_token(world: World) -> None:
    first = world.login(world.user(), REMEMBERED)
    signed_in_at = world.clock()
    world.clock.now += 3600

    answer = exchanged(world, first.device_token)

    session = row(world, answer.session_id)
    assert answer.device_id == first.device_id
    assert answer.device_token not in (None, first.device_token)
    assert (session.acr, session.amr, session.auth_time) == (DEVICE_ACR, DEVICE_AMR, signed_in_at)


@case
def the_earlier_session_of_the_device_is_replaced(world: World) -> None:
    first = world.login(world.user(), REMEMBERED)

    exchanged(world, first.device_token)

    assert row(world, first.session_id).revoke_reason == "replaced"


@case
def a_repeat_gets_the_same_session_and_the_same_next_device_token(world: World) -> None:
    device_token = world.login(world.user(), REMEMBERED).device_token
    first = exchanged(world, device_token)
    world.clock.now += world.issuing.policy.retry_window_s - 1

    again = exchanged(world, device_token)

    assert again.is_repeat
    assert (again.session_id, again.token, again.device_token) == (
        first.session_id,
        first.token,
        first.device_token,
    )


@case
def a_repeat_in_another_mode_is_refused_and_ends_nothing(world: World) -> None:
    device_token = world.login(world.user(), REMEMBERED).device_token
    first = exchanged(world, device_token)

    with pytest.raises(InvalidRequest):
        exchanged(world, device_token, kind=TokenKind.SESSION)

    assert is_live(world, first.session_id, first.device_id) == [True, True]


@case
def a_repeat_after_the_session_was_refreshed_gets_its_current_token(world: World) -> None:
    device_token = world.login(world.user(), REMEMBERED).device_token
    refreshed = world.refresh(exchanged(world, device_token).token)

    assert exchanged(world, device_token).token == refreshed.token


@case
def a_spent_device_token_when_the_window_is_over_ends_device_and_session(world: World) -> None:
    name = world.user()
    device_token = world.login(name, REMEMBERED).device_token
    first = exchanged(world, device_token)
    world.clock.now += world.issuing.policy.retry_window_s

    with pytest.raises(InvalidGrant):
        exchanged(world, device_token)

    assert is_live(world, first.session_id, first.device_id) == [False, False]
    assert "token_reuse_detected" in world.events(name)


@case
def a_late_repeat_with_its_key_gets_the_same_session(world: World) -> None:
    device_token = world.login(world.user(), REMEMBERED).device_token
    first = exchanged(world, device_token, "k")
    world.clock.now += 3600

    assert exchanged(world, device_token, "k").session_id == first.session_id


@case
def a_forgotten_device_and_a_disabled_user_get_no_session(world: World) -> None:
    forgotten, disabled = world.user(), world.user()
    tokens = [world.login(name, REMEMBERED) for name in (forgotten, disabled)]
    forget_device(tokens[0].device_id, world.user_id(forgotten), CALLER, world.sessions)
    world.disable(disabled)

    for answer in tokens:
        with pytest.raises(InvalidGrant):
            exchanged(world, answer.device_token)


@case
def a_refresh_token_opens_nothing(world: World) -> None:
    with pytest.raises(InvalidGrant):
        exchanged(world, world.login(world.user()).token)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_exchange(checked: Case) -> None:
    checked(memory_world())
