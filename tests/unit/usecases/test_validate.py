"""Validation of a credential by the service's own routes."""

import pytest

from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import AccessDenied, InvalidAccessToken
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.validate import validate
from tests.support.cases import Case, Cases, claims_of, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def by_cookie(world: World, text: str, **options: object) -> Validated:
    credential = Credential(Transport.COOKIE, text, **options)  # type: ignore[arg-type]
    return validate(credential, world.sessions.validation)


@case
def an_access_token_says_whose_session_it_is_of_until_the_session_ends(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    claims = claims_of(world, answer)
    assert (claims.sub, claims.sid) == (world.user_id(name), answer.session_id)

    logout(LogoutScope.CURRENT, claims, CALLER, world.sessions)
    with pytest.raises(InvalidAccessToken):
        claims_of(world, answer)


@case
def a_cookie_is_good_for_reading_and_changes_nothing_without_its_csrf_token(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)

    read = by_cookie(world, answer.token)

    assert (read.claims.sid, read.may_change_state) == (answer.session_id, False)
    for csrf_token in (None, "x"):
        with pytest.raises(AccessDenied):
            by_cookie(world, answer.token, changes_state=True, csrf_token=csrf_token)
    assert by_cookie(world, answer.token, changes_state=True, csrf_token=answer.csrf_token).may_change_state


@case
def a_cookie_of_another_kind_and_a_forged_one_are_refused(world: World) -> None:
    for text in (world.login(world.user()).token, "x", ""):
        with pytest.raises(InvalidAccessToken):
            by_cookie(world, text)


@case
def a_use_moves_the_idle_end_once_a_minute(world: World) -> None:
    answer = world.login(world.user(), kind=TokenKind.SESSION)
    start = world.clock()

    for after_s, last_used_at in (
        (TOUCH_INTERVAL_S - 1, start),
        (TOUCH_INTERVAL_S, start + TOUCH_INTERVAL_S),
    ):
        world.clock.now = start + after_s
        by_cookie(world, answer.token)
        assert row(world, answer.session_id).last_used_at == last_used_at


@case
def a_cookie_of_a_disabled_user_is_refused(world: World) -> None:
    name = world.user()
    answer = world.login(name, kind=TokenKind.SESSION)
    world.disable(name)

    with pytest.raises(InvalidAccessToken):
        by_cookie(world, answer.token)


@case
def a_spent_cookie_when_the_window_is_over_ends_its_session(world: World) -> None:
    name = world.user()
    answer = world.login(name, kind=TokenKind.SESSION)
    world.refresh(answer.token, kind=TokenKind.SESSION)
    window_s = world.issuing.policy.retry_window_s

    world.clock.now += window_s - 1
    assert by_cookie(world, answer.token).claims.sid == answer.session_id
    world.clock.now += 1
    with pytest.raises(InvalidAccessToken):
        by_cookie(world, answer.token)

    assert is_live(world, answer.session_id) == [False]
    assert "token_reuse_detected" in world.events(name)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_validate(checked: Case) -> None:
    checked(memory_world())
