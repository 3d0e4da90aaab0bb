"""A statement that waits for a lock may outlive the client that gave it up. What it does then must harm nobody."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Timer

import pymysql
import pytest

from auth_tokens import bootstrap
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.begin import DeviceRequest, SessionOptions
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke_user import revoke_user
from tests.support.world import CALLER, World

PATIENCE_S = 1
LONG_S = 12  # past the retry window


@contextlib.contextmanager
def held(world: World, sql: str, parameter: object) -> Iterator[None]:
    """Somebody holds rows: a report, a cleanup by hand, a transaction that was forgotten."""
    config = bootstrap.database_config(world.settings)
    connection = pymysql.connect(
        host=config.host,
        port=config.port,
        user=config.user,
        password=config.password or "",
        database=config.name,
        ssl_disabled=True,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(sql, (parameter,))
        yield
        connection.rollback()


def impatient(world: World) -> bootstrap.Parts:
    return bootstrap.Parts(
        world.telemetry,
        world.settings,
        may_create_keys=True,
        timeout_s=PATIENCE_S,
        clock=world.clock,
        clock_ms=world.clock.milliseconds,
    )


def settled(world: World) -> None:
    """Waits until no statement is waiting any more: those abandoned have come to their end."""
    for _ in range(100):
        waiting = world.sql(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%%auth_user_tokens%%'"
            " AND ID <> CONNECTION_ID() AND DB = %s",
            world.settings.db_name,
        )
        if not waiting:
            return
        time.sleep(0.05)
    raise AssertionError("a statement is still waiting")


HOLD_TOKENS = "SELECT id FROM auth_user_tokens WHERE user_id = %s FOR UPDATE"
HOLD_ORDER = "SELECT user_id FROM auth_token_users WHERE user_id = %s FOR UPDATE"


@pytest.mark.parametrize("retry_key", [None, "key"])
@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_a_refresh_that_was_given_up_spends_nothing_later(
    world: World, kind: TokenKind, retry_key: str | None
) -> None:
    name = world.user()
    answer = world.login(name, kind=kind)
    request = RefreshRequest(answer.token, kind=kind, retry_key=retry_key)
    with held(world, HOLD_TOKENS, world.user_id(name)), pytest.raises(Unavailable):
        refresh(request, CALLER, bootstrap.issuing(impatient(world)))
    settled(world)

    world.clock.now += LONG_S

    assert world.row(answer.session_id)["generation"] == 0
    assert refresh(request, CALLER, world.issuing).session_id == answer.session_id
    assert "token_reuse_detected" not in world.events(name)


def test_the_retry_window_opens_when_the_token_is_spent_and_not_when_the_statement_came(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    waited_s = 0.6

    with contextlib.ExitStack() as holding:
        holding.enter_context(held(world, HOLD_TOKENS, world.user_id(name)))
        Timer(waited_s, holding.pop_all().close).start()
        world.refresh(answer.token)

    row = world.row(answer.session_id)
    assert row["generation"] == 1
    assert (row["rotated_at"] - row["last_used_at"]).total_seconds() > waited_s / 2


def exchange(world: World, deps: IssueDeps, token: str) -> None:
    exchange_device_token(ExchangeRequest(token), CALLER, deps)


def test_an_exchange_that_was_given_up_leaves_the_device_token_as_it_was(world: World) -> None:
    user_id = world.user_id(world.user())
    remembered = SessionOptions(device=DeviceRequest(remember=True))
    answer = issue(IssueRequest(user_id, ("sso",), options=remembered), CALLER, world.issuing)
    token = answer.device_token or ""
    with held(world, HOLD_TOKENS, user_id), pytest.raises(Unavailable):
        exchange(world, bootstrap.issuing(impatient(world)), token)
    settled(world)

    world.clock.now += LONG_S

    assert world.row(answer.device_id)["generation"] == 0
    exchange(world, world.issuing, token)


def test_a_sign_in_that_was_given_up_leaves_no_session(world: World) -> None:
    user_id = world.user_id(world.user())
    issue(IssueRequest(user_id, ("sso",)), CALLER, world.issuing)
    before = world.sql("SELECT id FROM auth_user_tokens WHERE user_id = %s", user_id)

    with held(world, HOLD_ORDER, user_id), pytest.raises(Unavailable):
        issue(IssueRequest(user_id, ("sso",)), CALLER, bootstrap.issuing(impatient(world)))
    settled(world)

    assert world.sql("SELECT id FROM auth_user_tokens WHERE user_id = %s", user_id) == before


def test_an_end_that_was_given_up_can_be_repeated_and_counts_what_it_ends(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    issue(IssueRequest(user_id, ("sso",)), CALLER, world.issuing)
    with held(world, HOLD_TOKENS, user_id), pytest.raises(Unavailable):
        revoke_user(user_id, RevokeReason.ADMIN, "", bootstrap.sessions(impatient(world)))
    settled(world)

    assert revoke_user(user_id, RevokeReason.ADMIN, "", world.sessions) == 2
    assert world.events(name).count("user_revoked") == 1


def test_a_new_look_at_the_row_gives_a_slow_client_its_patience_again(world: World) -> None:
    """An environment that was frozen between its two statements, as Lambda may do."""
    answer = world.login(world.user())
    deps = bootstrap.issuing(world.environment())
    stale = deps.store.load(world.shared.codec.parse(answer.token, TokenKind.REFRESH).id)
    assert stale is not None and stale.read_at is not None
    first = [replace(stale, read_at=stale.read_at - LONG_S)]
    loads = deps.store.load
    began_at = world.clock.now

    def load(token_id: bytes) -> TokenRecord | None:
        if first:
            return first.pop()
        world.clock.now = began_at + LONG_S
        return loads(token_id)

    deps.store.load = load  # type: ignore[method-assign]

    assert refresh(RefreshRequest(answer.token), CALLER, deps).session_id == answer.session_id
    # The retry window opens now, and not when this call began: whoever lost its answer may ask again.
    assert world.refresh(answer.token).session_id == answer.session_id


def test_an_exchange_that_looked_again_opens_the_retry_window_then(world: World) -> None:
    user_id = world.user_id(world.user())
    remembered = SessionOptions(device=DeviceRequest(remember=True))
    answer = issue(IssueRequest(user_id, ("sso",), options=remembered), CALLER, world.issuing)
    token = answer.device_token or ""
    deps = bootstrap.issuing(world.environment())
    loads = deps.store.load_device
    seen = loads(world.shared.codec.parse(token, TokenKind.DEVICE).id)
    assert seen is not None
    renamed_since = [(replace(seen[0], metadata=b"as it was"), seen[1])]

    def load_device(device_id: bytes) -> tuple[TokenRecord, int] | None:
        if renamed_since:
            return renamed_since.pop()
        world.clock.now += LONG_S
        return loads(device_id)

    deps.store.load_device = load_device  # type: ignore[method-assign]
    first = exchange_device_token(ExchangeRequest(token), CALLER, deps)

    again = exchange_device_token(ExchangeRequest(token), CALLER, world.issuing)

    assert again.session_id == first.session_id
