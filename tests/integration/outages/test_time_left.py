"""A dependency that never answers costs a request its time, and not the function its life: 503 before the timeout."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from auth_tokens.adapters.kms.client import CALL_S, KmsClient, kms_client
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import Unavailable
from auth_tokens.time_left import MIN_WAIT_S, RESERVE_S, seconds_left, timed
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from auth_tokens.web.handler import http_handler
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from tests.support import wiring
from tests.support.world import CALLER, RecordedTelemetry, World

# What an invocation has beyond the reserve, and far more than what may come on top of it: without the bound each of
# these would take from 6 to 18 seconds.
GIVEN_S, AT_MOST_S = 0.8, 4.0


@dataclass
class Context:
    """Of an invocation that has this long."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Silent:
    """A server that takes every connection and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()
        for connection in self._taken:
            connection.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def within(seconds: float, action: Callable[[], object]) -> object:
    """What an action comes to in an invocation that has this long beyond the reserve."""
    return timed(lambda event, context: action())({}, Context(RESERVE_S + seconds))


def in_time(action: Callable[[], object]) -> None:
    """The action is refused as Unavailable while the function still lives."""
    began = time.monotonic()

    with pytest.raises(Unavailable):
        within(GIVEN_S, action)

    assert time.monotonic() - began < AT_MOST_S


def with_silent_database(world: World, silent: Silent) -> wiring.Container:
    """An environment that was warm (it holds its keys) when its database fell silent."""
    parts = world.environment()
    issue(IssueRequest(world.user_id(world.user()), ("sso",)), CALLER, wiring.issuing(parts))
    parts.database.close()
    parts.database._config = replace(parts.database._config, port=silent.port)
    return parts


def test_a_login_is_answered_in_time_when_the_database_is_silent(world: World, silent: Silent) -> None:
    deps = wiring.issuing(with_silent_database(world, silent))

    in_time(lambda: login(LoginRequest("anybody@example.com", "secret"), CALLER, deps))


def test_a_trusted_issue_is_answered_in_time_when_the_database_is_silent(
    world: World, silent: Silent
) -> None:
    user_id = world.user_id(world.user())
    deps = wiring.issuing(with_silent_database(world, silent))

    in_time(lambda: issue(IssueRequest(user_id, ("sso",)), CALLER, deps))


def test_a_refresh_is_answered_in_time_when_the_database_is_silent(world: World, silent: Silent) -> None:
    token = world.login(world.user()).token
    deps = wiring.issuing(with_silent_database(world, silent))

    in_time(lambda: refresh(RefreshRequest(token), CALLER, deps))

    assert world.refresh(token)


def test_the_authorizer_is_done_in_time_when_the_database_is_silent(world: World, silent: Silent) -> None:
    token = world.login(world.user()).access_token or ""
    parts = world.environment()
    parts.database._config = replace(parts.database._config, port=silent.port)

    in_time(lambda: validate(Credential(Transport.BEARER, token), wiring.authorizing(parts)))


def test_a_call_of_kms_is_given_up_in_time(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.port}")
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    began = time.monotonic()

    with pytest.raises(Unavailable):
        within(CALL_S + 0.1, lambda: KmsClient(kms_client).call("decrypt", CiphertextBlob=b"x"))

    assert time.monotonic() - began < AT_MOST_S + 2


def test_nothing_is_begun_that_cannot_end_in_time() -> None:
    called: list[str] = []

    class Client:
        def decrypt(self, **_: object) -> dict[str, bytes]:
            called.append("decrypt")
            return {}

    with pytest.raises(Unavailable, match="no time left for a client of kms"):
        within(0.5, lambda: KmsClient(Client).call("decrypt"))  # to make the client alone takes longer

    assert called == []


def test_the_caller_is_told_to_come_again() -> None:
    def waits(request: Request) -> Response:
        if seconds_left(3.0) == 0:
            raise Unavailable("no time left")
        return Response()

    handler = http_handler({"GET /x": waits}, RecordedTelemetry(), ())
    event = {"requestContext": {"http": {"method": "GET"}}, "routeKey": "GET /x", "rawPath": "/x"}

    answer = handler(event, Context(RESERVE_S))

    assert (answer["statusCode"], "Retry-After" in answer["headers"]) == (503, True)
    assert handler(event, Context(10.0))["statusCode"] == 200


@pytest.mark.parametrize(
    ("left_s", "expected"), [(10.0, 3.0), (MIN_WAIT_S / 2, 0), (0.0, 0), (-RESERVE_S, 0)]
)
def test_a_wait_is_as_long_as_what_is_left_and_no_longer_than_asked_for(
    left_s: float, expected: float
) -> None:
    assert within(left_s, lambda: seconds_left(3.0)) == expected


def test_a_wait_is_not_held_to_the_end_of_an_earlier_invocation() -> None:
    """A schedule's, say, in an environment that has answered requests."""
    within(0.0, lambda: None)

    assert seconds_left(3.0) == 3.0


def test_an_invocation_that_fails_leaves_no_end_behind() -> None:
    def fails() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        within(0.0, fails)

    assert seconds_left(3.0) == 3.0


def test_without_lambdas_context_a_wait_is_as_long_as_asked_for() -> None:
    assert timed(lambda event, context: seconds_left(3.0))({}, None) == 3.0
