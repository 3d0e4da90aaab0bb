"""Everything of a user ends."""

import uuid

import pytest

from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.revoke_user import end_what_began_before, revoke_user
from tests.support.cases import REMEMBERED, Case, Cases, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import World

case = Cases()


def change(world: World, name: str, at: int, keep: str | None = None) -> UserChange:
    kept = uuid.UUID(keep).bytes if keep else None
    return UserChange(world.user_id(name), RevokeReason.PASSWORD_CHANGED, at, kept)


@case
def an_operator_ends_each_session_and_device_once(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)
    user_id = world.user_id(name)

    ended = [revoke_user(user_id, RevokeReason.ADMIN, "lost", world.sessions) for _ in range(2)]

    assert ended == [2, 0]
    assert is_live(world, answer.session_id, answer.device_id) == [False, False]
    assert world.events(name).count("user_revoked") == 1


@case
def a_user_whom_nobody_knows_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        revoke_user("nobody", RevokeReason.ADMIN, "", world.sessions)


@case
def what_began_in_the_second_of_a_change_ends_and_what_began_later_stays(world: World) -> None:
    name = world.user()
    at_the_change = world.login(name)
    changed_at = world.clock()
    world.clock.now += 1
    later = world.login(name)

    end_what_began_before(change(world, name, changed_at), world.sessions)

    assert is_live(world, at_the_change.session_id, later.session_id) == [False, True]
    assert row(world, at_the_change.session_id).revoke_reason == RevokeReason.PASSWORD_CHANGED.value


@case
def the_session_that_changed_the_password_stays_with_its_device(world: World) -> None:
    name = world.user()
    here, there = world.login(name, REMEMBERED), world.login(name, REMEMBERED)

    end_what_began_before(change(world, name, world.clock(), here.session_id), world.sessions)

    assert is_live(world, here.session_id, here.device_id) == [True, True]
    assert is_live(world, there.session_id, there.device_id) == [False, False]


@case
def another_user_s_session_keeps_nothing(world: World) -> None:
    name = world.user()
    mine, theirs = world.login(name), world.login(world.user())

    end_what_began_before(change(world, name, world.clock(), theirs.session_id), world.sessions)

    assert is_live(world, mine.session_id, theirs.session_id) == [False, True]


@case
def a_change_of_an_unknown_user_is_no_error(world: World) -> None:
    nobody = UserChange("nobody", RevokeReason.USER_DELETED, world.clock())

    assert end_what_began_before(nobody, world.sessions) == 0


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_revoke_user(checked: Case) -> None:
    checked(memory_world())
