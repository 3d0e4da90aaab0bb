"""The list of a user's sessions."""

import pytest

from auth_tokens.domain.errors import InvalidGrant, InvalidRequest
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.ids import uuid_text
from auth_tokens.usecases.list_sessions import MAX_PAGE, REUSE_SHOWN_S, list_sessions
from auth_tokens.usecases.revoke import revoke_token
from tests.support.cases import Case, Cases
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def listed(world: World, name: str, limit: int = MAX_PAGE, cursor: str | None = None) -> list[str]:
    """The ids of a page's sessions, and of the pages behind it."""
    page = list_sessions(world.user_id(name), limit, cursor, world.sessions)
    rest = listed(world, name, limit, page.next_cursor) if page.next_cursor else []
    return [uuid_text(session.record.id) for session in page.sessions] + rest


def reused(world: World, name: str) -> list[str]:
    page = list_sessions(world.user_id(name), MAX_PAGE, None, world.sessions)
    return [uuid_text(session.record.id) for session in page.reused]


@case
def live_sessions_come_by_their_latest_use_with_the_names_of_their_devices(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(name="laptop"))
    world.clock.now += 1
    second = world.login(name, DeviceRequest(name="phone"))
    world.clock.now += 1
    world.refresh(first.token)

    assert listed(world, name) == [first.session_id, second.session_id]
    page = list_sessions(world.user_id(name), MAX_PAGE, None, world.sessions)
    assert [session.device_name for session in page.sessions] == ["laptop", "phone"]
    assert page.sessions[0].metadata.address == CALLER.address


@case
def pages_have_each_session_once(world: World) -> None:
    name = world.user()
    ids = {world.login(name).session_id for _ in range(5)}

    for limit in (2, 5):
        pages = listed(world, name, limit)
        assert (set(pages), len(pages)) == (ids, 5)


@case
def a_session_that_was_revoked_and_another_user_s_are_not_listed(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    world.login(world.user())
    revoke_token(answer.token, None, CALLER, world.sessions)

    assert listed(world, name) == []
    assert reused(world, name) == []


@case
def a_session_that_ended_by_reuse_is_shown_for_a_week(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    world.refresh(world.refresh(answer.token).token)
    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)
    ended_at = world.clock.now

    assert (listed(world, name), reused(world, name)) == ([], [answer.session_id])
    world.clock.now = ended_at + REUSE_SHOWN_S
    assert reused(world, name) == [answer.session_id]
    world.clock.now += 1
    assert reused(world, name) == []
    world.clock.now = ended_at


@case
def a_page_that_nobody_made_and_a_limit_out_of_bounds_are_no_request(world: World) -> None:
    user_id = world.user_id(world.user())

    for limit, cursor in ((0, None), (MAX_PAGE + 1, None), (1, "x"), (1, "AAAA")):
        with pytest.raises(InvalidRequest):
            list_sessions(user_id, limit, cursor, world.sessions)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_list_sessions(checked: Case) -> None:
    checked(memory_world())
