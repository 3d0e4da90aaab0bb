"""How far an answer of the authorizer reaches: WebSockets, cookies, route scopes, what a deployment asks for."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.requirements import Requirements
from auth_tokens.domain.route_scopes import RouteScopes
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.settings import Settings, SettingsError
from auth_tokens.usecases.validate import validate
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from local.authorizers.policy import Decision, evaluate
from tests.security.kit import ARN, Kit, forged, good_claims
from tests.support.fakes import ROW_ID, USER, session_record
from tests.support.world import START

STAGE = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod"
ORIGIN = "https://portal.example.com"
ROUTES = [
    f"{STAGE}/{method}/{path}"
    for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE")
    for path in ("jobs", "jobs/1", "jobs/*", "admin/jobs", "status", "")
]
ROUTE_SCOPES = RouteScopes.of(
    {"GET/jobs": "jobs:read", "GET/jobs/*": "jobs:read", "*/jobs/*": "jobs:write", "GET/status": ""}
)
# What the pattern list means, said once more in another way.
OPEN = {
    "jobs:read": {("GET", "jobs"), ("GET", "jobs/1"), ("GET", "jobs/*"), ("GET", "status")},
    "jobs:write": {(m, p) for m in ("GET", "HEAD", "OPTIONS", "POST", "DELETE") for p in ("jobs/1", "jobs/*")}
    | {("GET", "status")},
    "*": {("GET", "status")},
    "": {("GET", "status")},
}


class Gate:
    """An authorizer with settings of its own, and one browser session."""

    def __init__(self, requirements: Requirements = Requirements(), *, simple: bool = False) -> None:  # noqa: B008
        self.kit = Kit()
        token = OpaqueToken(TokenKind.SESSION, 1, ROW_ID, 0, b"s" * 32)
        record = session_record(kind=TokenKind.SESSION, token_hash=self.kit.codec.store_hash(token))
        self.kit.store.records = {ROW_ID: record}
        self.cookie = f"__Host-session={self.kit.codec.encode(token)}"
        self.csrf_token = self.kit.codec.csrf_token(token)
        self.simple = simple
        self.deps = replace(self.kit.authorizing, requirements=requirements)

    def ask(self, event: dict[str, Any], route_scopes: RouteScopes = RouteScopes()) -> dict[str, Any]:  # noqa: B008
        return authorize(
            event,
            lambda credential: validate(credential, self.deps),
            AuthorizerOptions(self.simple, (ORIGIN,), route_scopes),
            self.kit.telemetry,
        )

    def by_cookie(self, arn: str, **headers: str) -> dict[str, Any]:
        return {
            "type": "REQUEST",
            "methodArn": arn,
            "httpMethod": arn.removeprefix(STAGE + "/").split("/")[0],
            "headers": {"Cookie": self.cookie, **headers},
        }


@pytest.fixture
def gate() -> Gate:
    return Gate()


def by_token(arn: str, **claims: Any) -> dict[str, Any]:
    token = forged(payload=good_claims(**claims))
    return {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": arn}


def decision(answer: dict[str, Any], arn: str) -> bool:
    return evaluate(answer["policyDocument"], arn) is Decision.ALLOW


@pytest.mark.parametrize("scope", OPEN)
def test_with_route_scopes_the_policy_of_one_route_decides_every_other_as_a_direct_call_would(
    gate: Gate, scope: str
) -> None:
    direct = {arn: decision(gate.ask(by_token(arn, scope=scope), ROUTE_SCOPES), arn) for arn in ROUTES}

    assert {arn for arn in ROUTES if direct[arn]} == {f"{STAGE}/{m}/{p}" for m, p in OPEN[scope]}
    for asked, later in itertools.product(ROUTES, ROUTES):
        cached = gate.ask(by_token(asked, scope=scope), ROUTE_SCOPES)
        assert decision(cached, later) == direct[later], (asked, later)


def test_a_cookie_without_its_csrf_token_opens_safe_methods_only_also_from_a_cache(gate: Gate) -> None:
    for asked, later in itertools.product(ROUTES, ROUTES):
        if "/GET/" in asked:
            is_safe = later.removeprefix(STAGE + "/").startswith(("GET", "HEAD", "OPTIONS"))
            assert decision(gate.ask(gate.by_cookie(asked)), later) == is_safe, (asked, later)


def test_a_cookie_with_its_csrf_token_opens_every_method(gate: Gate) -> None:
    headers = {"X-CSRF-Token": gate.csrf_token, "Origin": ORIGIN}
    for asked, later in itertools.product(ROUTES, ROUTES):
        assert decision(gate.ask(gate.by_cookie(asked, **headers)), later)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_foreign_origin_with_the_right_csrf_token_is_refused(gate: Gate, origin: str) -> None:
    with pytest.raises(Unauthorized):
        gate.ask(gate.by_cookie(f"{STAGE}/POST/jobs", Origin=origin, **{"X-CSRF-Token": gate.csrf_token}))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "same-origin, cross-site"])
def test_another_site_with_the_right_csrf_token_is_refused(gate: Gate, site: str) -> None:
    headers = {"X-CSRF-Token": gate.csrf_token, "Sec-Fetch-Site": site}

    with pytest.raises(Unauthorized):
        gate.ask(gate.by_cookie(f"{STAGE}/POST/jobs", **headers))
    with pytest.raises(Unauthorized):
        gate.ask(connect(headers={"Cookie": gate.cookie, "Sec-Fetch-Site": site}))


def test_a_scope_that_opens_nothing_is_denied_with_its_reason(gate: Gate) -> None:
    scopes = RouteScopes.of({"GET/jobs": "jobs:read"})

    answer = gate.ask(by_token(ARN, scope="other"), scopes)

    assert evaluate(answer["policyDocument"], ARN) is Decision.EXPLICIT_DENY
    assert answer["context"]["error"] == "insufficient_scope"


REQUIREMENTS = {
    "scope": (Requirements(scope="portal:read portal:write"), {"scope": "portal:read"}, "insufficient_scope"),
    "acr": (Requirements(acr_values=("mfa", "hw")), {"acr": "pwd"}, "insufficient_user_authentication"),
    "age": (Requirements(max_auth_age_s=60), {"auth_time": START - 61}, "insufficient_user_authentication"),
}


@pytest.mark.parametrize(("requirements", "claims", "error"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_a_good_token_that_is_not_enough_is_denied_with_the_reason_of_the_rfc(
    requirements: Requirements, claims: dict[str, Any], error: str
) -> None:
    rest = Gate(requirements).ask(by_token(ARN, **claims))
    event = {**by_token(ARN, **claims), "version": "2.0", "routeArn": ARN}
    http = Gate(requirements, simple=True).ask(event)

    assert evaluate(rest["policyDocument"], ARN) is Decision.EXPLICIT_DENY
    assert rest["context"]["error"] == error
    assert http["isAuthorized"] is False
    assert http["context"] == rest["context"]
    assert all(isinstance(value, str | int) for value in rest["context"].values())


@pytest.mark.parametrize(
    ("requirements", "claims"),
    [
        (Requirements(scope="portal:read portal:write"), {"scope": "portal:write x portal:read"}),
        (Requirements(acr_values=("mfa", "hw")), {"acr": "hw"}),
        (Requirements(max_auth_age_s=60), {"auth_time": START - 60}),
    ],
    ids=["scope", "acr", "age"],
)
def test_a_token_that_is_just_enough_passes(requirements: Requirements, claims: dict[str, Any]) -> None:
    assert decision(Gate(requirements).ask(by_token(ARN, **claims)), ARN)


def test_a_refusal_notes_no_use_of_the_browser_session() -> None:
    gate = Gate(Requirements(scope="none:such"))
    gate.kit.clock.now += 100

    gate.ask(gate.by_cookie(ARN))
    with pytest.raises(Unauthorized):
        gate.ask(gate.by_cookie(f"{STAGE}/POST/jobs"))
    assert gate.kit.store.touched == []

    gate.deps = replace(gate.deps, requirements=Requirements())
    gate.ask(gate.by_cookie(ARN))
    assert len(gate.kit.store.touched) == 1


CONNECT_ARN = f"{STAGE}/$connect"


def connect(**members: Any) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": CONNECT_ARN,
        "headers": {"Host": "abcdef1234.execute-api.eu-west-1.amazonaws.com"},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "x"},
        **members,
    }


def query(*tokens: str) -> dict[str, Any]:
    return {
        "queryStringParameters": {"access_token": tokens[-1]},
        "multiValueQueryStringParameters": {"access_token": list(tokens)},
    }


def test_a_socket_opens_by_header_query_parameter_or_cookie(gate: Gate) -> None:
    for credential in (
        {"headers": {"authorization": f"Bearer {forged()}"}},
        {"multiValueHeaders": {"Authorization": [f"Bearer {forged()}"]}},
        query(forged()),
        {"queryStringParameters": {"access_token": forged()}},
        {"headers": {"Cookie": gate.cookie}},
        {"headers": {"Cookie": gate.cookie, "Origin": ORIGIN}},
    ):
        answer = gate.ask(connect(**credential))
        assert answer["principalId"] == USER.id, credential
        assert decision(answer, CONNECT_ARN)


def test_a_socket_is_refused() -> None:
    gate = Gate()
    bearer = {"authorization": f"Bearer {forged()}"}
    for name, members in {
        "without a credential": {},
        "nulls": {"headers": None, "queryStringParameters": None, "multiValueQueryStringParameters": None},
        "a bad token beside a good cookie": {**query("x.y.z"), "headers": {"Cookie": gate.cookie}},
        "an empty token beside a good cookie": {**query(""), "headers": {"Cookie": gate.cookie}},
        "a token twice": query(forged(), forged()),
        "a token two ways": {**query(forged()), "headers": bearer},
        "a cookie from a foreign page": {
            "headers": {"Cookie": gate.cookie, "Origin": "https://evil.example"}
        },
        "a token that is a number": {"queryStringParameters": {"access_token": 7}},
        "a token that is a list": {"queryStringParameters": {"access_token": [forged()]}},
        "a session token in the query": query(gate.cookie.partition("=")[2]),
    }.items():
        with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
            gate.ask(connect(**members))
            pytest.fail(name)


def test_only_a_socket_takes_a_token_from_the_query(gate: Gate) -> None:
    event = {"type": "REQUEST", "methodArn": ARN, "httpMethod": "GET", **query(forged())}

    with pytest.raises(Unauthorized):
        gate.ask(event)
    gate.simple = True
    assert gate.ask({**event, "version": "2.0", "routeArn": ARN}) == {"isAuthorized": False}


REQUIRED = {
    "ISSUER": "https://t", "AUDIENCE": "a", "CLIENTS": '{"c": []}', "DB_HOST": "h", "DB_NAME": "n",
    "DB_USER": "u", "KMS_KEY_ID": "k",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AUTHORIZER_ROUTE_SCOPES", "{"),
        ("AUTHORIZER_ROUTE_SCOPES", "[]"),
        ("AUTHORIZER_ROUTE_SCOPES", '{"GET/jobs": 1}'),
        ("AUTHORIZER_ROUTE_SCOPES", '{"GET/jobs": "two scopes"}'),
        ("AUTHORIZER_ROUTE_SCOPES", '{"GET/*/x": "s"}'),
        ("AUTHORIZER_REQUIRED_SCOPE", "a  b"),
        ("AUTHORIZER_REQUIRED_SCOPE", 'a"b'),
        ("AUTHORIZER_REQUIRED_ACR", 'a"b'),
        ("AUTHORIZER_MAX_AUTH_AGE_S", "-1"),
    ],
)
def test_a_setting_that_could_not_be_kept_stops_the_cold_start(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({**REQUIRED, "AUTHORIZER_RESPONSE": "iam", name: text})


def test_route_scopes_and_simple_responses_exclude_each_other() -> None:
    env = {**REQUIRED, "AUTHORIZER_ROUTE_SCOPES": '{"GET/jobs": "jobs:read"}'}

    with pytest.raises(SettingsError, match="AUTHORIZER_RESPONSE=iam"):
        Settings.from_env(env)
    settings = Settings.from_env({**env, "AUTHORIZER_RESPONSE": "iam", "AUTHORIZER_REQUIRED_ACR": "a b"})
    assert settings.route_scopes().open_to("jobs:read") == ["GET/jobs"]
    assert settings.requirements() == Requirements(acr_values=("a", "b"))


SPLIT_FIELDS = {
    "a cookie in the first of two fields": (lambda cookie: [cookie, "a=b"], True),
    "a cookie in the last of two fields": (lambda cookie: ["a=b", cookie], True),
    "a cookie in two fields": (lambda cookie: [cookie, "__Host-session=x"], False),
    "the same cookie in two fields": (lambda cookie: [cookie, cookie], False),
}


@pytest.mark.parametrize(("fields", "is_let_in"), SPLIT_FIELDS.values(), ids=SPLIT_FIELDS)
def test_every_cookie_field_is_read(gate: Gate, fields: Any, is_let_in: bool) -> None:
    values = fields(gate.cookie)
    event = {
        "type": "REQUEST",
        "methodArn": ARN,
        "httpMethod": "GET",
        "headers": {"cookie": values[-1]},
        "multiValueHeaders": {"cookie": values},
    }

    if is_let_in:
        assert decision(gate.ask(event), ARN)
        return
    with pytest.raises(Unauthorized):
        gate.ask(event)


def test_an_origin_given_twice_is_foreign(gate: Gate) -> None:
    event = gate.by_cookie(f"{STAGE}/POST/jobs", **{"X-CSRF-Token": gate.csrf_token})

    with pytest.raises(Unauthorized):
        gate.ask({**event, "multiValueHeaders": {"Origin": ["https://evil.example", ORIGIN]}})
    with pytest.raises(Unauthorized):
        gate.ask(
            {**event, "headers": {**event["headers"], "Origin": ORIGIN, "origin": "https://evil.example"}}
        )
