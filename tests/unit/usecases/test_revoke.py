"""Revocation by the holder of a token."""

import pytest

from auth_tokens.domain.errors import InvalidAccessToken, InvalidClient, InvalidRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import revoke_token
from tests.support.cases import REMEMBERED, Case, Cases, claims_of, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def revoke(world: World, text: str | None, client_id: str | None = None) -> None:
    revoke_token(text or "", client_id, CALLER, world.sessions)


@case
def a_refresh_token_ends_its_session_and_leaves_the_device(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)

    revoke(world, answer.token)

    assert is_live(world, answer.session_id, answer.device_id) == [False, True]
    assert row(world, answer.session_id).revoke_reason == "revoked"
    assert "session_revoked" in world.events(name)


@case
def a_session_cookie_ends_its_session(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)

    revoke(world, answer.token)

    assert is_live(world, answer.session_id) == [False]


@case
def a_device_token_ends_the_device_and_its_sessions(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)

    revoke(world, answer.device_token)

    assert is_live(world, answer.session_id, answer.device_id) == [False, False]
    assert "device_revoked" in world.events(name)


@case
def an_access_token_ends_itself_alone(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    other = world.refresh(answer.token)

    revoke(world, answer.access_token)

    with pytest.raises(InvalidAccessToken):
        claims_of(world, answer)
    assert claims_of(world, other).sid == answer.session_id
    assert world.events(name).count("access_token_revoked") == 1


@case
def a_second_revocation_is_no_error_and_no_event(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    for token in (answer.access_token, answer.access_token, answer.token, answer.token):
        revoke(world, token)

    assert world.events(name).count("access_token_revoked") == 1
    assert world.events(name).count("session_revoked") == 1


@case
def a_spent_token_ends_its_session_too(world: World) -> None:
    answer = world.login(world.user())
    world.refresh(answer.token)

    revoke(world, answer.token)

    assert is_live(world, answer.session_id) == [False]


@case
def another_client_ends_nothing(world: World) -> None:
    answer = world.login(world.user())

    for token in (answer.token, answer.access_token):
        revoke(world, token, "portal-app")

    assert claims_of(world, answer).sid == answer.session_id


@case
def what_is_no_token_of_ours_ends_nothing_and_is_no_error(world: World) -> None:
    answer = world.login(world.user())

    for text in ("x", answer.token[:-1], (answer.access_token or "")[:-1]):
        revoke(world, text)

    assert is_live(world, answer.session_id) == [True]


@case
def no_token_and_an_unknown_client_are_errors(world: World) -> None:
    with pytest.raises(InvalidRequest):
        revoke(world, "")
    with pytest.raises(InvalidClient):
        revoke(world, "x", "unknown")


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_revoke(checked: Case) -> None:
    checked(memory_world())
