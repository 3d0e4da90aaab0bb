"""Whose is it: by a name, a user's id, or the id of a session or device."""

import pytest

from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.lists import LiveCounts
from auth_tokens.usecases.look_up import LookUpDeps, look_up_name, look_up_row, look_up_user
from auth_tokens.usecases.revoke_user import revoke_user
from tests.support.cases import REMEMBERED
from tests.support.memory_world import memory_world
from tests.support.world import World

UNKNOWN = "01900000-0000-7000-8000-000000000000"


def deps(world: World) -> LookUpDeps:
    return LookUpDeps(world.sessions, world.issuing.portal, lambda user_id, now: LiveCounts(1, 1))


def test_a_user_is_found_by_any_spelling_of_the_name_and_by_the_id() -> None:
    world = memory_world()
    name = world.user()

    by_name = look_up_name(f" {name.upper()}", deps(world))
    by_id = look_up_user(world.user_id(name), deps(world))

    assert by_name == by_id
    assert by_name.user is not None
    assert (by_name.user_id, by_name.user.username, by_name.row) == (world.user_id(name), name, None)


def test_a_session_and_a_device_lead_to_their_owner_also_when_they_are_over() -> None:
    world = memory_world()
    name = world.user()
    answer = world.login(name, REMEMBERED)
    revoke_user(world.user_id(name), RevokeReason.ADMIN, "", world.sessions)

    for row_id in (answer.session_id, answer.device_id, answer.session_id.upper()):
        found = look_up_row(row_id, deps(world))

        assert found.user_id == world.user_id(name)
        assert found.row is not None
        assert found.row.record.revoke_reason == "admin"
        assert not found.row.record.is_live(found.row.now)


def test_a_user_whom_the_portal_deleted_is_found_while_rows_are_left() -> None:
    world = memory_world()
    name = world.user()
    user_id, answer = world.user_id(name), world.login(name)
    world.users.accounts.pop(user_id)  # type: ignore[attr-defined]

    assert look_up_user(user_id, deps(world)).user is None
    assert look_up_row(answer.session_id, deps(world)).user is None


def test_what_nobody_has_is_not_found() -> None:
    world = memory_world()
    answer = world.login(world.user())

    with pytest.raises(NotFound):
        look_up_name("nobody@example.com", deps(world))
    with pytest.raises(NotFound):
        look_up_user("nobody", deps(world))
    for row_id in (UNKNOWN, "x", "", answer.session_id[:-1]):
        with pytest.raises(NotFound):
            look_up_row(row_id, deps(world))
