"""«End the sessions that came from that source»: a list to confirm, and the end of exactly what was listed."""

import uuid
from collections.abc import Sequence

import pytest

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.bootstrap.keeping_up import finding_sources, reading_inbox
from auth_tokens.domain.analytics.findings import Finding, Rule, Severity
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import EventSelection, EventType, RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.ids import MAX_UUID, uuid_text
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.sessions_of_source import SessionsEnd, end_sessions, sessions_of_finding
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support.world import PASSWORD, World

OPERATOR = Caller(address="203.0.113.9", actor="user:op")
ATTACKER = Caller("198.51.100.7", "curl")
SITE = [Caller(f"2001:db8:5:{number}::7", "curl") for number in (1, 2)]
BY_ADMIN = Cause(RevokeReason.ADMIN, "came from that source")


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def entered(world: World, name: str, caller: Caller = ATTACKER, device: DeviceRequest | None = None) -> bytes:
    """A session of a user, from a source."""
    world.clock.now += 1
    options = SessionOptions(device=device or DeviceRequest())
    answer = login(LoginRequest(name, PASSWORD, options), caller, world.issuing)
    return uuid.UUID(answer.session_id).bytes


def found(world: World, source: bytes | None, networks: int = 1) -> str:
    """A finding about a source."""
    rule = Rule.STUFFING_FROM_ONE_SOURCE if source else Rule.REUSE_SPIKE
    finding = Finding(
        rule, Severity.HIGH, "x", 60, 60, networks, world.clock() - 60, world.clock(), (), source=source
    )
    reading_inbox(world.shared).inbox.report(finding, world.clock())
    [event] = world.shared.event_log.search(EventSelection(kinds=(EventType.FINDING,)), MAX_UUID, 1)
    return uuid_text(event.id)


def source_of(world: World, session_id: bytes) -> bytes:
    wanted = EventSelection(kinds=(EventType.LOGIN_SUCCEEDED,), session_id=session_id)
    [event] = world.shared.event_log.search(wanted, MAX_UUID, 1)
    site = event.detail.get("site")
    assert event.source_hash is not None
    return bytes.fromhex(str(site)) if site else event.source_hash


def listed(world: World, finding: str) -> list[bytes]:
    page = sessions_of_finding(finding, None, finding_sources(world.shared, world.sessions))
    assert page.next_cursor is None
    return [row.record.id for row in page.sessions]


def ended(world: World, ids: Sequence[bytes], *, keep_devices: bool = False) -> SessionsEnd:
    return end_sessions(ids, BY_ADMIN, OPERATOR, world.sessions, keep_devices=keep_devices)


def live(world: World, session_id: bytes) -> bool:
    return bool(world.row(uuid_text(session_id))["revoked_at"] is None)


def test_the_list_has_the_live_sessions_of_the_source_and_whose_they_are(world: World) -> None:
    names = [world.user() for _ in range(3)]
    first, second = (entered(world, name) for name in names[:2])
    over = entered(world, names[2])
    entered(world, names[0], Caller("192.0.2.200", "browser"))
    ended(world, [over])
    finding = found(world, source_of(world, first))

    page = sessions_of_finding(finding, None, finding_sources(world.shared, world.sessions))

    assert [row.record.id for row in page.sessions] == [second, first]
    owners = [row.record.owner for row in page.sessions]
    assert [owner.username if owner else None for owner in owners] == [names[1], names[0]]
    assert page.sessions[0].metadata.user_agent == "curl"


@pytest.mark.parametrize(("before_s", "is_listed"), [(3600, True), (3601, False)])
def test_the_list_has_who_got_in_before_the_first_failure_within_the_hour_of_the_rule(
    world: World, before_s: int, is_listed: bool
) -> None:
    session = entered(world, world.user())
    world.clock.now += before_s

    assert listed(world, found(world, source_of(world, session))) == [session] * is_listed


def test_exactly_what_was_listed_ends_and_not_what_came_meanwhile(world: World) -> None:
    names = [world.user() for _ in range(3)]
    before = [entered(world, name) for name in names[:2]]
    elsewhere = entered(world, names[0], Caller("192.0.2.200", "browser"))
    ids = listed(world, found(world, source_of(world, before[0])))
    later = entered(world, names[2])

    end = ended(world, ids)

    assert [(each.id, each.rows) for each in end.ended] == [(before[1], 2), (before[0], 2)]
    assert (end.not_found, end.left) == ([], [])
    assert [live(world, each) for each in (*before, later, elsewhere)] == [False, False, True, True]


def test_each_end_names_operator_and_reason(world: World) -> None:
    session = entered(world, world.user())

    ended(world, [session])

    wanted = EventSelection(kinds=(EventType.SESSION_REVOKED, EventType.DEVICE_REVOKED), session_id=session)
    events = world.shared.event_log.search(wanted, MAX_UUID, 10)
    assert len(events) == 2
    for event in events:
        assert event.detail["actor"] == "user:op"
        assert (event.detail["reason"], event.detail["note"]) == ("admin", BY_ADMIN.note)


def test_their_devices_may_stay(world: World) -> None:
    session = entered(world, world.user(), device=DeviceRequest(remember=True))

    [end] = ended(world, [session], keep_devices=True).ended

    device = world.row(uuid_text(session))["device_id"]
    assert end.rows == 1
    assert world.row(uuid_text(device))["revoked_at"] is None


def test_a_finding_of_a_site_has_the_sessions_of_its_networks(world: World) -> None:
    sessions = [entered(world, world.user(), caller) for caller in SITE]
    entered(world, world.user(), Caller("2001:db8:6:1::7", "curl"))
    entered(world, world.user())

    assert listed(world, found(world, source_of(world, sessions[0]), networks=2)) == sessions[::-1]


def test_what_was_not_got_to_is_named_and_ends_when_it_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [entered(world, world.user()) for _ in range(3)]
    transaction, carried_out = Database.transaction, iter([True])

    def failing(database: Database, *work: object) -> object:
        if next(carried_out, False):
            return transaction(database, *work)  # type: ignore[arg-type]
        raise Unavailable("database")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "transaction", failing)
        end = ended(world, sessions)
        with pytest.raises(Unavailable):
            ended(world, end.left)

    assert ([each.id for each in end.ended], end.left) == (sessions[:1], sessions[1:])
    again = ended(world, sessions)
    assert [each.rows for each in again.ended] == [0, 2, 2]


def test_a_list_is_three_statements_and_each_end_one_transaction(world: World) -> None:
    sessions = [entered(world, world.user()) for _ in range(5)]
    finding = found(world, source_of(world, sessions[0]))

    assert cost(world, lambda: listed(world, finding)) == {**NOTHING, "Com_select": 3}
    of_one = cost(world, lambda: ended(world, sessions[:1]))
    of_four = cost(world, lambda: ended(world, sessions[1:]))

    assert of_one["Com_select"] == of_four["Com_select"] == 1
    writes = {name: count for name, count in of_one.items() if name != "Com_select"}
    assert {name: of_four[name] for name in writes} == {name: 4 * count for name, count in writes.items()}
    assert of_one["Com_commit"] == 1
