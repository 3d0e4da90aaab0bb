"""Rows that were revoked by SQL by hand get an entry in the revocation log, and only those."""

import uuid

import pytest

from auth_tokens.adapters.mysql.untold_revocations import SELECT_REVOKED_LIVE, UntoldRevocations
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.settle_revocations import AUDITED_S, settle_revocations
from tests.integration.authorizer.test_log import allowed, half, log_reader
from tests.support import wiring
from tests.support.world import CALLER, World

BY_HAND = """
UPDATE auth_user_tokens SET revoked_at = TIMESTAMPADD(SECOND, %s, '1970-01-01'), revoke_reason = 'admin'
WHERE id = %s
"""


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def revoke_by_hand(world: World, *answers: TokenAnswer) -> None:
    for answer in answers:
        world.sql(BY_HAND, world.clock.now, uuid.UUID(answer.session_id).bytes)


def untold(world: World) -> int:
    return settle_revocations(lambda: 60_000, wiring.settling(world.shared)).untold


def recorded(world: World) -> set[bytes]:
    rows = world.sql("SELECT ids FROM auth_token_revocations")
    return {row["ids"][place : place + 8] for row in rows for place in range(0, len(row["ids"]), 8)}


def test_what_was_revoked_by_hand_is_recorded_once_and_authorizers_refuse_it(world: World) -> None:
    _, deps = log_reader(world)
    answer, other = world.login(world.user()), world.login(world.user())
    revoke_by_hand(world, answer)
    assert allowed(deps, answer)

    assert (untold(world), untold(world)) == (1, 0)
    world.clock.now += world.settings.revocation_max_staleness_s

    assert not allowed(deps, answer)
    assert allowed(deps, other)
    assert recorded(world) == {half(answer.session_id)}


def test_what_the_service_revoked_is_not_recorded_again(world: World) -> None:
    for _ in range(3):
        revoke_token(world.login(world.user()).token, None, CALLER, world.sessions)
    access = world.login(world.user())
    revoke_token(access.access_token or "", None, CALLER, world.sessions)
    before = recorded(world)

    assert untold(world) == 0
    assert (len(before), recorded(world)) == (4, before)


def test_many_rows_by_hand_are_recorded_in_few_entries_beside_those_that_are_recorded(world: World) -> None:
    known = world.login(world.user())
    revoke_token(known.token, None, CALLER, world.sessions)
    answers = [world.login(world.user()) for _ in range(40)]
    revoke_by_hand(world, *answers)

    assert untold(world) == 40
    assert {half(answer.session_id) for answer in [known, *answers]} == recorded(world)
    [row] = world.sql("SELECT COUNT(*) AS entries FROM auth_token_revocations")
    assert row["entries"] == 3


@pytest.mark.parametrize(("ago_s", "is_seen"), [(AUDITED_S, True), (AUDITED_S + 1, False)])
def test_the_last_ten_minutes_are_looked_at(world: World, ago_s: int, is_seen: bool) -> None:
    answer = world.login(world.user())
    revoke_by_hand(world, answer)
    world.sql("UPDATE auth_user_tokens SET access_expires_at = access_expires_at + INTERVAL 1 HOUR")
    world.clock.now += ago_s

    assert untold(world) == int(is_seen)


def test_devices_browser_sessions_and_sessions_without_a_live_access_token_need_no_entry(
    world: World,
) -> None:
    browser = world.login(world.user(), DeviceRequest(remember=True), kind=TokenKind.SESSION)
    answer = world.login(world.user(), DeviceRequest(remember=True))
    world.sql("UPDATE auth_user_tokens SET access_expires_at = created_at WHERE type = 'refresh'")
    revoke_by_hand(world, answer, browser)
    world.sql("UPDATE auth_user_tokens SET revoked_at = created_at WHERE type = 'device'")
    world.clock.now += 1

    assert untold(world) == 0
    assert recorded(world) == set()


def test_a_row_whose_access_tokens_are_not_known_counts_as_live(world: World) -> None:
    answer = world.login(world.user())
    world.sql("UPDATE auth_user_tokens SET access_expires_at = NULL")
    revoke_by_hand(world, answer)

    assert untold(world) == 1


def test_the_look_goes_by_the_index_on_revoked_at(world: World) -> None:
    database = world.database
    span = {"since": "2026-01-01", "now": "2026-01-01"}
    [plan] = database.query(f"EXPLAIN FORMAT=TRADITIONAL {SELECT_REVOKED_LIVE}", span)

    assert (plan["key"], plan["type"]) == ("ix_revoked_at", "range")
    assert UntoldRevocations(database).record_untold(world.clock.now, world.clock.now) == 0
