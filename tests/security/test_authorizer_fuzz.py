"""No event whatever gives anything but a policy, a simple answer or `Unauthorized`."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth_tokens.domain.route_scopes import RouteScopes
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from tests.security.kit import ARN, Kit, forged
from tests.support.fakes import USER

TOKEN = forged()
TEXTS = st.sampled_from(
    [
        "",
        f"Bearer {TOKEN}",
        TOKEN,
        "Bearer x",
        "Basic eDp5",
        "__Host-session=x",
        ARN,
        "*",
        "GET",
        "CONNECT",
        "\ud800",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = [
    "authorization",
    "Authorization",
    "Cookie",
    "cookie",
    "X-CSRF-Token",
    "Origin",
    "access_token",
    "eventType",
]
NAMES += ["http", "method", "routeKey"]
MEMBERS = st.dictionaries(st.sampled_from(NAMES), TEXTS | st.lists(TEXTS, max_size=3) | ANYTHING, max_size=4)
EVENTS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["TOKEN", "REQUEST"]) | ANYTHING,
        "version": st.sampled_from(["1.0", "2.0"]) | ANYTHING,
        "methodArn": st.just(ARN) | ANYTHING,
        "routeArn": st.just(ARN) | ANYTHING,
        "authorizationToken": TEXTS | ANYTHING,
        "identitySource": TEXTS | ANYTHING,
        "httpMethod": TEXTS | ANYTHING,
        "headers": MEMBERS | ANYTHING,
        "multiValueHeaders": MEMBERS | ANYTHING,
        "queryStringParameters": MEMBERS | ANYTHING,
        "multiValueQueryStringParameters": MEMBERS | ANYTHING,
        "cookies": st.lists(TEXTS, max_size=2) | ANYTHING,
        "requestContext": MEMBERS | ANYTHING,
        "isBase64Encoded": st.booleans() | ANYTHING,
    },
)
KIT = Kit()


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(event=EVENTS, simple=st.booleans(), scoped=st.booleans())
def test_any_event_is_answered_or_unauthorized(event: Any, simple: bool, scoped: bool) -> None:
    scopes = RouteScopes.of({"GET/jobs": "portal:read"} if scoped else {})
    try:
        answer = authorize(
            event,
            lambda credential: validate(credential, KIT.authorizing),
            AuthorizerOptions(simple, ("https://portal.example.com",), scopes),
            KIT.telemetry,
        )
    except Unauthorized as refused:
        assert str(refused) == "Unauthorized"
        return

    _assert_well_formed(event, answer)


def _assert_well_formed(event: Any, answer: dict[str, Any]) -> None:
    if "isAuthorized" in answer:
        assert type(answer["isAuthorized"]) is bool
        assert not answer["isAuthorized"] or _has_token(event)
        return
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    if statement["Effect"] == "Allow":
        assert _has_token(event)
        assert answer["principalId"] == USER.id
        assert "*" not in str(statement["Resource"]).removesuffix("/*")
    else:
        assert statement["Effect"] == "Deny"


def _has_token(event: Any) -> bool:
    return TOKEN in repr(event)
