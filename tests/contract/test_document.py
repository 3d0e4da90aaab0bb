"""docs/openapi.yaml is valid, and says what template and code say."""

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from openapi_spec_validator import OpenAPIV31SpecValidator

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.adapters.mysql.analytics.inbox import MAX_COUNTED
from auth_tokens.adapters.mysql.analytics.rollups import MAX_DUE
from auth_tokens.domain.analytics import periods
from auth_tokens.domain.analytics.figures import figures_of
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S, MAX_TTL_S
from auth_tokens.domain.errors import (
    InvalidProof,
    NonceNeeded,
    RateLimited,
    StepUpNeeded,
    TokenServiceError,
    Unavailable,
)
from auth_tokens.domain.events import EventType
from auth_tokens.domain.ids import _USER_ID
from auth_tokens.domain.policy import MODES
from auth_tokens.domain.scopes import _SCOPE, MAX_SCOPE_LENGTH
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.settings import SIGNING_ALGORITHMS
from auth_tokens.usecases import list_events, list_sessions
from auth_tokens.usecases.analytics import summarise
from auth_tokens.usecases.devices import DEFAULT_DEVICES, MAX_DEVICES
from auth_tokens.usecases.export_events import MAX_ROWS
from auth_tokens.usecases.inbox import MAX_GROUPS
from auth_tokens.usecases.logout import LogoutScope
from auth_tokens.web import issue_bodies
from auth_tokens.web.errors import MethodNotAllowed
from auth_tokens.web.grant_types import DEVICE_TOKEN_GRANT, DEVICE_TOKEN_TYPE, REFRESH_GRANT
from auth_tokens.web.request_body import MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY, MAX_TEXT
from auth_tokens.web.request_head import SESSION_COOKIE
from auth_tokens.web.responses import ISSUED_TOKEN_TYPES, REALM, clearing_cookie, error_response, server_error
from auth_tokens.web.routes import ROUTES
from auth_tokens.web.unknown_parameters import ALLOWED_PARAMETERS, allowed_parameters
from local.host.paths import ROOT
from local.templates.apis import load_apis
from local.templates.stacks import PRODUCT
from tests.contract.document import (
    DOCUMENT,
    OPERATIONS,
    PATH,
    at,
    body_schema,
    body_type,
    error_codes,
    parameters,
    resolved,
    responses,
    security_schemes,
    value_faults,
)

DEPLOYED = load_apis(PRODUCT, {"Issuer": "https://tokens.test"})["HttpApi"].routes
EVENTS, SUMMARY = "GET /admin/security/events", "GET /admin/security/summary"
SCHEMAS = "components schemas"

# What stands in the document, and what the code has for it.
AGREED: dict[str, object] = {
    f"{SCHEMAS} EventType enum": [kind.value for kind in EventType],
    f"{SCHEMAS} EventCounts required": [kind.value for kind in EventType],
    f"{SCHEMAS} SecurityFigures required": ["at", *figures_of({})],
    f"{SCHEMAS} SecuritySummary properties step_s enum": [*periods.STEPS.values(), None],
    f"{SCHEMAS} Figures required": list(figures_of({})),
    "components parameters Step schema enum": list(periods.STEPS),
    "components parameters Starts schema maxItems": periods.MAX_STARTS,
    f"{SCHEMAS} SecuritySummary properties top_sources maxItems": summarise.TOP,
    f"{SCHEMAS} CleanupDebt properties due maximum": MAX_DUE,
    f"{SCHEMAS} GroupCount maximum": MAX_COUNTED,
    f"{SCHEMAS} SecurityEventFile properties events maxItems": MAX_ROWS,
    f"{SCHEMAS} Inbox properties groups maxItems": MAX_GROUPS,
    "components parameters InboxLimit schema maximum": MAX_GROUPS,
    f"{SCHEMAS} UserId pattern": f"^{_USER_ID.pattern}$",
    f"{SCHEMAS} Scope pattern": f"^{_SCOPE.pattern}$",
    f"{SCHEMAS} Scope maxLength": MAX_SCOPE_LENGTH,
    f"{SCHEMAS} Seconds maximum": MAX_TTL_S,
    f"{SCHEMAS} TokenResponse properties expires_in maximum": MAX_ACCESS_TTL_S,
    f"{SCHEMAS} Mode enum": [*MODES, None],
    f"{SCHEMAS} RequestedScope pattern": f"^{_SCOPE.pattern}$",
    f"{SCHEMAS} RequestedScope maxLength": MAX_SCOPE_LENGTH,
    f"{SCHEMAS} RequestedClientId maxLength": MAX_TEXT,
    f"{SCHEMAS} RequestedDeviceId maxLength": MAX_TEXT,
    f"{SCHEMAS} DeviceText maxLength": issue_bodies.MAX_DEVICE_TEXT,
    f"{SCHEMAS} LoginRequest properties username maxLength": issue_bodies.MAX_USERNAME,
    f"{SCHEMAS} LoginRequest properties password maxLength": issue_bodies.MAX_PASSWORD,
    f"{SCHEMAS} IssueRequest properties acr maxLength": issue_bodies.MAX_ACR,
    f"{SCHEMAS} RefreshTokenGrant properties grant_type const": REFRESH_GRANT,
    f"{SCHEMAS} RefreshTokenGrant properties refresh_token maxLength": MAX_TEXT,
    f"{SCHEMAS} DeviceTokenGrant properties grant_type const": DEVICE_TOKEN_GRANT,
    f"{SCHEMAS} DeviceTokenGrant properties subject_token maxLength": MAX_TEXT,
    f"{SCHEMAS} DeviceTokenGrant properties subject_token_type const": DEVICE_TOKEN_TYPE,
    f"{SCHEMAS} DeviceTokenGrant properties requested_token_type enum": list(ISSUED_TOKEN_TYPES.values()),
    f"{SCHEMAS} TokenResponse properties issued_token_type const": ISSUED_TOKEN_TYPES[TokenKind.REFRESH],
    f"{SCHEMAS} CookieResponse properties issued_token_type const": ISSUED_TOKEN_TYPES[TokenKind.SESSION],
    f"{SCHEMAS} LogoutRequest properties scope enum": [*(scope.value for scope in LogoutScope), None],
    f"{SCHEMAS} DevicePage properties devices maxItems": MAX_DEVICES,
    f"{SCHEMAS} SessionPage properties sessions maxItems": list_sessions.MAX_PAGE,
    "components parameters DeviceLimit schema maximum": MAX_DEVICES,
    "components parameters DeviceLimit schema default": DEFAULT_DEVICES,
    "components parameters SessionLimit schema maximum": list_sessions.MAX_PAGE,
    "components parameters SessionLimit schema default": list_sessions.DEFAULT_PAGE,
    "components securitySchemes sessionCookie name": SESSION_COOKIE,
    "paths /auth/logout post responses 204 headers Set-Cookie schema const": clearing_cookie(),
}


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_its_operations_are_the_routes_of_the_service_in_order() -> None:
    assert list(OPERATIONS) == list(ROUTES)


def test_its_operations_are_the_routes_that_the_template_deploys() -> None:
    """HEAD beside each GET is for tests/architecture/test_template_functions.py."""
    deployed = {route.key for route in DEPLOYED if not route.is_default and route.method != "HEAD"}

    assert set(OPERATIONS) == deployed


def test_exactly_the_iam_routes_of_the_template_ask_for_a_signature() -> None:
    signed = {route for route in OPERATIONS if {"iam"} in security_schemes(route)}

    assert signed == {route.key for route in DEPLOYED if route.iam and route.method != "HEAD"}
    assert all(security_schemes(route) == [{"iam"}] for route in signed)


def test_a_cookie_needs_its_csrf_token_exactly_where_the_method_changes_something() -> None:
    for route in OPERATIONS:
        for schemes in security_schemes(route):
            if "sessionCookie" in schemes:
                assert ("csrfToken" in schemes) == (not route.startswith("GET ")), route


def test_it_names_a_deployment_first_then_the_local_server_and_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert [server["url"] for server in DOCUMENT["servers"]] == ["https://{host}", "http://127.0.0.1:3000"]
    assert DOCUMENT["info"]["version"] == project["version"]


def test_every_operation_has_a_name_a_summary_and_tags_that_are_described() -> None:
    described = {tag["name"] for tag in DOCUMENT["tags"]}

    for route, operation in OPERATIONS.items():
        assert operation["operationId"], route
        assert operation["summary"], route
        assert operation["tags"], route
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == described


def test_nothing_is_defined_and_then_not_used() -> None:
    used = set(re.findall(r"#/components/(\w+/[\w-]+)", PATH.read_text("utf-8")))
    used |= {f"securitySchemes/{s}" for route in OPERATIONS for some in security_schemes(route) for s in some}
    used |= {f"responses/{name}" for name in re.findall(r"[`/](\w+)`", DOCUMENT["info"]["description"])}

    defined = {f"{kind}/{name}" for kind, some in DOCUMENT["components"].items() for name in some}
    assert defined - used == set()


def test_each_error_code_stands_at_the_status_that_it_is_answered_with() -> None:
    documented = {(status, code) for status, answer in _answers() for code in error_codes(answer)}

    assert documented == _answered()


@pytest.mark.parametrize("path", AGREED)
def test_a_value_in_the_document_is_the_code_s(path: str) -> None:
    assert at(path) == AGREED[path]


@pytest.mark.parametrize(
    "route", [route for route in OPERATIONS if "/admin/" in route or "/console/" in route]
)
def test_an_operators_route_takes_what_is_documented_and_refuses_the_rest(route: str) -> None:
    queried = {name for name, parameter in parameters(route).items() if parameter["in"] == "query"}
    members = set(resolved(body_schema(route))["properties"]) if body_type(route) else set()

    assert (queried, members) == (set(allowed_parameters(route).query), set(allowed_parameters(route).body))
    assert 400 in responses(route)


def test_nothing_is_taken_by_a_route_that_is_none() -> None:
    assert ALLOWED_PARAMETERS.keys() <= set(ROUTES)


def test_the_filters_of_operators_have_the_bounds_of_the_code() -> None:
    limit, span_s = parameters(EVENTS)["limit"]["schema"], parameters(SUMMARY)["span_s"]["schema"]

    assert limit["maximum"] == list_events.MAX_PAGE
    assert span_s["maximum"] == periods.MAX_SPAN_S


def test_the_texts_name_the_numbers_of_the_code() -> None:
    idempotency_key = parameters("POST /auth/token")["Idempotency-Key"]["schema"]["pattern"]

    assert f"{MAX_BODY_BYTES:,} bytes" in at("components responses PayloadTooLarge description")
    assert idempotency_key == f"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY}}}$"
    assert f'realm="{REALM}"' in at(
        "components responses Unauthorized headers WWW-Authenticate schema pattern"
    )
    assert f"{periods.MAX_SPAN_S // 86_400} days" in parameters(SUMMARY)["span_s"]["description"]


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("RS256", lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate),
    ],
)
def test_a_public_key_of_each_algorithm_is_as_documented(algorithm: str, make: Callable[[], Any]) -> None:
    jwk = public_jwk(make().public_key(), algorithm)

    assert value_faults("PublicKey", jwk) == []
    assert value_faults("PublicKey", {**jwk, "d": "private"}) != []


def test_the_algorithms_of_public_keys_are_those_on_offer() -> None:
    kinds = at(f"{SCHEMAS} PublicKey oneOf")

    assert {resolved(kind)["properties"]["alg"]["const"] for kind in kinds} == set(SIGNING_ALGORITHMS)


def _answers() -> Iterator[tuple[int, dict[str, Any]]]:
    for route in OPERATIONS:
        yield from responses(route).items()
    yield 405, at("components responses MethodNotAllowed")


def _answered() -> set[tuple[int, str]]:
    """Status and code of every error that the service has."""
    arguments: dict[type[TokenServiceError], tuple[Any, ...]] = {
        RateLimited: (7,),
        MethodNotAllowed: ("GET",),
        StepUpNeeded: (("acr",), 60),
    }
    arguments[Unavailable] = ("detail",)
    made = [error_response(kind(*arguments.get(kind, ("text",)))) for kind in _kinds(TokenServiceError)]
    with_token = [
        error_response(proof) for proof in (InvalidProof("", with_token=True), _needed_with_token())
    ]
    every = [*made, *with_token, server_error()]
    return {(response.status, response.body["error"]) for response in every if response.body}


def _needed_with_token() -> NonceNeeded:
    needed = NonceNeeded("nonce")
    needed.with_token = True
    return needed


def _kinds(base: type[TokenServiceError]) -> Iterator[type[TokenServiceError]]:
    """The errors of the service's own tree that are raised as they are."""
    below = [kind for kind in base.__subclasses__() if kind.__module__.startswith("auth_tokens.")]
    if not below:
        yield base
    for kind in below:
        yield from _kinds(kind)


def test_each_shape_of_a_sign_in_s_answer_requires_what_the_other_does_not_have() -> None:
    """No field names the mode; so a client looks which of the two is there."""
    one, other = (
        resolved(shape) for shape in at("components responses Issued content application/json schema oneOf")
    )

    assert "access_token" in set(one["required"]) - set(other["properties"])
    assert "csrf_token" in set(other["required"]) - set(one["properties"])
