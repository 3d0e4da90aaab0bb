"""The authorizer's log line says whose request it decided on: the API's request, and the credential's owner."""

import contextlib
from typing import Any

import pytest

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import InsufficientScope, InvalidAccessToken, Unavailable
from auth_tokens.domain.requirements import Requirements
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from tests.support.world import RecordedTelemetry

ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/jobs"
CLAIMS = AccessClaims("user-1", "sid-1", "jti-1", "c", "portal:read", "d", 0, "", (), (), 0, 2**39)
IDS = {"user_id": "user-1", "session_id": "sid-1", "jti": "jti-1"}
HEADERS = {"Authorization": "Bearer a.b.c"}
CONTEXT = {"requestContext": {"requestId": "the-apis"}}
TOKEN = {"type": "TOKEN", "authorizationToken": "Bearer a.b.c", "methodArn": ARN}
# Every shape that API Gateway sends → the request id that its line has.
SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "REST REQUEST": ({"type": "REQUEST", "methodArn": ARN, "headers": HEADERS, **CONTEXT}, "the-apis"),
    "HTTP 1.0": (
        {"version": "1.0", "type": "REQUEST", "methodArn": ARN, "headers": HEADERS, **CONTEXT},
        "the-apis",
    ),
    "HTTP 2.0": (
        {"version": "2.0", "type": "REQUEST", "routeArn": ARN, "headers": HEADERS, **CONTEXT},
        "the-apis",
    ),
    "WebSocket": (
        {
            "type": "REQUEST",
            "methodArn": ARN,
            "headers": HEADERS,
            "requestContext": {"requestId": "the-apis", "eventType": "CONNECT"},
        },
        "the-apis",
    ),
    "REST TOKEN, which has no request": (TOKEN, "the-lambdas"),
    "a context that is null": ({**TOKEN, "requestContext": None}, "the-lambdas"),
    "an id that is no text": ({**TOKEN, "requestContext": {"requestId": 7}}, "the-lambdas"),
}


def line_of(event: Any, validate: Any) -> dict[str, object]:
    telemetry = RecordedTelemetry()
    with contextlib.suppress(Unauthorized):
        authorize(
            event,
            validate,
            AuthorizerOptions(simple_response=True),
            telemetry,
            invocation_id="the-lambdas",
        )
    [(name, fields)] = [line for line in telemetry.lines if "error" not in line[1]]
    assert name == "authorize"
    return fields


def good(credential: Credential) -> Validated:
    return Validated(CLAIMS, Transport.BEARER)


def refusing(error: Exception) -> Any:
    def validate(credential: Credential) -> Validated:
        raise error

    return validate


@pytest.mark.parametrize(("event", "request_id"), SHAPES.values(), ids=SHAPES)
def test_an_allowed_request_has_its_id_and_its_owners(event: dict[str, Any], request_id: str) -> None:
    assert line_of(event, good) == {"request_id": request_id, "outcome": "ok", **IDS}


@pytest.mark.parametrize(("event", "request_id"), SHAPES.values(), ids=SHAPES)
def test_a_refused_request_has_its_id(event: dict[str, Any], request_id: str) -> None:
    line = line_of(event, refusing(InvalidAccessToken("signature")))

    assert line == {"request_id": request_id, "outcome": "invalid_token", "detail": "signature"}


@pytest.mark.parametrize("event", [None, 7, "x", [], {}], ids=repr)
def test_what_is_no_event_has_the_invocations_id(event: object) -> None:
    assert line_of(event, good)["request_id"] == "the-lambdas"


@pytest.mark.parametrize(
    "error", [InvalidAccessToken("revoked"), InsufficientScope("x"), Unavailable("away")], ids=repr
)
def test_a_good_credential_that_is_refused_has_its_owners_ids(error: Any) -> None:
    assert {**line_of(TOKEN, refusing(error.of(IDS))), **IDS} == line_of(TOKEN, refusing(error))


def test_a_fault_of_ours_has_the_requests_id() -> None:
    line = line_of(SHAPES["HTTP 2.0"][0], refusing(RuntimeError("x")))

    assert (line["request_id"], line["outcome"]) == ("the-apis", "server_error")


def test_a_browser_sessions_ids_have_no_jti() -> None:
    claims = AccessClaims("user-1", "sid-1", None, "c", "", "d", 0, "", (), (), 0, 2**39)

    assert claims.ids == {"user_id": "user-1", "session_id": "sid-1"}


def test_requirements_alone_name_nobody() -> None:
    with pytest.raises(InsufficientScope) as refused:
        Requirements("jobs:write").check(CLAIMS, 0)

    assert dict(refused.value.about) == {}
