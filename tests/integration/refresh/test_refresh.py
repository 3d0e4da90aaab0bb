"""Refresh on the real database: one row, one successor, reuse ends the session."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidClient, InvalidGrant, InvalidScope, Unavailable
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support import wiring
from tests.support.world import CALLER, World


def test_a_refresh_answers_new_tokens_of_the_same_session(world: World) -> None:
    first = world.login(world.user())

    second = world.refresh(first.token)

    assert second.session_id == first.session_id
    assert second.token != first.token
    assert second.access_token != first.access_token
    assert world.row(first.session_id)["generation"] == 1


def test_a_lost_answer_repeated_gets_the_same_successor_and_writes_nothing(world: World) -> None:
    first = world.login(world.user())
    second = world.refresh(first.token)
    before = world.row(first.session_id)
    world.clock.now += 9

    again = world.refresh(first.token)

    assert again.token == second.token
    assert world.row(first.session_id) == before


def test_a_late_repeat_with_its_idempotency_key_gets_the_same_successor(world: World) -> None:
    first = world.login(world.user())
    second = world.refresh(first.token, retry_key="k1")
    world.clock.now += 3600

    assert world.refresh(first.token, retry_key="k1").token == second.token


def test_a_spent_token_after_the_window_ends_the_session_and_is_told(world: World) -> None:
    name = world.user()
    first = world.login(name)
    second = world.refresh(first.token)
    world.clock.now += 10

    with pytest.raises(InvalidGrant):
        world.refresh(first.token)

    with pytest.raises(InvalidGrant):
        world.refresh(second.token)
    assert world.row(first.session_id)["revoke_reason"] == "reuse"
    assert world.events(name)[-1] == "token_reuse_detected"


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_a_request_that_was_held_up_on_its_way_ends_no_session(world: World, kind: TokenKind) -> None:
    name = world.user()
    first = world.login(name, kind=kind)
    given_up_at = world.clock.now
    world.clock.now += 4
    second = world.refresh(first.token, kind=kind)  # asked again, and answered
    world.clock.now += 15

    late = refresh(RefreshRequest(first.token, kind), replace(CALLER, arrived_at=given_up_at), world.issuing)

    assert late.token == second.token
    assert "token_reuse_detected" not in world.events(name)
    assert world.refresh(second.token, kind=kind).session_id == first.session_id


def test_a_grandparent_within_the_window_ends_the_session(world: World) -> None:
    first = world.login(world.user())
    second = world.refresh(first.token)
    third = world.refresh(second.token)

    with pytest.raises(InvalidGrant):
        world.refresh(first.token)

    with pytest.raises(InvalidGrant):
        world.refresh(third.token)


def test_reuse_leaves_the_users_other_sessions_alone(world: World) -> None:
    name = world.user()
    stolen, other = world.login(name), world.login(name)
    world.refresh(stolen.token)
    world.clock.now += 60

    with pytest.raises(InvalidGrant):
        world.refresh(stolen.token)

    assert world.refresh(other.token).session_id == other.session_id


def test_another_clients_attempt_spends_and_ends_nothing(world: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidGrant):
        world.refresh(first.token, client_id="portal-app")

    assert world.refresh(first.token).session_id == first.session_id


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_a_client_that_is_left_out_is_the_token_s_own(world: World, kind: TokenKind) -> None:
    first = world.login(world.user(), kind=kind, client_id="portal-app")

    second = world.refresh(first.token, kind=kind)
    repeated = world.refresh(first.token, kind=kind)

    assert (second.session_id, repeated.token) == (first.session_id, second.token)
    assert world.row(first.session_id)["client_id"] == "portal-app"


def test_a_spent_token_is_reuse_without_a_client_too(world: World) -> None:
    first = world.login(world.user(), client_id="portal-app")
    world.refresh(first.token)
    world.clock.now += 60

    with pytest.raises(InvalidGrant):
        world.refresh(first.token)

    assert world.row(first.session_id)["revoke_reason"] == "reuse"


def test_the_first_client_is_a_wrong_one_for_another_client_s_token(world: World) -> None:
    first = world.login(world.user(), client_id="portal-app")

    with pytest.raises(InvalidGrant):
        world.refresh(first.token, client_id="portal-web")

    assert world.row(first.session_id)["generation"] == 0


def test_an_unknown_client_spends_nothing(world: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidClient):
        world.refresh(first.token, client_id="nobody")

    assert world.row(first.session_id)["generation"] == 0


def test_too_much_scope_spends_nothing_and_less_narrows_only_that_access_token(world: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidScope):
        world.refresh(first.token, scope="portal:read portal:admin")
    narrow = world.refresh(first.token, scope="portal:read")

    assert narrow.scope == "portal:read"
    assert world.refresh(narrow.token).scope == first.scope


def test_a_disabled_user_gets_no_repeat_either(world: World) -> None:
    name = world.user()
    first = world.login(name)
    world.refresh(first.token)
    world.disable(name)

    with pytest.raises(InvalidGrant):
        world.refresh(first.token)


def test_rotation_moves_the_idle_end_and_never_the_absolute_end(world: World) -> None:
    first = world.login(world.user(refresh_idle_ttl_s=1000, refresh_absolute_ttl_s=1500))
    born = world.row(first.session_id)
    world.clock.now += 900

    second = world.refresh(first.token)

    after = world.row(first.session_id)
    assert after["absolute_expires_at"] == born["absolute_expires_at"]
    assert second.token_expires_in == 600


@pytest.mark.parametrize(("age", "is_live"), [(999, True), (1000, False)])
def test_the_idle_end_holds_to_the_second(world: World, age: int, is_live: bool) -> None:
    first = world.login(world.user(refresh_idle_ttl_s=1000))
    world.clock.now += age

    if is_live:
        assert world.refresh(first.token)
    else:
        with pytest.raises(InvalidGrant):
            world.refresh(first.token)


def test_how_and_when_the_user_signed_in_survives_refresh_unchanged(world: World) -> None:
    signed_in_at = world.clock.now - 500
    request = IssueRequest(world.user_id(world.user()), ("pwd", "otp"), "urn:acr:high", signed_in_at)
    answer = issue(request, CALLER, world.issuing)
    world.clock.now += 300
    for _ in range(3):
        answer = world.refresh(answer.token)

    claims = world.shared.verifier.verify(answer.access_token or "", world.clock.now)

    assert (claims.auth_time, claims.amr, claims.acr) == (signed_in_at, ("pwd", "otp"), "urn:acr:high")


def test_preferences_changed_since_the_sign_in_hold_but_move_no_absolute_end(world: World) -> None:
    name = world.user(refresh_idle_ttl_s=1000, refresh_absolute_ttl_s=1500, access_ttl_s=600)
    first = world.login(name)
    world.sql(
        "UPDATE user_config SET refresh_idle_ttl_s = 5000, refresh_absolute_ttl_s = 9000, access_ttl_s = 60"
        " WHERE user_id = %s",
        world.user_id(name),
    )
    world.clock.now += 100

    second = world.refresh(first.token)

    assert second.expires_in == 60
    assert (second.token_expires_in, second.absolute_expires_in) == (1400, 1400)


@pytest.mark.parametrize(("age", "is_live"), [(1499, True), (1500, False)])
def test_the_absolute_end_holds_to_the_second_however_often_it_was_refreshed(
    world: World, age: int, is_live: bool
) -> None:
    answer = world.login(world.user(refresh_idle_ttl_s=1000, refresh_absolute_ttl_s=1500))
    world.clock.now += 900
    answer = world.refresh(answer.token)
    world.clock.now += age - 900

    if is_live:
        assert world.refresh(answer.token).token_expires_in == 1
    else:
        with pytest.raises(InvalidGrant):
            world.refresh(answer.token)


def test_a_device_token_replaced_by_a_new_sign_in_is_reuse_when_it_comes_back(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(remember=True))
    second = world.login(name, DeviceRequest(id=first.device_id, remember=True))
    world.clock.now += 9
    with pytest.raises(InvalidGrant):  # two calls crossing: refused, and no harm done
        exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)
    assert "token_reuse_detected" not in world.events(name)
    world.clock.now += 1

    with pytest.raises(InvalidGrant):
        exchange_device_token(ExchangeRequest(first.device_token or ""), CALLER, world.issuing)

    assert world.events(name)[-1] == "token_reuse_detected"
    for row_id in (second.device_id, second.session_id):
        assert world.row(row_id)["revoke_reason"] == "reuse"


@pytest.mark.parametrize("agent", ["phone/1", "x" * 500], ids=["short", "longer than a row keeps"])
def test_reuse_leaves_evidence_of_both_sides(world: World, agent: str) -> None:
    owner, thief = Caller("192.0.2.1", agent), Caller("198.51.100.9", "curl/8")
    first = world.login(world.user())
    second = refresh(RefreshRequest(first.token), owner, world.issuing)
    refresh(RefreshRequest(second.token), owner, world.issuing)
    world.clock.now += 42

    with pytest.raises(InvalidGrant):
        refresh(RefreshRequest(first.token), thief, world.issuing)

    event = _last_event(world, first.session_id)
    detail = event.detail
    assert detail["reuse_kind"] == "older_generation"
    assert (detail["generations_behind"], detail["seconds_since_rotation"]) == (2, 42)
    assert (detail["token_type"], detail["device_id"]) == ("refresh", first.device_id)
    assert detail["presented_by_address"] != detail["rotated_by_address"]
    assert detail["presented_by_user_agent"] != detail["rotated_by_user_agent"]
    assert event.source_hash is not None
    assert detail["presented_by_address"] == event.source_hash.hex()
    assert not {"192.0.2.1", "198.51.100.9", agent, "curl/8"} & {str(value) for value in detail.values()}


@pytest.mark.parametrize("agent", ["phone/1", "x" * 500], ids=["short", "longer than a row keeps"])
def test_a_client_that_replays_its_own_token_has_one_fingerprint(world: World, agent: str) -> None:
    owner = Caller("192.0.2.1", agent)
    first = world.login(world.user())
    refresh(RefreshRequest(first.token), owner, world.issuing)
    world.clock.now += 10

    with pytest.raises(InvalidGrant):
        refresh(RefreshRequest(first.token), owner, world.issuing)

    detail = _last_event(world, first.session_id).detail
    assert detail["reuse_kind"] == "recent_predecessor"
    assert detail["presented_by_address"] == detail["rotated_by_address"]
    assert detail["presented_by_user_agent"] == detail["rotated_by_user_agent"]


def test_a_session_token_is_no_refresh_token(world: World) -> None:
    first = world.login(world.user(), kind=TokenKind.SESSION)

    with pytest.raises(InvalidGrant):
        world.refresh(first.token)

    assert world.refresh(first.token, kind=TokenKind.SESSION).session_id == first.session_id


def test_parallel_refreshes_of_one_token_get_one_and_the_same_successor(world: World) -> None:
    environments = [wiring.issuing(world.environment()) for _ in range(8)]
    for _ in range(5):
        first = world.login(world.user())
        barrier = Barrier(len(environments))

        def attempt(index: int, token: str = first.token, barrier: Barrier = barrier) -> str:
            barrier.wait()
            return refresh(RefreshRequest(token), CALLER, environments[index]).token

        with ThreadPoolExecutor(len(environments)) as pool:
            successors = set(pool.map(attempt, range(len(environments))))

        assert len(successors) == 1
        assert world.row(first.session_id)["generation"] == 1
        assert world.row(first.session_id)["revoked_at"] is None


def test_a_signature_that_fails_after_the_commit_is_repaired_by_the_retry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.login(world.user())
    signer = type(world.issuing.signer)
    with monkeypatch.context() as broken:
        broken.setattr(signer, "sign", _unavailable)
        with pytest.raises(Unavailable):
            world.refresh(first.token)
    assert world.row(first.session_id)["generation"] == 1

    second = world.refresh(first.token)

    assert world.refresh(second.token).session_id == first.session_id


def _last_event(world: World, session_id: str) -> RecordedEvent:
    """The newest event of a session, decrypted."""
    [row] = world.sql("SELECT user_id FROM auth_user_tokens WHERE id = %s", uuid.UUID(session_id).bytes)
    [event] = world.shared.event_log.page(b"\xff" * 16, 0, row["user_id"], None, 1)
    return event


def _unavailable(*_: object) -> str:
    raise Unavailable("kms")
