"""A session's row says how long its access tokens live, so that whoever ends it knows whether to tell authorizers."""

import jwt
import pytest

from auth_tokens.adapters.mysql.times import from_sql
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S
from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.rotation import MAX_UNDER_WAY_S
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.revoke import revoke_token
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support.world import CALLER, World


def noted(world: World, session_id: str) -> int:
    return from_sql(world.row(session_id)["access_expires_at"])


def exp(answer: TokenAnswer) -> int:
    return int(jwt.decode(answer.access_token or "", options={"verify_signature": False})["exp"])


def test_it_covers_the_token_of_each_start_and_rotation_and_every_retry_in_the_window(world: World) -> None:
    first = world.login(world.user())
    slack = world.settings.retry_window_s + MAX_UNDER_WAY_S
    assert noted(world, first.session_id) == exp(first) + slack

    world.clock.now += 100
    second = world.refresh(first.token)

    assert noted(world, first.session_id) == exp(second) + slack


def test_it_never_moves_back_where_lifetimes_get_shorter(world: World) -> None:
    name = world.user()
    first = world.login(name)
    before = noted(world, first.session_id)
    world.sql("INSERT INTO user_config (user_id, access_ttl_s) VALUES (%s, 30)", world.user_id(name))

    assert exp(world.refresh(first.token)) < before
    assert noted(world, first.session_id) == before


def test_a_row_of_an_earlier_release_counts_for_the_longest_lifetime(world: World) -> None:
    first = world.login(world.user())
    world.sql("UPDATE auth_user_tokens SET access_expires_at = NULL")

    world.refresh(first.token)

    assert noted(world, first.session_id) == world.clock.now + MAX_ACCESS_TTL_S


def test_a_retry_that_comes_late_is_noted_before_it_is_answered_and_extends_nothing_else(
    world: World,
) -> None:
    first = world.login(world.user())
    world.refresh(first.token, retry_key="k")
    before = world.row(first.session_id)
    world.clock.now += 300

    world.login(world.user())  # reads the keys again

    late: list[TokenAnswer] = []
    spent = cost(world, lambda: late.append(world.refresh(first.token, retry_key="k")))

    after = world.row(first.session_id)
    assert noted(world, first.session_id) == exp(late[0])
    assert {**after, "access_expires_at": before["access_expires_at"]} == before
    assert spent == {**NOTHING, "Com_select": 1, "Com_update": 1}
    assert cost(world, lambda: world.refresh(first.token, retry_key="k")) == {**NOTHING, "Com_select": 1}


def test_a_retry_that_comes_late_beside_a_revocation_gets_no_access_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.login(world.user())
    second = world.refresh(first.token, retry_key="k")
    world.clock.now += 300
    store = world.issuing.store
    note = store.note_access_token

    def revoked_first(*arguments: object) -> bool:
        revoke_token(second.token, None, CALLER, world.sessions)
        return note(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "note_access_token", revoked_first)

    with pytest.raises(InvalidGrant):
        world.refresh(first.token, retry_key="k")


def test_it_covers_the_token_of_an_exchange_and_of_its_late_retry(world: World) -> None:
    token = world.login(world.user(), DeviceRequest(remember=True)).device_token or ""
    request = ExchangeRequest(token, retry_key="k")
    first = exchange_device_token(request, CALLER, world.issuing)
    assert noted(world, first.session_id) >= exp(first)

    world.clock.now += 300
    again = exchange_device_token(request, CALLER, world.issuing)

    assert noted(world, first.session_id) == exp(again)


def test_a_browser_session_has_none(world: World) -> None:
    first = world.login(world.user(), kind=TokenKind.SESSION)
    world.refresh(first.token, kind=TokenKind.SESSION)

    assert world.row(first.session_id)["access_expires_at"] is None
