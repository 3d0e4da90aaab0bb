"""A statement that waits for a lock may outlive the client that gave it up. What it does then must harm nobody."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Thread, Timer

import pytest

from auth_tokens.adapters.mysql.times import from_sql
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke_user import revoke_user
from local.servers.database.server import LOCK_WAIT_S
from tests.support import wiring
from tests.support.locks import (
    HOLD_ORDER,
    HOLD_TOKENS,
    OF_THE_ORDER,
    Waiting,
    calls_of,
    held,
    settled,
    waiting_statements,
)
from tests.support.world import CALLER, World

PATIENCE_S = 1
SETTLE_S = 10
LONG_S = 12  # past the retry window


def impatient(world: World) -> wiring.Container:
    return world.environment(timeout_s=PATIENCE_S)


@pytest.mark.parametrize("retry_key", [None, "key"])
@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_a_refresh_that_was_given_up_spends_nothing_later(
    world: World, kind: TokenKind, retry_key: str | None
) -> None:
    name = world.user()
    answer = world.login(name, kind=kind)
    request = RefreshRequest(answer.token, kind=kind, retry_key=retry_key)
    with held(world, HOLD_TOKENS, world.user_id(name)), pytest.raises(Unavailable):
        refresh(request, CALLER, wiring.issuing(impatient(world)))
    settled(world, SETTLE_S)

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
        exchange(world, wiring.issuing(impatient(world)), token)
    settled(world, SETTLE_S)

    world.clock.now += LONG_S

    assert world.row(answer.device_id)["generation"] == 0
    exchange(world, world.issuing, token)


def test_a_sign_in_that_was_given_up_leaves_no_session(world: World) -> None:
    user_id = world.user_id(world.user())
    issue(IssueRequest(user_id, ("sso",)), CALLER, world.issuing)
    before = world.sql("SELECT id FROM auth_user_tokens WHERE user_id = %s", user_id)

    with held(world, HOLD_ORDER, user_id), pytest.raises(Unavailable):
        issue(IssueRequest(user_id, ("sso",)), CALLER, wiring.issuing(impatient(world)))
    settled(world, SETTLE_S)

    assert world.sql("SELECT id FROM auth_user_tokens WHERE user_id = %s", user_id) == before


def test_an_end_that_was_given_up_can_be_repeated_and_counts_what_it_ends(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    issue(IssueRequest(user_id, ("sso",)), CALLER, world.issuing)
    with held(world, HOLD_TOKENS, user_id), pytest.raises(Unavailable):
        revoke_user(user_id, RevokeReason.ADMIN, "", wiring.sessions(impatient(world)))
    settled(world, SETTLE_S)

    assert revoke_user(user_id, RevokeReason.ADMIN, "", world.sessions) == 2
    assert world.events(name).count("user_revoked") == 1


def test_a_function_frozen_between_its_two_statements_opens_the_window_when_the_token_is_spent(
    world: World,
) -> None:
    answer = world.login(world.user())
    deps = wiring.issuing(world.environment())
    loads, frozen_s = deps.store.load, 2

    def load(token_id: bytes) -> TokenRecord | None:
        seen = loads(token_id)
        assert seen is not None and seen.read_at is not None
        return replace(seen, read_at=seen.read_at - frozen_s)

    deps.store.load = load  # type: ignore[method-assign]
    refresh(RefreshRequest(answer.token), CALLER, deps)

    row = world.row(answer.session_id)
    assert (row["rotated_at"] - row["last_used_at"]).total_seconds() >= frozen_s


def remembered_device(world: World) -> tuple[str, TokenAnswer]:
    name = world.user()
    user_id = world.user_id(name)
    remembered = SessionOptions(device=DeviceRequest(remember=True))
    return user_id, issue(IssueRequest(user_id, ("sso",), options=remembered), CALLER, world.issuing)


def remember_again(world: World, user_id: str, answer: TokenAnswer) -> TokenAnswer:
    options = SessionOptions(device=DeviceRequest(id=answer.device_id, remember=True))
    return issue(IssueRequest(user_id, ("sso",), options=options), CALLER, world.issuing)


def open_session(world: World, user_id: str, answer: TokenAnswer) -> TokenAnswer:
    return exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)


SPENDING = {"exchange": open_session, "remembered again": remember_again}


@pytest.mark.parametrize("spend", SPENDING.values(), ids=SPENDING.keys())
def test_a_device_token_is_spent_when_its_row_is_written_and_not_when_the_call_began(
    world: World, spend: Callable[..., TokenAnswer]
) -> None:
    user_id, answer = remembered_device(world)
    waited_s = 0.6

    with contextlib.ExitStack() as holding:
        holding.enter_context(held(world, HOLD_TOKENS, user_id))
        Timer(waited_s, holding.pop_all().close).start()
        spend(world, user_id, answer)

    row = world.row(answer.device_id)
    assert row["generation"] == 1
    assert (row["rotated_at"] - row["last_used_at"]).total_seconds() > waited_s / 2


@pytest.mark.parametrize("spend", SPENDING.values(), ids=SPENDING.keys())
def test_a_device_token_that_waited_behind_another_sign_in_is_spent_after_it(
    world: World, spend: Callable[..., TokenAnswer]
) -> None:
    user_id, answer = remembered_device(world)
    began_at = world.clock.now

    with contextlib.ExitStack() as holding:
        holding.enter_context(held(world, HOLD_ORDER, user_id))
        release = holding.pop_all().close

        def later() -> None:
            world.clock.now += LONG_S
            release()

        Timer(0.3, later).start()
        opened = spend(world, user_id, answer)

    row = world.row(answer.device_id)
    assert (from_sql(row["last_used_at"]), from_sql(row["rotated_at"])) == (began_at, began_at + LONG_S)
    if spend is open_session:  # whose answer is lost: the window is open still, and the session is found
        assert open_session(world, user_id, answer).session_id == opened.session_id


# --- all of them at once, behind locks that are held for longer than anybody waits


@pytest.mark.parametrize("hold", [HOLD_TOKENS, HOLD_ORDER], ids=["tokens", "order"])
@pytest.mark.parametrize("outlast", [False, True], ids=["statements go on", "statements end"])
def test_what_waited_in_vain_has_done_nothing_and_can_be_repeated(
    world: World, hold: str, *, outlast: bool
) -> None:
    """outlast: the rows are held until the server has given up as well; else the statements that the clients have
    given up get their rows."""
    name = world.user(max_sessions=50)
    user_id = world.user_id(name)
    calls = [call for call in calls_of(world, user_id) if hold == HOLD_TOKENS or call.name in OF_THE_ORDER]
    before, told = world.rows_of(name), world.events(name)
    outcomes: dict[str, type] = {}

    def wait_for(call: Waiting) -> None:
        try:
            outcomes[call.name] = type(call.call(impatient(world)))
        except Exception as exc:
            outcomes[call.name] = type(exc)

    with held(world, hold, user_id):
        threads = [Thread(target=wait_for, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if outlast:
            settled(world, SETTLE_S)
    settled(world, SETTLE_S)

    assert outcomes == {call.name: Unavailable for call in calls}
    assert (world.rows_of(name), world.events(name)) == (before, told)
    world.clock.now += LONG_S
    for call in calls:
        call.call(world.environment())
    assert "token_reuse_detected" not in world.events(name)


def test_the_server_gives_up_before_the_function_does(world: World) -> None:
    """With production's patience, nothing waits in the server any more when the client is told."""
    name = world.user()
    answer = world.login(name)
    began_at = time.monotonic()

    with held(world, HOLD_TOKENS, world.user_id(name)):
        with pytest.raises(Unavailable, match="1205"):
            refresh(RefreshRequest(answer.token), CALLER, wiring.issuing(world.environment()))
        assert time.monotonic() - began_at >= 3 * LOCK_WAIT_S
        assert waiting_statements(world) == []

    assert world.refresh(answer.token).session_id == answer.session_id


def test_a_new_look_at_the_row_gives_a_slow_client_its_patience_again(world: World) -> None:
    """An environment that was frozen between its two statements, as Lambda may do."""
    answer = world.login(world.user())
    deps = wiring.issuing(world.environment())
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
    deps = wiring.issuing(world.environment())
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
