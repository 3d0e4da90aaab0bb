"""Operators' routes refuse what they do not know before they do anything; other routes pass it over."""

import json
from typing import Any

import pytest

from auth_tokens.web.handler import http_handler
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.routes import ROUTES
from auth_tokens.web.unknown_parameters import ALLOWED_PARAMETERS
from tests.support.world import RecordedTelemetry

EVENTS, REVOKE, OWN = (
    "GET /admin/security/events",
    "POST /admin/users/{user_id}/revoke",
    "GET /auth/sessions",
)
OPERATORS = [route for route in ROUTES if "/admin/" in route or "/console/" in route]
ONE_FINDING = "GET /console/findings/{finding_id}"


class Route:
    """A route that reads its body, if there is one, and notes that it got that far."""

    def __init__(self) -> None:
        self.was_called = False

    def __call__(self, request: Request) -> Response:
        if request.body:
            parse_body(request)
        self.was_called = True
        return Response()


def answer(route: str, query: str = "", body: Any = None) -> tuple[int, str, bool]:
    """(status, description, whether the route was carried out) of a request."""
    asked = Route()
    handle = http_handler({route: asked}, RecordedTelemetry(), ())
    event = {
        "routeKey": route,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body) if body is not None else None,
        "requestContext": {"http": {"method": route.partition(" ")[0]}},
    }
    response = handle(event, None)
    text = json.loads(response["body"])["error_description"] if response["body"] else ""
    return response["statusCode"], text, asked.was_called


@pytest.mark.parametrize("route", OPERATORS)
@pytest.mark.parametrize("query", ["usr_id=7", "usr_id", "USER_ID=7", "%75ser_id%20=7", "access_token=x"])
def test_an_unknown_query_parameter_is_refused_before_anything_is_done(route: str, query: str) -> None:
    status, text, was_called = answer(route, query)

    assert (status, was_called) == (400, False)
    assert "is no query parameter of this route; it takes" in text


def test_the_refusal_names_what_there_is() -> None:
    _, text, _ = answer(EVENTS, "usr_id=7&limit=1")

    taken = "user_id, type, source, session_id, severity, since, until, cursor, limit"
    assert text == f"usr_id is no query parameter of this route; it takes {taken}."


def test_a_route_that_takes_nothing_says_so() -> None:
    assert answer(ONE_FINDING, "x=1")[1] == "x is no query parameter of this route; it takes none."


@pytest.mark.parametrize("route", [route for route, taken in ALLOWED_PARAMETERS.items() if taken.query])
def test_each_known_parameter_is_let_through_and_empty_or_twice_is_refused(route: str) -> None:
    for name in ALLOWED_PARAMETERS[route].query:
        assert answer(route, f"{name}=1") == (200, "", True)
        assert answer(route, f"{name}=") == (400, f"{name} is empty.", False)
        assert answer(route, f"{name}=1&{name}=1") == (400, f"{name} is repeated.", False)


def test_an_unknown_member_is_refused_with_those_that_exist() -> None:
    status, text, was_called = answer(REVOKE, body={"reason": "leaver", "raeson": "x"})

    assert (status, was_called) == (400, False)
    assert text == "raeson is no member of this route; it takes reason."


def test_a_known_member_is_let_through() -> None:
    assert answer(REVOKE, body={"reason": "leaver"}) == (200, "", True)


@pytest.mark.parametrize("route", [EVENTS, ONE_FINDING])
def test_a_body_that_nobody_reads_is_refused(route: str) -> None:
    assert answer(route, body={"keep": True}) == (400, "This route takes no body.", False)


@pytest.mark.parametrize("name", ["<script>", "x" * 33, "na me", "naïve"])
def test_a_strange_name_is_not_echoed(name: str) -> None:
    assert name not in answer(REVOKE, body={name: 1})[1]


def test_other_routes_pass_unknown_ones_over() -> None:
    assert answer(OWN, "usr_id=7&usr_id=8") == (200, "", True)
    assert answer("POST /auth/logout", "x=1", {"scope": "all", "x": 1}) == (200, "", True)
