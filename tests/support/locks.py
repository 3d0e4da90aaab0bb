"""Rows that somebody else holds, and the calls that wait for them."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.end_session import forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.session_deps import SessionDeps
from tests.support import wiring
from tests.support.world import CALLER, World

HOLD_TOKENS = "SELECT id FROM auth_user_tokens WHERE user_id = %s FOR UPDATE"
HOLD_ORDER = "SELECT user_id FROM auth_token_users WHERE user_id = %s FOR UPDATE"
# Calls that wait for the second of them.
OF_THE_ORDER = {"exchange", "exchange with a key", "sign-in", "forget", "revoke all"}


@contextlib.contextmanager
def held(world: World, sql: str, parameter: object) -> Iterator[None]:
    """Somebody holds rows: a report, a cleanup by hand, a transaction that was forgotten."""
    connection = world.connect(autocommit=False)
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(sql, (parameter,))
        yield
        connection.rollback()


@dataclass
class Waiting:
    """A call that waits, and the same again when nothing is in its way."""

    name: str
    call: Callable[[wiring.Container], object]


def calls_of(world: World, user_id: str) -> list[Waiting]:
    """Each on a session or device of its own."""

    def opened(kind: TokenKind = TokenKind.REFRESH, *, remember: bool = False) -> TokenAnswer:
        options = SessionOptions(kind=kind, device=DeviceRequest(remember=remember))
        return issue(IssueRequest(user_id, ("sso",), options=options), CALLER, world.issuing)

    def refreshing(name: str, kind: TokenKind, key: str | None) -> Waiting:
        request = RefreshRequest(opened(kind).token, kind=kind, retry_key=key)
        return Waiting(name, lambda parts: refresh(request, CALLER, wiring.issuing(parts)))

    def exchanging(name: str, key: str | None) -> Waiting:
        request = ExchangeRequest(opened(remember=True).device_token or "", retry_key=key)
        return Waiting(name, lambda parts: exchange_device_token(request, CALLER, wiring.issuing(parts)))

    def ending(name: str, call: Callable[[SessionDeps], object]) -> Waiting:
        return Waiting(name, lambda parts: call(wiring.sessions(parts)))

    signed_out, forgotten = opened(), opened(remember=True)
    sign_in = IssueRequest(user_id, ("sso",))
    return [
        refreshing("refresh", TokenKind.REFRESH, None),
        refreshing("refresh with a key", TokenKind.REFRESH, "a"),
        refreshing("cookie", TokenKind.SESSION, None),
        refreshing("cookie with a key", TokenKind.SESSION, "b"),
        exchanging("exchange", None),
        exchanging("exchange with a key", "c"),
        Waiting("sign-in", lambda parts: issue(sign_in, CALLER, wiring.issuing(parts))),
        ending("sign-out", lambda deps: revoke_token(signed_out.token, None, CALLER, deps)),
        ending("forget", lambda deps: forget_device(forgotten.device_id, user_id, CALLER, deps)),
        ending("revoke all", lambda deps: revoke_user(user_id, RevokeReason.ADMIN, "", deps)),
    ]


def waiting_statements(world: World) -> list[dict[str, Any]]:
    return world.sql(
        "SELECT ID, TIME, STATE, INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE '%%auth_%%token%%'"
        " AND ID <> CONNECTION_ID() AND DB = %s",
        world.settings.db_name,
    )


def settled(world: World, at_most_s: float) -> None:
    """Waits until no statement is waiting any more: those abandoned have come to their end. Fails, and shows them,
    where one still waits after at_most_s."""
    deadline = time.monotonic() + at_most_s
    while waiting := waiting_statements(world):
        if time.monotonic() > deadline:
            pytest.fail(f"still waiting after {at_most_s} s: {waiting}")
        time.sleep(0.02)
