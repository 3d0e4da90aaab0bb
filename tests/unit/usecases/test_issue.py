"""A trusted backend vouches for a user."""

from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.domain.errors import AccessDenied, InvalidRequest
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.usecases.issue import ISSUE_RETRY_S, IssueRequest, issue
from tests.support.cases import REMEMBERED, Case, Cases, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()
AMR = ("fpt", "mfa")


def issued(world: World, user_id: str, **fields: Any) -> TokenAnswer:
    return issue(IssueRequest(user_id, AMR, **fields), CALLER, world.issuing)


@case
def the_session_says_how_and_when_the_user_was_recognised(world: World) -> None:
    name = world.user()

    session = row(
        world,
        issued(world, world.user_id(name), acr="urn:sso", auth_time=world.clock() - 5).session_id,
    )

    assert (session.amr, session.acr, session.auth_time) == (AMR, "urn:sso", world.clock() - 5)
    assert sorted(world.events(name)) == ["new_device", "session_issued"]


@case
def an_unknown_user_and_a_disabled_one_get_no_session(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    world.disable(name)

    for refused in (user_id, "nobody"):
        with pytest.raises(AccessDenied):
            issued(world, refused)


@case
def a_clock_that_is_ahead_by_the_leeway_recognised_the_user_just_now(world: World) -> None:
    user_id, now = world.user_id(world.user()), world.clock()

    answer = issued(world, user_id, auth_time=now + IAT_LEEWAY_S)

    assert row(world, answer.session_id).auth_time == now
    with pytest.raises(InvalidRequest):
        issued(world, user_id, auth_time=now + IAT_LEEWAY_S + 1)


@case
def the_same_request_with_the_same_key_gets_the_same_tokens_while_it_may_be_retried(world: World) -> None:
    user_id = world.user_id(world.user())
    fields = {"retry_key": user_id, "options": SessionOptions(device=REMEMBERED)}
    first = issued(world, user_id, **fields)

    world.clock.now += ISSUE_RETRY_S - 1
    again = issued(world, user_id, **fields)
    world.clock.now += 1
    later = issued(world, user_id, **fields)

    assert (again.token, again.device_token) == (first.token, first.device_token)
    assert later.session_id != first.session_id


@case
def a_key_of_another_request_starts_nothing(world: World) -> None:
    user_id = world.user_id(world.user())
    issued(world, user_id, retry_key=user_id)

    with pytest.raises(InvalidRequest):
        issued(world, user_id, retry_key=user_id, acr="urn:other")


@case
def a_key_whose_session_has_gone_on_is_refused(world: World) -> None:
    user_id = world.user_id(world.user())
    world.refresh(issued(world, user_id, retry_key=user_id).token)

    with pytest.raises(InvalidRequest):
        issued(world, user_id, retry_key=user_id)


@case
def without_a_key_each_request_is_a_session(world: World) -> None:
    user_id = world.user_id(world.user())

    assert issued(world, user_id).session_id != issued(world, user_id).session_id


@case
def no_token_lives_longer_than_not_after(world: World) -> None:
    end = world.clock() + 3600

    answer = issued(
        world, world.user_id(world.user()), not_after=end, options=SessionOptions(device=REMEMBERED)
    )

    for row_id in (answer.session_id, answer.device_id):
        assert (row(world, row_id).expires_at, row(world, row_id).absolute_expires_at) == (end, end)
    world.clock.now += 1800
    assert world.refresh(answer.token).token_expires_in == 1800


@case
def not_after_lengthens_nothing_and_is_in_the_future(world: World) -> None:
    user_id, now = world.user_id(world.user()), world.clock()
    usual = issued(world, user_id)

    assert issued(world, user_id, not_after=now + 10**9).absolute_expires_in == usual.absolute_expires_in
    assert issued(world, user_id, not_after=now + 1).absolute_expires_in == 1
    with pytest.raises(InvalidRequest):
        issued(world, user_id, not_after=now)


@case
def a_repeat_of_a_move_has_the_same_end(world: World) -> None:
    user_id, end = world.user_id(world.user()), world.clock() + 3600
    first = issued(world, user_id, not_after=end, retry_key="move")

    assert issued(world, user_id, not_after=end, retry_key="move").token == first.token
    for other in (end + 1, None):
        with pytest.raises(InvalidRequest):
            issued(world, user_id, not_after=other, retry_key="move")


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_issue(checked: Case) -> None:
    checked(memory_world())
