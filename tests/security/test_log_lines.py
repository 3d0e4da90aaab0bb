"""Whatever goes wrong on the way, no line and no answer holds what the caller brought (invariant 5)."""

import base64
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant, Unavailable
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.observability import StandardTelemetry, Telemetry
from auth_tokens.observability_powertools import PowertoolsTelemetry
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import http_handler
from auth_tokens.web.issue_bodies import login_request
from auth_tokens.web.request_body import idempotency_key, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from tests.security.kit import ARN, Kit, forged, good_header
from tests.support.fakes import ROW_ID, codec

PASSWORD = "hunter2-correct-horse"
RETRY_KEY = "retry-key-0123456789"
CSRF = "csrf-0123456789"
REFRESH = codec().encode(OpaqueToken(TokenKind.REFRESH, 1, ROW_ID, 0, bytes(range(32))))
SESSION = codec().encode(OpaqueToken(TokenKind.SESSION, 1, ROW_ID, 0, bytes(range(32))))
ACCESS = forged()
UNKNOWN_KEY = forged(good_header(kid="secret-looking-kid"))
SECRETS = [
    PASSWORD,
    RETRY_KEY,
    CSRF,
    REFRESH,
    REFRESH[7:],
    REFRESH[-30:],
    SESSION,
    SESSION[-30:],
    *ACCESS.split("."),
    *UNKNOWN_KEY.split("."),
    "secret-looking-kid",
]


class Log:
    """A telemetry and all that it wrote."""

    def __init__(self, telemetry: Telemetry, written: Callable[[], str]) -> None:
        self.telemetry = telemetry
        self.written = written


@pytest.fixture(params=["standard", "powertools"])
def log(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Log:
    stream = io.StringIO()
    if request.param == "standard":
        return Log(StandardTelemetry("test", stream), stream.getvalue)
    # Powertools keeps a logger, and its stream, by the service's name: a name of each test's own.
    telemetry = PowertoolsTelemetry(uuid.uuid4().hex, stream)
    return Log(telemetry, lambda: stream.getvalue() + capsys.readouterr().out)


def assert_no_secret(text: str) -> None:
    assert text
    for secret in SECRETS:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text
        assert secret.encode().hex() not in text


def assert_lines_are_json(text: str) -> None:
    for line in text.splitlines():
        assert isinstance(json.loads(line), dict)


def raising(error: Exception) -> Callable[[Request], Response]:
    def route(request: Request) -> Response:
        local_secret = PASSWORD  # a traceback with local variables would show it
        assert local_secret
        raise error

    return route


def login(request: Request) -> Response:
    return Response(body=str(login_request(parse_body(request), SessionOptions())))


def keyed(request: Request) -> Response:
    return Response(body=idempotency_key(request))


def caused() -> Exception:
    try:
        raise ValueError(f"could not parse {REFRESH}")
    except ValueError as exc:
        error = RuntimeError(f"and {PASSWORD}")
        error.__cause__ = exc
        return error


JSON = {"content-type": "application/json"}
BODIES: dict[str, dict[str, Any]] = {
    "a good login": {"body": json.dumps({"username": "alice", "password": PASSWORD})},
    "broken JSON": {"body": f'{{"password": "{PASSWORD}"'},
    "a text": {"body": json.dumps(PASSWORD)},
    "a list": {"body": json.dumps([PASSWORD])},
    "a repeated member": {"body": f'{{"password": "{PASSWORD}", "password": "{PASSWORD}"}}'},
    "a secret as a member's name": {"body": f'{{"{PASSWORD}": 1, "{PASSWORD}": 2}}'},
    "a token as a member's name": {"body": f'{{"{REFRESH}": 1, "{REFRESH}": 2}}'},
    "a mistyped member": {"body": json.dumps({"username": [PASSWORD], "password": PASSWORD})},
    "a mode that is a secret": {
        "body": json.dumps({"username": "a", "password": PASSWORD, "mode": PASSWORD})
    },
    "no username": {"body": json.dumps({"password": PASSWORD})},
    "too long": {"body": json.dumps({"username": "a", "password": PASSWORD * 100})},
    "too large": {"body": json.dumps({"password": PASSWORD * 2000})},
    "a NUL": {"body": json.dumps({"username": "a", "password": PASSWORD + "\0"})},
    "a lone surrogate": {"body": f'{{"username": "a", "password": "{PASSWORD}\\ud800"}}'},
    "another content type": {"body": PASSWORD, "headers": {"content-type": f"text/{PASSWORD}"}},
    "bad base64": {"body": PASSWORD + "!", "isBase64Encoded": True},
    "bad UTF-8": {
        "body": base64.b64encode(b"\xff" + PASSWORD.encode()).decode(),
        "isBase64Encoded": True,
    },
    "a credential in the query": {
        "body": "{}",
        "rawQueryString": f"password={PASSWORD}&access_token={ACCESS}",
    },
}


@pytest.mark.parametrize("event", BODIES.values(), ids=BODIES)
def test_no_line_of_the_handler_holds_what_a_body_brought(log: Log, event: dict[str, Any]) -> None:
    handler = http_handler({"POST /auth/login": login}, log.telemetry, ())

    handler(
        {
            "routeKey": "POST /auth/login",
            "headers": JSON,
            "requestContext": {"http": {"method": "POST"}},
            **event,
        },
        None,
    )

    written = log.written()
    assert_no_secret(written)
    assert_lines_are_json(written)


ROUTES: dict[str, Callable[[Request], Response]] = {
    "an unexpected error that quotes": raising(RuntimeError(f"bad token {REFRESH} of {PASSWORD}")),
    "an unexpected error with a cause": raising(caused()),
    "a key error": raising(KeyError(REFRESH)),
    "a decoding error": raising(UnicodeDecodeError("utf-8", PASSWORD.encode(), 0, 1, PASSWORD)),
    "an invalid grant": raising(InvalidGrant("revoked")),
    "unavailable": raising(Unavailable("database error 2013")),
    "a bad access token": raising(InvalidAccessToken("signature")),
    "an answer that is no JSON": lambda request: Response(body={"at": object(), "token": REFRESH}),
    "an idempotency key that is none": keyed,
}


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_no_line_and_no_answer_of_the_handler_holds_a_secret(
    log: Log, route: Callable[[Request], Response]
) -> None:
    handler = http_handler({"GET /x": route}, log.telemetry, ())
    headers = {
        "authorization": f"Bearer {ACCESS}",
        "cookie": f"__Host-session={SESSION}",
        "x-csrf-token": CSRF,
        "idempotency-key": RETRY_KEY + " \n",
    }
    event = {"routeKey": "GET /x", "headers": headers, "requestContext": {"http": {"method": "GET"}}}

    response = handler(event, None)

    written = log.written()
    assert response["statusCode"] >= 400
    assert_no_secret(written)
    assert_no_secret(json.dumps(response))
    assert_lines_are_json(written)


HEADERS = {
    "unknown key": f"Bearer {UNKNOWN_KEY}",
    "spoilt signature": f"Bearer {ACCESS[:-4]}AAAA",
    "opaque as bearer": f"Bearer {REFRESH}",
    "no scheme": ACCESS,
    "another scheme": f"Basic {base64.b64encode(PASSWORD.encode()).decode()}",
    "two tokens": f"Bearer {ACCESS},{ACCESS}",
    "DPoP": f"DPoP {ACCESS}",
    "a lone surrogate": f"Bearer {ACCESS}\ud800",
    "line breaks": f"Bearer {ACCESS}\r\n{PASSWORD}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_no_line_of_the_authorizer_holds_a_credential_that_was_refused(
    log: Log, kit: Kit, header: str
) -> None:
    events: list[dict[str, Any]] = [
        {"type": "TOKEN", "authorizationToken": header, "methodArn": ARN},
        {"type": "REQUEST", "headers": {"Authorization": header}, "methodArn": ARN},
        {"type": "REQUEST", "multiValueHeaders": {"Authorization": [header, header]}, "methodArn": ARN},
    ]

    for event in events:
        with pytest.raises(Unauthorized) as refused:
            authorize(
                event,
                lambda credential: validate(credential, kit.sessions),
                AuthorizerOptions(simple_response=True),
                log.telemetry,
            )
        assert str(refused.value) == "Unauthorized"

    written = log.written()
    assert_no_secret(written)
    assert_lines_are_json(written)


def test_no_line_of_the_authorizer_holds_a_cookie_or_what_an_error_quotes(log: Log) -> None:
    def failing(credential: object) -> Any:
        raise RuntimeError(f"could not check {SESSION}")

    event = {"version": "2.0", "cookies": [f"__Host-session={SESSION}"], "routeArn": ARN}
    answer = authorize(event, failing, AuthorizerOptions(simple_response=True), log.telemetry)

    assert answer == {"isAuthorized": False}
    assert_no_secret(log.written())


def test_an_authorizers_refusal_and_failure_carry_no_chain_of_causes_with_a_token(kit: Kit) -> None:
    with pytest.raises(Unauthorized) as refused:
        kit.authorized({"type": "TOKEN", "authorizationToken": f"Bearer {UNKNOWN_KEY}", "methodArn": ARN})

    assert refused.value.__cause__ is None
    assert refused.value.args == ("Unauthorized",)


def test_a_line_is_not_forged_by_line_breaks_and_escapes(log: Log) -> None:
    log.telemetry.outcome("request", detail='x\r\n{"level":"INFO"}\x1b[31m\u2028', request_id="a\nb")

    lines = [line for line in log.written().split("\n") if line]
    assert len(lines) == 1
    assert json.loads(lines[0])["request_id"] == "a\nb"


def test_no_secret_is_in_the_repr_of_what_carries_it(kit: Kit) -> None:
    event = {
        "routeKey": "GET /x",
        "headers": {"authorization": f"Bearer {ACCESS}", "x-csrf-token": CSRF},
        "cookies": [f"__Host-session={SESSION}"],
        "body": PASSWORD,
        "requestContext": {},
    }
    shown: list[str] = []

    def route(request: Request) -> Response:
        credential = credential_from(request, ())
        cookie = credential_from(replace(request, headers={}), ())
        shown.append(f"{request!r} {credential!r} {cookie!r}")
        return Response(body=REFRESH, cookies=(SESSION,))

    http_handler({"GET /x": route}, kit.telemetry, ())(event, None)

    assert_no_secret(shown[0])
    assert REFRESH not in repr(Response(body=REFRESH, cookies=(SESSION,)))


def test_introspection_of_an_inactive_token_tells_nothing(kit: Kit) -> None:
    for text in (UNKNOWN_KEY, REFRESH[:-1] + "A", "x", "secret-looking-kid"):
        assert introspect(text, kit.sessions) == {"active": False}
