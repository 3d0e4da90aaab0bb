"""Sessions that are listed end, and nothing else; what is no list is refused."""

import uuid

import pytest

from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import InvalidRequest, NotFound, Unavailable
from auth_tokens.domain.events import EventType, RevokeReason
from auth_tokens.domain.ids import uuid_text
from auth_tokens.usecases.sessions_of_source import (
    SessionsEnd,
    SourceDeps,
    end_sessions,
    sessions_of_finding,
)
from tests.support.cases import REMEMBERED, is_live
from tests.support.memory_world import MemoryWorld
from tests.support.world import CALLER, START
from tests.unit.usecases.test_findings import Log


def ended(world: MemoryWorld, *ids: str, keep_devices: bool = False) -> SessionsEnd:
    cause = Cause(RevokeReason.ADMIN, "came from that source")
    listed = [uuid.UUID(each).bytes for each in ids]
    return end_sessions(listed, cause, CALLER, world.sessions, keep_devices=keep_devices)


def test_each_that_is_listed_ends_once_with_its_device_and_no_other() -> None:
    world = MemoryWorld()
    alice, bob = world.user(), world.user()
    first, second, other = (world.login(name, REMEMBERED) for name in (alice, bob, alice))

    end = ended(world, first.session_id, second.session_id, first.session_id)

    assert [uuid_text(each.id) for each in end.ended] == [first.session_id, second.session_id]
    assert [each.rows for each in end.ended] == [2, 2]
    devices = [first.device_id, second.device_id, other.device_id]
    assert is_live(world, first.session_id, second.session_id, other.session_id) == [False, False, True]
    assert is_live(world, *devices) == [False, False, True]


def test_devices_stay_if_they_are_to() -> None:
    world = MemoryWorld()
    answer = world.login(world.user(), REMEMBERED)

    [end] = ended(world, answer.session_id, keep_devices=True).ended

    assert end.rows == 1
    assert is_live(world, answer.session_id, answer.device_id) == [False, True]


def test_what_is_no_session_is_named_and_does_not_keep_the_others() -> None:
    world = MemoryWorld()
    answer = world.login(world.user(), REMEMBERED)

    end = ended(world, answer.device_id, str(uuid.UUID(int=0)), answer.session_id)

    assert [uuid_text(each) for each in end.not_found] == [answer.device_id, str(uuid.UUID(int=0))]
    assert [uuid_text(each.id) for each in end.ended] == [answer.session_id]


def test_where_the_store_goes_away_the_rest_is_left_and_nothing_ended_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = MemoryWorld()
    sessions = [world.login(world.user()).session_id for _ in range(3)]
    revoke, carried_out = world.store.revoke_device, iter([True])

    def failing(*arguments: object) -> int:
        if next(carried_out, False):
            return int(revoke(*arguments))  # type: ignore[arg-type]
        raise Unavailable("database")

    monkeypatch.setattr(world.store, "revoke_device", failing)

    end = ended(world, *sessions)

    assert [uuid_text(each) for each in end.left] == sessions[1:]
    with pytest.raises(Unavailable):
        ended(world, *sessions[1:])


def test_a_finding_of_no_source_has_no_such_list_and_an_unknown_one_is_not_found() -> None:
    log, world = Log([]), MemoryWorld()
    added = log.add(EventType.FINDING, START, rule="reuse_spike")
    log.events = [type(added)(added.id, added.type, added.at, None, None, None, added.detail)]
    deps = SourceDeps(log, world.sessions)

    with pytest.raises(InvalidRequest, match="of no source"):
        sessions_of_finding(uuid_text(added.id), None, deps)
    with pytest.raises(NotFound):
        sessions_of_finding(uuid_text(bytes(16)), None, deps)
