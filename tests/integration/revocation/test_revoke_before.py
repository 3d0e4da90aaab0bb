"""Everything that began up to an instant ends by one entry: what every reader of a row makes of it."""

import contextlib

import pytest

from auth_tokens.adapters.mysql.cutoff_table import CutoffMarking, CutoffTable
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.cutoff_marks import MARKED_AFTER_S
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import (
    InvalidAccessToken,
    InvalidGrant,
    InvalidRequest,
    NotFound,
    SessionLimitReached,
)
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.policy import LimitAction
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.revoke_before import RevokeBeforeRequest, RevokedBefore, revoke_before
from auth_tokens.usecases.settle_revocations import settle_revocations
from auth_tokens.usecases.validate import validate
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import CALLER, World


def end_all_before(world: World, before: int | None, **whose: str) -> RevokedBefore:
    deps = wiring.cutting_off(world.shared, world.sessions)
    return revoke_before(RevokeBeforeRequest(before, "stolen backup", **whose), CALLER, deps)


def refreshes(world: World, answer: TokenAnswer) -> bool:
    try:
        world.refresh(answer.token)
    except InvalidGrant:
        return False
    return True


def exchanges(world: World, answer: TokenAnswer) -> bool:
    try:
        exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)
    except InvalidGrant:
        return False
    return True


def validates(world: World, transport: Transport, text: str) -> bool:
    try:
        validate(Credential(transport, text), world.sessions.validation)
    except InvalidAccessToken:
        return False
    return True


@pytest.mark.parametrize(("apart_s", "goes_on"), [(0, False), (1, True)])
@pytest.mark.parametrize("client_id", ["", "portal-web"])
def test_what_began_at_the_instant_has_ended_everywhere_and_what_began_a_second_later_goes_on(
    fresh_world: World, apart_s: int, goes_on: bool, client_id: str
) -> None:
    world = fresh_world
    name, browsing = world.user(), world.user()
    instant = world.clock.now
    world.clock.now += apart_s
    answer = world.login(name, DeviceRequest(remember=True))
    cookie = world.login(browsing, kind=TokenKind.SESSION)
    world.clock.now += 100

    end_all_before(world, instant, **({"client_id": client_id} if client_id else {}))

    assert (introspect(answer.token, world.sessions) != INACTIVE) == goes_on
    assert (introspect(answer.device_token or "", world.sessions) != INACTIVE) == goes_on
    assert (introspect(cookie.token, world.sessions) != INACTIVE) == goes_on
    assert (introspect(answer.access_token or "", world.sessions) != INACTIVE) == goes_on
    assert validates(world, Transport.BEARER, answer.access_token or "") == goes_on
    assert validates(world, Transport.COOKIE, cookie.token) == goes_on
    page = list_sessions(world.user_id(name), 20, None, world.sessions)
    assert (len(page.sessions), page.reused) == (int(goes_on), [])
    assert len(list_devices(world.user_id(name), 20, None, world.sessions).devices) == int(goes_on)
    assert refreshes(world, answer) == goes_on
    assert exchanges(world, answer) == goes_on


def test_a_client_s_cut_off_leaves_other_clients_alone(fresh_world: World) -> None:
    web = fresh_world.login(fresh_world.user())
    app = fresh_world.login(fresh_world.user(), client_id="portal-app")

    end_all_before(fresh_world, None, client_id="portal-app")

    assert refreshes(fresh_world, web)
    assert not refreshes(fresh_world, app)


def test_a_session_by_a_device_token_ends_with_the_device_that_it_rests_on(fresh_world: World) -> None:
    world = fresh_world
    token = world.login(world.user(), DeviceRequest(remember=True)).device_token or ""
    instant = world.clock.now
    world.clock.now += 100
    later = exchange_device_token(ExchangeRequest(token), CALLER, world.issuing)

    end_all_before(world, instant)

    assert not refreshes(world, later)


def test_after_a_cut_off_everybody_may_sign_in_again_also_at_the_limit_of_sessions(
    fresh_world: World,
) -> None:
    world = fresh_world
    name = world.user(max_sessions=1)
    world.sql("UPDATE user_config SET session_limit_action = %s", LimitAction.DENY.value)
    first = world.login(name, DeviceRequest(remember=True))
    world.clock.now += 1

    end_all_before(world, world.clock.now - 1)
    again = world.login(name, DeviceRequest(id=first.device_id))

    assert again.device_id != first.device_id
    assert refreshes(world, again)
    assert "session_evicted" not in world.events(name)


@pytest.mark.parametrize(("client_id", "is_refused"), [("portal-web", False), ("portal-app", True)])
def test_what_a_cut_off_covers_counts_for_no_limit_and_what_it_leaves_alone_does(
    fresh_world: World, client_id: str, is_refused: bool
) -> None:
    world = fresh_world
    name = world.user(max_sessions=1)
    world.sql("UPDATE user_config SET session_limit_action = %s", LimitAction.DENY.value)
    request = IssueRequest(world.user_id(name), ("sso",))
    issue(request, CALLER, world.issuing)
    world.clock.now += 1

    end_all_before(world, world.clock.now - 1, client_id=client_id)

    with pytest.raises(SessionLimitReached) if is_refused else contextlib.nullcontext():
        issue(request, CALLER, world.issuing)


def test_one_user_s_rows_end_one_by_one_and_only_those_before(world: World) -> None:
    name, other = world.user(), world.user()
    before, elsewhere = world.login(name, DeviceRequest(remember=True)), world.login(other)
    instant = world.clock.now
    world.clock.now += 1
    after = world.login(name)
    cutoffs = world.sql("SELECT COUNT(*) AS n FROM auth_token_cutoffs")

    result = end_all_before(world, instant, user_id=world.user_id(name))

    assert (result.is_changed, result.ended) == (True, 2)
    assert [refreshes(world, answer) for answer in (before, after, elsewhere)] == [False, True, True]
    assert world.sql("SELECT COUNT(*) AS n FROM auth_token_cutoffs") == cutoffs
    assert not end_all_before(world, instant, user_id=world.user_id(name)).is_changed
    assert world.events(name).count("user_revoked") == 1


def test_a_mistyped_user_or_client_and_a_time_to_come_are_refused(world: World) -> None:
    with pytest.raises(NotFound):
        end_all_before(world, 1, user_id="nobody")
    with pytest.raises(InvalidRequest, match="client_id"):
        end_all_before(world, 1, client_id="nobody")
    with pytest.raises(InvalidRequest, match="future"):
        end_all_before(world, world.clock.now + 1)


def cut_off_events(world: World) -> int:
    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_token_events WHERE type = 'sessions_cut_off'")
    return int(row["n"])


def test_a_repeated_call_ends_nothing_more_and_an_earlier_instant_never_replaces_a_later_one(
    fresh_world: World,
) -> None:
    world = fresh_world
    now = world.clock.now
    answer = world.login(world.user())

    first = end_all_before(world, now - 10)
    world.clock.now += 60
    repeated, earlier = end_all_before(world, now - 10), end_all_before(world, now - 20)

    assert (first.before, first.is_changed) == (now - 10, True)
    assert (repeated.before, repeated.is_changed) == (now - 10, False)
    assert (earlier.before, earlier.is_changed) == (now - 10, False)
    assert earlier.decided_at == repeated.decided_at == now + 60
    assert first.authorizers_by == now + world.settings.revocation_max_staleness_s
    assert cut_off_events(world) == 1
    assert refreshes(world, answer)

    assert end_all_before(world, now + 60).is_changed
    assert cut_off_events(world) == 2


def test_a_cut_off_is_written_once_where_the_answer_to_its_commit_is_lost(
    fresh_world: World, failing: object
) -> None:
    world = fresh_world
    table = CutoffTable(world.database, world.shared.event_writer)
    failing("COMMIT", 2013, after=True)  # type: ignore[operator]

    result = end_all_before(world, world.clock.now)

    assert result.is_changed
    assert cut_off_events(world) == 1
    assert [marked.cutoff.before for marked in table.in_force()] == [world.clock.now]


def test_a_cut_off_is_one_transaction_whatever_the_number_of_sessions(fresh_world: World) -> None:
    world = fresh_world
    for _ in range(3):
        world.login(world.user())

    spent = cost(world, lambda: end_all_before(world, world.clock.now))

    assert spent == {
        **NOTHING,
        "Com_begin": 1,
        "Com_select": 1,
        "Com_insert": 2,
        "Com_commit": 1,
    }


def settle(world: World, remaining_ms: int = 60_000) -> tuple[int, int]:
    settled = settle_revocations(lambda: remaining_ms, wiring.settling(world.shared))
    return settled.untold, settled.marked


@pytest.mark.parametrize("client_id", ["", "portal-app"])
def test_rows_are_marked_an_hour_later_with_the_instant_of_the_decision(
    fresh_world: World, client_id: str
) -> None:
    world = fresh_world
    decided_at = world.clock.now
    before = world.login(world.user(), DeviceRequest(remember=True))
    app = world.login(world.user(), client_id="portal-app")
    end_all_before(world, decided_at, **({"client_id": client_id} if client_id else {}))
    world.clock.now += 1
    after = world.login(world.user())

    world.clock.now = decided_at + MARKED_AFTER_S - 1
    assert settle(world) == (0, 0)
    world.clock.now += 1
    assert settle(world) == (0, 2 if client_id else 4)

    row = world.row(app.session_id)
    assert row["revoke_reason"] == "cut_off"
    assert row["revoked_at"].timestamp() - row["created_at"].timestamp() == 0
    assert (world.row(before.session_id)["revoked_at"] is None) == bool(client_id)
    assert world.row(after.session_id)["revoked_at"] is None
    [marked] = CutoffTable(world.database, world.shared.event_writer).in_force()
    assert marked.is_marked
    assert settle(world) == (0, 0)


def test_marking_goes_on_where_it_ended_and_a_newer_cut_off_begins_anew(fresh_world: World) -> None:
    world = fresh_world
    marks = CutoffMarking(world.database)
    for _ in range(3):
        world.login(world.user())
    cutoff = Cutoff("", world.clock.now, world.clock.now)
    end_all_before(world, world.clock.now)
    world.clock.now += 10

    marked, place = marks.mark(cutoff, b"", 4)
    marks.note(cutoff, place)
    [half_marked] = marks.unmarked(world.clock.now)

    assert marked == 4
    assert half_marked.marked_to == place
    end_all_before(world, world.clock.now - 10)
    assert marks.unmarked(world.clock.now)[0].marked_to == place
    end_all_before(world, world.clock.now)
    marks.note(cutoff, place)
    assert marks.unmarked(world.clock.now)[0].marked_to == bytes(16)


def test_a_row_that_was_revoked_before_keeps_its_reason_and_an_access_token_s_row_is_none_to_mark(
    fresh_world: World,
) -> None:
    world = fresh_world
    answer = world.login(world.user())
    world.sql(
        "UPDATE auth_user_tokens SET revoked_at = created_at, revoke_reason = 'logout' WHERE type = 'refresh'"
    )
    end_all_before(world, world.clock.now)
    world.clock.now += MARKED_AFTER_S

    assert settle(world) == (0, 1)
    assert world.row(answer.session_id)["revoke_reason"] == "logout"
