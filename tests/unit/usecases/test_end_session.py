"""One session ends, or one device is forgotten."""

import pytest

from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.end_session import (
    SessionEnd,
    end_any_session,
    end_session,
    forget_any_device,
    forget_device,
)
from tests.support.cases import REMEMBERED, Case, Cases, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def end(world: World, session_id: str, name: str, how: SessionEnd = SessionEnd()) -> None:  # noqa: B008
    end_session(session_id, world.user_id(name), CALLER, world.sessions, how)


@case
def a_session_ends_with_its_device(world: World) -> None:
    name = world.user()
    lost, other = world.login(name, REMEMBERED), world.login(name)

    end(world, lost.session_id, name)

    assert is_live(world, lost.session_id, lost.device_id, other.session_id) == [False, False, True]
    assert sorted(world.events(name))[:1] == ["device_revoked"]


@case
def a_device_that_is_kept_stays(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)

    end(world, answer.session_id, name, SessionEnd(keep_device=True))

    assert is_live(world, answer.session_id, answer.device_id) == [False, True]


@case
def the_device_of_the_session_that_asks_stays(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)

    end(world, answer.session_id, name, SessionEnd(own_device=answer.device_id))

    assert is_live(world, answer.session_id, answer.device_id) == [False, True]


@case
def a_second_call_ends_the_device_that_the_first_kept(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)
    end(world, answer.session_id, name, SessionEnd(keep_device=True))

    end(world, answer.session_id, name)

    assert is_live(world, answer.device_id) == [False]
    assert world.events(name).count("session_revoked") == 1


@case
def an_operator_s_reason_is_kept_with_the_row(world: World) -> None:
    name = world.user()
    answer = world.login(name)

    end(world, answer.session_id, name, SessionEnd(cause=Cause(RevokeReason.ADMIN)))

    assert row(world, answer.session_id).revoke_reason == RevokeReason.ADMIN.value


@case
def another_user_s_row_an_unknown_one_and_one_of_another_kind_are_not_found(world: World) -> None:
    me = world.user()
    mine, theirs = world.login(me, REMEMBERED), world.login(world.user(), REMEMBERED)
    unknown = "01900000-0000-7000-8000-000000000000"

    for session_id in (theirs.session_id, mine.device_id, unknown, "x"):
        with pytest.raises(NotFound):
            end(world, session_id, me)
    for device_id in (theirs.device_id, mine.session_id, unknown, "x"):
        with pytest.raises(NotFound):
            forget_device(device_id, world.user_id(me), CALLER, world.sessions)

    assert all(is_live(world, mine.session_id, mine.device_id, theirs.session_id, theirs.device_id))


@case
def an_operator_ends_anybodys_session_and_is_told_whose_it_was_and_how_much_ended(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)
    how = SessionEnd(cause=Cause(RevokeReason.ADMIN, "phone lost"))

    first = end_any_session(answer.session_id, CALLER, world.sessions, how)
    again = end_any_session(answer.session_id, CALLER, world.sessions, how)

    assert (first.user_id, first.rows, again.rows) == (world.user_id(name), 2, 0)
    assert is_live(world, answer.session_id, answer.device_id) == [False, False]


@case
def an_operator_forgets_anybodys_device(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)

    ended = forget_any_device(answer.device_id, CALLER, world.sessions, Cause(RevokeReason.ADMIN, "lost"))

    assert (ended.user_id, ended.rows) == (world.user_id(name), 2)


@case
def an_operator_does_not_end_an_unknown_row_or_one_of_another_kind(world: World) -> None:
    answer = world.login(world.user(), REMEMBERED)
    unknown, cause = "01900000-0000-7000-8000-000000000000", Cause(RevokeReason.ADMIN)

    for session_id in (answer.device_id, unknown, "x", ""):
        with pytest.raises(NotFound):
            end_any_session(session_id, CALLER, world.sessions, SessionEnd(cause=cause))
    for device_id in (answer.session_id, unknown, "x", ""):
        with pytest.raises(NotFound):
            forget_any_device(device_id, CALLER, world.sessions, cause)

    assert is_live(world, answer.session_id, answer.device_id) == [True, True]


@case
def a_device_that_is_forgotten_ends_with_its_session(world: World) -> None:
    name = world.user()
    answer, other = world.login(name, REMEMBERED), world.login(name)

    forget_device(answer.device_id, world.user_id(name), CALLER, world.sessions)

    assert is_live(world, answer.session_id, answer.device_id, other.session_id) == [False, False, True]


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_end_session(checked: Case) -> None:
    checked(memory_world())
