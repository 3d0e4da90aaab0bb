"""The start of a session: its device, and the sessions and devices that end for it."""

import uuid

import pytest

from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.errors import SessionLimitReached
from auth_tokens.domain.grants import DeviceRequest, RepeatKey, SessionOptions
from auth_tokens.domain.sign_ins import SessionExists
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.begin import Unread, begin_session_of
from auth_tokens.usecases.session_builder import SessionBuilder
from tests.support.cases import REMEMBERED, Case, Cases, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


@case
def a_known_device_is_used_again_without_an_event(world: World) -> None:
    name = world.user()
    first = world.login(name)

    again = world.login(name, DeviceRequest(id=first.device_id))

    assert again.device_id == first.device_id
    assert world.events(name).count("new_device") == 1


@case
def a_session_on_the_same_device_replaces_the_earlier_one(world: World) -> None:
    name = world.user()
    first = world.login(name)

    world.login(name, DeviceRequest(id=first.device_id))

    assert row(world, first.session_id).revoke_reason == "replaced"
    assert "session_evicted" not in world.events(name)


@case
def a_device_of_another_client_is_not_taken_over(world: World) -> None:
    name = world.user()
    first = world.login(name)

    other = world.login(name, DeviceRequest(id=first.device_id), client_id="portal-app")

    assert other.device_id != first.device_id
    assert is_live(world, first.session_id, first.device_id) == [True, True]


@case
def another_user_s_device_is_not_taken_over(world: World) -> None:
    theirs = world.login(world.user())

    mine = world.login(world.user(), DeviceRequest(id=theirs.device_id))

    assert mine.device_id != theirs.device_id
    assert is_live(world, theirs.session_id) == [True]


@case
def a_session_beyond_the_limit_evicts_the_oldest(world: World) -> None:
    name = world.user(max_sessions=2)
    oldest = world.login(name)
    world.clock.now += 1
    older = world.login(name)
    world.clock.now += 1

    world.login(name)

    assert is_live(world, oldest.session_id, older.session_id) == [False, True]
    assert row(world, oldest.session_id).revoke_reason == "evicted"
    assert world.events(name).count("session_evicted") == 1


@case
def a_session_that_is_replaced_makes_room_for_its_successor(world: World) -> None:
    name = world.user(max_sessions=2)
    first, second = world.login(name), world.login(name)

    world.login(name, DeviceRequest(id=second.device_id))

    assert is_live(world, first.session_id, second.session_id) == [True, False]


@case
def a_limit_that_refuses_starts_and_ends_nothing(world: World) -> None:
    name = world.user(max_sessions=1, session_limit_action="deny")
    first = world.login(name)

    with pytest.raises(SessionLimitReached):
        world.login(name)

    assert is_live(world, first.session_id) == [True]
    assert world.events(name).count("login_succeeded") == 1


@case
def the_browser_s_session_is_replaced_whoever_s_it_was(world: World) -> None:
    before = world.login(world.user(), kind=TokenKind.SESSION)

    world.login(world.user(), kind=TokenKind.SESSION, cookie=before.token)

    assert row(world, before.session_id).revoke_reason == "replaced"


@case
def a_device_holds_a_token_only_where_one_is_asked_for(world: World) -> None:
    name = world.user()
    without, remembered = world.login(name), world.login(name, REMEMBERED)

    assert without.device_token is None
    assert row(world, without.device_id).token_hash is None
    assert remembered.device_token
    assert row(world, remembered.device_id).token_hash


@case
def a_preference_against_remembering_leaves_a_device_without_a_token(world: World) -> None:
    answer = world.login(world.user(remember_devices=0), REMEMBERED)

    assert answer.device_token is None


@case
def a_session_of_an_id_that_is_taken_starts_nothing(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    how = Authentication(("pwd",), "", world.clock())
    repeat = RepeatKey(uuid.UUID(user_id).bytes, b"seed")
    builder = SessionBuilder(CALLER, world.issuing, world.clock())
    unread = Unread(user_id, world.clock.milliseconds(), repeat)

    begin_session_of(unread, SessionOptions(), how, builder)
    with pytest.raises(SessionExists):
        begin_session_of(unread, SessionOptions(), how, builder)

    assert world.events(name).count("session_issued") == 1


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_begin(checked: Case) -> None:
    checked(memory_world())
