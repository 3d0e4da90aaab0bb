"""Sign-in by password."""

from collections.abc import Callable

import pytest

from auth_tokens.domain.errors import (
    InvalidClient,
    InvalidCredentials,
    InvalidRequest,
    InvalidScope,
    RateLimited,
    TokenServiceError,
)
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.limits import LOGIN_PER_PAIR
from auth_tokens.usecases.login import LoginRequest, login
from tests.support.cases import Case, Cases, is_live
from tests.support.memory_world import MemoryWorld, memory_world
from tests.support.world import CALLER, PASSWORD, World

case = Cases()


def refused(
    world: World, name: str, password: str = PASSWORD, *, by: type[TokenServiceError] = InvalidCredentials
) -> None:
    with pytest.raises(by):
        login(LoginRequest(name, password), CALLER, world.issuing)


@case
def the_right_password_starts_a_session_on_a_new_device(world: World) -> None:
    name = world.user()

    answer = world.login(name)

    assert is_live(world, answer.session_id, answer.device_id) == [True, True]
    assert sorted(world.events(name)) == ["login_succeeded", "new_device"]


@case
def a_wrong_password_is_refused_and_recorded(world: World) -> None:
    name = world.user()

    refused(world, name, "wrong")

    assert world.events(name) == ["login_failed"]


@case
def an_unknown_user_is_refused_as_a_wrong_password_is(world: World) -> None:
    refused(world, "nobody@example.com")


@case
def a_disabled_user_is_refused_as_a_wrong_password_is(world: World) -> None:
    name = world.user()
    world.disable(name)

    refused(world, name)

    assert world.events(name) == ["login_failed"]


@case
def a_name_may_be_spelled_in_capitals_and_with_spaces_around_it(world: World) -> None:
    name = world.user()

    assert login(LoginRequest(f" {name.upper()} ", PASSWORD), CALLER, world.issuing).access_token


@case
def a_name_of_spaces_is_no_request(world: World) -> None:
    refused(world, "   ", by=InvalidRequest)


@case
def the_attempt_after_the_last_of_a_network_is_refused_even_with_the_right_password(world: World) -> None:
    name = world.user()
    for _ in range(LOGIN_PER_PAIR.burst):
        refused(world, name, "wrong")

    refused(world, name, by=RateLimited)

    world.clock.now += LOGIN_PER_PAIR.interval_ms // 1000
    assert world.login(name).access_token


@case
def a_success_clears_the_failures_of_its_network(world: World) -> None:
    name = world.user()
    for _ in range(LOGIN_PER_PAIR.burst - 1):
        refused(world, name, "wrong")
    world.login(name)

    for _ in range(LOGIN_PER_PAIR.burst):
        refused(world, name, "wrong")


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_login(checked: Case) -> None:
    checked(memory_world())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (SessionOptions(client_id="unknown"), InvalidClient),
        (SessionOptions(scope="portal:admin"), InvalidScope),
    ],
    ids=["client", "scope"],
)
def test_what_is_wrong_with_the_request_costs_no_password_hash(
    options: SessionOptions, error: type[TokenServiceError]
) -> None:
    world = MemoryWorld()

    with pytest.raises(error):
        login(LoginRequest(world.user(), PASSWORD, options), CALLER, world.issuing)

    assert world.passwords.verified == []


@pytest.mark.parametrize(
    "unknown_to", [lambda world, name: world.disable(name), lambda world, name: world.users.accounts.clear()]
)
def test_a_password_is_verified_for_whoever_cannot_sign_in_too(
    unknown_to: Callable[[MemoryWorld, str], None],
) -> None:
    world = MemoryWorld()
    name = world.user()
    unknown_to(world, name)

    with pytest.raises(InvalidCredentials):
        world.login(name)

    assert len(world.passwords.verified) == 1


def test_an_older_hash_is_upgraded_by_a_sign_in_alone() -> None:
    world = MemoryWorld()
    name = world.user()
    user_id = world.user_id(name)
    world.users.upgrade_password_hash(user_id, f"new:{PASSWORD}", f"old:{PASSWORD}")

    with pytest.raises(InvalidCredentials):
        login(LoginRequest(name, "wrong"), CALLER, world.issuing)
    assert world.users.accounts[user_id].password_hash == f"old:{PASSWORD}"

    world.login(name)
    assert world.users.accounts[user_id].password_hash == f"new:{PASSWORD}"


def test_a_password_that_changes_while_a_login_runs_ends_the_login() -> None:
    world = MemoryWorld()
    name = world.user()
    account = world.users.accounts[world.user_id(name)]
    verify = world.passwords.verify

    def verified(password: str, password_hash: str | None) -> bool:
        is_right = verify(password, password_hash)
        world.users.upgrade_password_hash(account.user.id, f"new:{PASSWORD}", "new:another")
        return is_right

    world.passwords.verify = verified  # type: ignore[method-assign]

    with pytest.raises(InvalidCredentials):
        world.login(name)
    assert world.store.rows == {}
