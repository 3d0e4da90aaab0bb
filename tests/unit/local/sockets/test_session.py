"""WebSocket APIs: who may open a socket, where messages go, what comes back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.gateway.gateway import Gateway
from local.http.messages import GatewayRequest, GatewayResponse
from local.runners import FunctionError
from local.sockets.session import Session
from local.sockets.websocket import Upgrade
from local.templates.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    IdentitySource,
    MountedApi,
    Route,
    SourceKind,
)

ARN = "arn:aws:execute-api:eu-west-1:123456789012:jobs/live/$connect"
TOKENS = Authorizer("Tokens", "Authorizer", AuthorizerType.REQUEST, (), 0)
CONNECT = Route("", "$connect", "Connect", TOKENS, payload_version="1.0", timeout_s=29.0)
LIST = Route("", "list", "List", payload_version="1.0", timeout_s=5.0, has_response=True)
QUIET = replace(LIST, path="quiet", has_response=False)
DEFAULT = replace(LIST, path="$default", function="Default")
DISCONNECT = Route("", "$disconnect", "End", payload_version="1.0")
JOBS = Api(ApiKind.WEBSOCKET, "jobs", "live", (CONNECT, LIST, QUIET, DEFAULT), selection=("action",))
NOW = 1_795_521_600.25


class FakeRunner:
    """Functions by name; every call is remembered."""

    def __init__(self, **functions: Callable[[Any], Any]) -> None:
        self.functions = {"Connect": ok, "Authorizer": authorizer, **functions}
        self.calls: list[tuple[str, Any, float | None]] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.calls.append((function, event, timeout_s))
        return self.functions[function](event)

    @property
    def called(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


def ok(event: Any) -> Any:
    return {"statusCode": 200}


def said(text: str) -> Callable[[Any], Any]:
    return lambda event: {"statusCode": 200, "body": text}


def raising(error: Exception) -> Callable[[Any], Any]:
    def function(event: Any) -> Any:
        raise error

    return function


def authorizer(event: Any) -> Any:
    if event["headers"].get("Authorization") != "Bearer good":
        raise FunctionError("Exception", "Unauthorized", {})
    return allow()


def allow(effect: str = "Allow") -> Any:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": ARN}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "alice", "policyDocument": policy, "context": {"sub": "alice", "level": 3}}


def handshake(token: str | None = "Bearer good", **changes: Any) -> GatewayRequest:
    headers = (
        ("Host", "localhost"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        *((("Authorization", token),) if token else ()),
    )
    return replace(GatewayRequest("GET", "/socket", headers=headers), **changes)


def opened(api: Api = JOBS, **functions: Callable[[Any], Any]) -> tuple[Session, FakeRunner]:
    runner = FakeRunner(**functions)
    upgrade = answer_of(handshake(), runner, api)
    assert isinstance(upgrade, Upgrade)
    return upgrade.session, runner


def answer_of(request: GatewayRequest, runner: FakeRunner, api: Api = JOBS) -> GatewayResponse | Upgrade:
    return Gateway([MountedApi(api, "/socket")], runner, clock=lambda: NOW).handle(request)


def refused(request: GatewayRequest, runner: FakeRunner, api: Api = JOBS) -> tuple[int, Any]:
    answer = answer_of(request, runner, api)
    assert isinstance(answer, GatewayResponse)
    return answer.status, json.loads(answer.body or b"null")


# The door


@pytest.mark.parametrize("path", ["/socket", "/socket/"])
def test_a_good_credential_opens_a_socket_and_its_function_hears_of_it(path: str) -> None:
    runner = FakeRunner()

    assert isinstance(answer_of(handshake(path=path), runner), Upgrade)

    [_, (_, connect, timeout_s)] = runner.calls
    assert runner.called == ["Authorizer", "Connect"]
    context = connect["requestContext"]
    assert (context["eventType"], context["routeKey"]) == ("CONNECT", "$connect")
    assert context["authorizer"] == {"principalId": "alice", "sub": "alice", "level": "3"}
    assert context["requestTimeEpoch"] == context["connectedAt"] == 1_795_521_600_250
    assert timeout_s == 29.0


def test_authorizer_and_function_see_the_same_connection() -> None:
    runner = FakeRunner()
    answer_of(handshake(query="a=1"), runner)

    asked, connected = (event["requestContext"] for _, event, _ in runner.calls)

    assert asked["connectionId"] == connected["connectionId"]
    assert asked["requestId"] == asked["extendedRequestId"] == connected["requestId"]
    assert runner.calls[0][1]["methodArn"] == ARN
    assert runner.calls[0][1]["queryStringParameters"] == {"a": "1"}


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (raising(FunctionError("Exception", "Unauthorized", {})), 401, "Unauthorized"),
        (
            lambda event: allow("Deny"),
            403,
            "User is not authorized to access this resource with an explicit deny in an identity-based policy",
        ),
        (raising(FunctionError("Exception", "boom", {})), 500, None),
        (raising(TimeoutError()), 500, None),
        (lambda event: {"isAuthorized": True}, 500, None),
        (lambda event: None, 500, None),
    ],
    ids=["unauthorized", "deny", "fault", "time-out", "another shape", "nothing"],
)
def test_whom_the_authorizer_does_not_let_in_gets_no_socket(
    answer: Callable[[Any], Any], status: int, message: str | None
) -> None:
    runner = FakeRunner(Authorizer=answer)

    code, body = refused(handshake(), runner)

    assert (code, body["message"]) == (status, message)
    assert body.keys() == {"message", "connectionId", "requestId"}
    assert runner.called == ["Authorizer"]


def test_without_its_identity_source_nobody_is_asked() -> None:
    source = IdentitySource(SourceKind.QUERY, "access_token")
    guarded = replace(CONNECT, authorizer=replace(TOKENS, identity_sources=(source,)))
    api = replace(JOBS, routes=(guarded, LIST))
    runner = FakeRunner()

    assert refused(handshake(query="token=t"), runner, api)[0] == 401
    assert runner.calls == []
    assert isinstance(answer_of(handshake(query="access_token=t"), runner, api), Upgrade)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda event: {"statusCode": 403}, 403),
        (lambda event: {"statusCode": 404, "body": "{}"}, 404),
        (lambda event: {"statusCode": 302}, 302),
        (lambda event: None, 502),
        (raising(FunctionError("KeyError", "secret detail", {})), 502),
        (raising(TimeoutError()), 504),
    ],
)
def test_the_function_of_connect_may_refuse_or_fail(answer: Callable[[Any], Any], status: int) -> None:
    response = answer_of(handshake(), FakeRunner(Connect=answer))

    assert isinstance(response, GatewayResponse)
    assert response.status == status
    assert b"secret detail" not in response.body


def test_without_a_connect_route_anybody_may_open_a_socket() -> None:
    runner = FakeRunner(List=ok)
    upgrade = answer_of(handshake(None), runner, replace(JOBS, routes=(LIST,)))

    assert isinstance(upgrade, Upgrade)
    assert runner.calls == []
    upgrade.session.message('{"action": "list"}')
    assert "authorizer" not in runner.calls[0][1]["requestContext"]


def without(*names: str) -> GatewayRequest:
    request = handshake()
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] not in names))


def with_more(*headers: tuple[str, str]) -> GatewayRequest:
    request = handshake()
    return replace(request, headers=(*request.headers, *headers))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (without("Upgrade"), 426),
        (without("Connection"), 426),
        (without("Sec-WebSocket-Key"), 400),
        (without("Sec-WebSocket-Version"), 400),
        (with_more(("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")), 400),
        (with_more(("Origin", "https://good.example"), ("Origin", "https://evil.example")), 400),
        (replace(handshake(), method="POST"), 405),
        (replace(handshake(), protocol="HTTP/1.0"), 505),
        (replace(handshake(), path="/socket/other"), 403),
        (replace(handshake(), path="/socket//"), 403),
    ],
)
def test_what_is_no_handshake_reaches_no_function(request_: GatewayRequest, status: int) -> None:
    runner = FakeRunner()

    answer = answer_of(request_, runner)

    assert isinstance(answer, GatewayResponse)
    assert answer.status == status
    assert runner.calls == []


# Messages


def test_a_message_goes_to_the_route_that_it_selects_and_the_answer_comes_back() -> None:
    session, runner = opened(List=said("jobs"))

    assert session.message('{"action": "list"}') == "jobs"

    name, event, timeout_s = runner.calls[-1]
    assert (name, timeout_s) == ("List", 5.0)
    assert (event["body"], event["isBase64Encoded"]) == ('{"action": "list"}', False)
    context = event["requestContext"]
    assert (context["eventType"], context["routeKey"]) == ("MESSAGE", "list")
    assert context["authorizer"]["sub"] == "alice"
    assert context["connectionId"] == runner.calls[0][1]["requestContext"]["connectionId"]


@pytest.mark.parametrize(
    "text",
    [
        '{"action": "unknown"}',
        '{"action": ["list"]}',
        '{"other": "list"}',
        '"list"',
        "list",
        "",
        '{"action": "$connect"}',
        '{"action": "$disconnect"}',
        '{"action": "$default"}',
    ],
)
def test_any_other_message_goes_to_the_default_route(text: str) -> None:
    session, runner = opened(replace(JOBS, routes=(*JOBS.routes, DISCONNECT)), Default=said("default"))

    assert session.message(text) == "default"
    assert runner.called == ["Authorizer", "Connect", "Default"]


def test_a_message_without_a_route_is_forbidden() -> None:
    session, runner = opened(replace(JOBS, routes=(CONNECT, LIST)))

    document = json.loads(session.message("anything") or "")

    assert document["message"] == "Forbidden"
    assert document.keys() == {"message", "connectionId", "requestId"}
    assert document["connectionId"] == runner.calls[0][1]["requestContext"]["connectionId"]
    assert runner.called == ["Authorizer", "Connect"]


def test_a_route_without_a_response_stays_silent() -> None:
    session, runner = opened(List=said("jobs"))

    assert session.message('{"action": "quiet"}') is None
    assert runner.called[-1] == "List"


def test_an_answer_without_a_body_sends_nothing() -> None:
    session, _ = opened(List=ok)

    assert session.message('{"action": "list"}') is None


def test_the_status_of_an_answer_does_not_matter_once_the_socket_is_open() -> None:
    session, _ = opened(List=lambda event: {"statusCode": 500, "body": "jobs"})

    assert session.message('{"action": "list"}') == "jobs"


@pytest.mark.parametrize(
    "answer",
    [
        raising(FunctionError("KeyError", "secret detail", {})),
        raising(TimeoutError()),
        lambda event: None,
        lambda event: {"body": "no status"},
    ],
    ids=["fault", "time-out", "nothing", "another shape"],
)
@pytest.mark.parametrize("action", ["list", "quiet"])
def test_a_failing_function_is_told_to_the_client_without_details(
    action: str, answer: Callable[[Any], Any]
) -> None:
    session, _ = opened(List=answer)

    text = session.message(json.dumps({"action": action})) or ""

    assert json.loads(text)["message"] == "Internal server error"
    assert "secret detail" not in text


def test_an_answer_that_is_no_text_is_a_failure() -> None:
    session, _ = opened(List=lambda event: {"statusCode": 200, "body": "/w==", "isBase64Encoded": True})

    text = session.message('{"action": "list"}') or ""

    assert json.loads(text)["message"] == "Internal server error"


# The end


def test_the_function_of_disconnect_hears_how_the_socket_closed() -> None:
    session, runner = opened(replace(JOBS, routes=(*JOBS.routes, DISCONNECT)), End=ok)

    session.disconnect(1001, "Going away")

    name, event, _ = runner.calls[-1]
    context = event["requestContext"]
    assert name == "End"
    assert (context["eventType"], context["routeKey"]) == ("DISCONNECT", "$disconnect")
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "Going away")
    assert context["authorizer"]["sub"] == "alice"


def test_without_a_disconnect_route_nobody_hears_of_the_end() -> None:
    session, runner = opened()

    session.disconnect(1000, "")

    assert runner.called == ["Authorizer", "Connect"]


def test_a_failing_disconnect_is_nobodys_concern() -> None:
    api = replace(JOBS, routes=(*JOBS.routes, DISCONNECT))
    session, runner = opened(api, End=raising(FunctionError("KeyError", "x", {})))

    session.disconnect(1000, "")

    assert runner.called[-1] == "End"
