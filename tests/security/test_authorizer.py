"""The authorizer as an integrator's gate: cached policies, wildcards, failures, warm instances (API Gateway)."""

import itertools
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from auth_tokens.domain.credentials import Credential, Validated
from auth_tokens.domain.errors import TokenServiceError, Unavailable
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from local.authorizers.policy import Decision, evaluate
from tests.security.kit import ARN, JTI, SID, Kit, forged, good_claims
from tests.support.fakes import USER, session_record
from tests.support.world import START, RecordedTelemetry

STAGE = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod"
ROUTES = [
    f"{STAGE}/GET/jobs",
    f"{STAGE}/POST/jobs",
    f"{STAGE}/DELETE/jobs/1",
    f"{STAGE}/DELETE/jobs/*",
    f"{STAGE}/GET/",
    f"{STAGE}/OPTIONS/a/b/c",
    f"{STAGE}/GET/sessions/${{aws:username}}",
    f"{STAGE}/GET/jobs/?",
]
ELSEWHERE = [
    "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/staging/GET/jobs",
    "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod2/GET/jobs",
    "arn:aws:execute-api:eu-west-1:123456789012:zzzzzz9999/prod/GET/jobs",
    "arn:aws:execute-api:eu-west-1:999999999999:abcdef1234/prod/GET/jobs",
    "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/GET/jobs",
    "arn:aws-cn:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/jobs",
]


def event_for(arn: str, token: str) -> dict[str, Any]:
    return {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": arn}


@pytest.mark.parametrize(("asked", "later"), list(itertools.product(ROUTES, ROUTES)))
def test_the_policy_got_for_one_route_holds_for_the_next(kit: Kit, asked: str, later: str) -> None:
    policy = kit.authorized(event_for(asked, forged()))["policyDocument"]

    assert evaluate(policy, later) is Decision.ALLOW


@pytest.mark.parametrize("asked", ROUTES)
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_the_policy_spans_no_other_stage_api_account_or_region(kit: Kit, asked: str, elsewhere: str) -> None:
    policy = kit.authorized(event_for(asked, forged()))["policyDocument"]

    assert evaluate(policy, elsewhere) is not Decision.ALLOW


@pytest.mark.parametrize(
    "arn",
    [
        "*",
        "",
        "arn:aws:execute-api:*",
        "arn:aws:execute-api:*:123456789012:abcdef1234/prod/GET/jobs",
        "arn:aws:execute-api:eu-west-1:*:abcdef1234/prod/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:*/prod/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:abc*/prod/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/*/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/pr?d/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234",
        "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod",
        "arn:aws:lambda:eu-west-1:123456789012:function:x/prod/GET/jobs",
        "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/${aws:username}/GET",
        " " + ROUTES[0],
        "x" + ROUTES[0],
        "٠" + ROUTES[0],
        ROUTES[0].replace("1", "١"),
    ],
    ids=ascii,
)
def test_an_arn_that_is_not_one_stages_allows_nothing(kit: Kit, arn: str) -> None:
    with pytest.raises(Unauthorized):
        kit.authorized(event_for(arn, forged()))


@pytest.mark.parametrize("arn", [None, 0, [], {}, ["arn"], True])
def test_an_arn_that_is_no_text_allows_nothing(kit: Kit, arn: object) -> None:
    with pytest.raises(Unauthorized):
        kit.authorized({"type": "TOKEN", "authorizationToken": f"Bearer {forged()}", "methodArn": arn})


def test_the_resource_is_one_stage_and_the_action_one_action(kit: Kit) -> None:
    for route in ROUTES:
        answer = kit.authorized(event_for(route, forged()))
        [statement] = answer["policyDocument"]["Statement"]
        assert statement == {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{STAGE}/*"}


def test_the_principal_is_the_subject(kit: Kit) -> None:
    assert kit.authorized(event_for(ARN, forged()))["principalId"] == USER.id


def test_the_context_is_flat_and_holds_no_token(kit: Kit) -> None:
    token = forged(payload=good_claims(amr=["pwd", "otp"], labels=["admin", "tsp:operator"]))

    context = kit.authorized(event_for(ARN, token))["context"]

    assert context == {
        "sub": USER.id,
        "sid": SID,
        "jti": JTI,
        "scope": "portal:read",
        "client_id": "portal-web",
        "device_id": "01900000-0000-7000-8000-00000000000d",
        "token_type": "access",
        "auth_time": START,
        "acr": "",
        "amr": "pwd otp",
        "labels": "admin,tsp:operator",
        "exp": START + 600,
    }
    for part in token.split("."):
        assert part not in json.dumps(context)


ODD_EVENTS: dict[str, Any] = {
    "none": None,
    "a list": [],
    "a text": "event",
    "a number": 1,
    "empty": {},
    "unknown version": {"version": "3.0", "methodArn": ARN},
    "unknown type": {"type": "OTHER", "methodArn": ARN},
    "a schedule": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    "a Portal event": {"source": "portal.users", "detail-type": "UserDisabled", "detail": {"user_id": "x"}},
    "an API event": {"httpMethod": "GET", "path": "/", "headers": {}, "requestContext": {}},
    "nulls": {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": None,
        "multiValueHeaders": None,
        "requestContext": None,
        "cookies": None,
    },
    "token null": {"type": "TOKEN", "authorizationToken": None, "methodArn": ARN},
    "token a list": {"type": "TOKEN", "authorizationToken": ["Bearer x"], "methodArn": ARN},
    "token an object": {"type": "TOKEN", "authorizationToken": {"Bearer": "x"}, "methodArn": ARN},
    "headers a list": {"type": "REQUEST", "methodArn": ARN, "headers": ["Authorization"]},
    "headers a text": {"type": "REQUEST", "methodArn": ARN, "headers": "Authorization: Bearer x"},
    "header a list": {"type": "REQUEST", "methodArn": ARN, "headers": {"Authorization": ["Bearer x"]}},
    "header null": {"type": "REQUEST", "methodArn": ARN, "headers": {"Authorization": None}},
    "multi values null": {"type": "REQUEST", "methodArn": ARN, "multiValueHeaders": {"Authorization": None}},
    "multi values empty": {"type": "REQUEST", "methodArn": ARN, "multiValueHeaders": {"Authorization": []}},
    "multi values a text": {"type": "REQUEST", "methodArn": ARN, "multiValueHeaders": {"Authorization": "x"}},
    "multi values of null": {
        "type": "REQUEST",
        "methodArn": ARN,
        "multiValueHeaders": {"Authorization": [None]},
    },
    "multi values a number": {"type": "REQUEST", "methodArn": ARN, "multiValueHeaders": {"Authorization": 1}},
    "cookies a text": {"type": "REQUEST", "methodArn": ARN, "cookies": "__Host-session=x"},
    "cookies of null": {"type": "REQUEST", "methodArn": ARN, "cookies": [None]},
    "context a list": {"type": "REQUEST", "methodArn": ARN, "requestContext": []},
    "http a text": {"type": "REQUEST", "methodArn": ARN, "requestContext": {"http": "GET"}},
}


@pytest.mark.parametrize("event", ODD_EVENTS.values(), ids=ODD_EVENTS)
def test_an_odd_event_is_refused_with_exactly_unauthorized(kit: Kit, event: Any) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        kit.authorized(event)


@pytest.mark.parametrize(
    "event",
    [e for e in ODD_EVENTS.values() if isinstance(e, dict) and e.get("version") != "3.0"],
    ids=[name for name, e in ODD_EVENTS.items() if isinstance(e, dict) and e.get("version") != "3.0"],
)
def test_an_odd_event_of_an_http_api_is_refused_with_a_real_false(kit: Kit, event: dict[str, Any]) -> None:
    answer = kit.authorized({**event, "version": "2.0"})

    assert answer == {"isAuthorized": False}
    assert answer["isAuthorized"] is False


FAILURES = [
    Unavailable("database error 2003"),
    TokenServiceError("x"),
    RuntimeError("boom"),
    KeyError("sub"),
    RecursionError(),
    MemoryError(),
    AssertionError(),
    ZeroDivisionError(),
    UnicodeEncodeError("utf-8", "x", 0, 1, "x"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("simple_response", [True, False])
def test_any_failure_refuses(error: Exception, simple_response: bool) -> None:
    def failing(credential: Credential) -> Validated:
        raise error

    telemetry = RecordedTelemetry()

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        return authorize(event, failing, AuthorizerOptions(simple_response=simple_response), telemetry)

    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        answer(event_for(ARN, "x"))
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        answer({"type": "REQUEST", "headers": {"Authorization": "Bearer x"}, "methodArn": ARN})
    http = answer({"version": "2.0", "headers": {"authorization": "Bearer x"}, "routeArn": ARN})
    if simple_response:
        assert http == {"isAuthorized": False}
    else:
        assert evaluate(http["policyDocument"], ARN) is Decision.EXPLICIT_DENY
    fault = {} if isinstance(error, TokenServiceError) else {"ServerError": 3}
    unavailable = {"Unavailable": 3} if isinstance(error, Unavailable) else {}
    assert telemetry.counts == {"AuthorizerRefused": 3, **unavailable, **fault}


def test_with_the_feed_out_of_reach_known_good_tokens_pass_until_the_stated_time(kit: Kit) -> None:
    token = forged()
    kit.authorized(event_for(ARN, token))
    kit.source.is_down = True

    kit.clock.now = START + 59
    assert kit.authorized(event_for(ARN, token))["principalId"] == USER.id
    kit.clock.now = START + 60
    with pytest.raises(Unauthorized):
        kit.authorized(event_for(ARN, token))


def test_with_the_feed_out_of_reach_from_the_start_nothing_passes(kit: Kit) -> None:
    kit.source.is_down = True

    with pytest.raises(Unauthorized):
        kit.authorized(event_for(ARN, forged()))


def test_with_the_keys_out_of_reach_from_the_start_nothing_passes(kit: Kit) -> None:
    kit.table.is_down = True

    with pytest.raises(Unauthorized):
        kit.authorized(event_for(ARN, forged()))


def test_a_warm_instance_mixes_no_two_callers(kit: Kit) -> None:
    alice = forged()
    bob_id = "22222222-2222-7222-8222-222222222222"
    bob = forged(payload=good_claims(sub=bob_id, labels=[], jti=SID, sid=JTI, scope=""))

    for _ in range(3):
        assert kit.authorized(event_for(ARN, alice))["context"]["labels"] == "admin"
        with pytest.raises(Unauthorized):
            kit.authorized(event_for(ARN, alice[:-4] + "AAAA"))
        answer = kit.authorized(event_for(ARN, bob))
        assert (answer["principalId"], answer["context"]["labels"], answer["context"]["scope"]) == (
            bob_id,
            "",
            "",
        )


def test_an_answer_changed_by_its_reader_changes_no_later_one(kit: Kit) -> None:
    first = kit.authorized(event_for(ARN, forged()))
    first["context"]["sub"] = "somebody else"
    first["policyDocument"]["Statement"][0]["Resource"] = "*"

    assert kit.authorized(event_for(ARN, forged()))["context"]["sub"] == USER.id


def test_no_bearer_token_is_kept_in_memory(kit: Kit) -> None:
    token = forged()
    kit.authorized(event_for(ARN, token))

    kept = repr(vars(kit.verifier)) + repr(vars(kit.feed))

    assert not re.search("|".join(map(re.escape, token.split("."))), kept)


@pytest.mark.parametrize("name", ["sid", "jti"])
def test_a_revocation_reaches_a_token_that_was_let_in_before(kit: Kit, name: str) -> None:
    token = forged()
    kit.authorized(event_for(ARN, token))
    identifier = bytes.fromhex(good_claims()[name].replace("-", ""))

    kit.source.rows = [(identifier, START)]

    with pytest.raises(Unauthorized):
        kit.authorized(event_for(ARN, token))


def test_the_own_routes_refuse_the_tokens_of_a_session_that_is_over_or_a_user_who_is_not_active(
    kit: Kit,
) -> None:
    states = {
        "revoked": session_record(revoked_at=START),
        "expired": session_record(expires_at=START),
        "past its absolute end": session_record(absolute_expires_at=START),
        "of nobody": session_record(owner=None),
    }

    for name, record in states.items():
        kit.store.records = {record.id: record}
        assert kit.http(authorization=f"Bearer {forged()}")["statusCode"] == 401, name
    kit.store.records = {}
    assert kit.http(authorization=f"Bearer {forged()}")["statusCode"] == 401


LISTED = {
    "a comma": (["a,b", "c"], "a%2Cb,c"),
    "what looks encoded": (["a%2Cb"], "a%252Cb"),
    "another script": (["Zürich", "🚚"], "Z%C3%BCrich,%F0%9F%9A%9A"),
    "inner spaces and signs": (["two words", 'x:y-z_"/\\'], 'two words,x:y-z_"/\\'),
    "what no label may hold": ([" admin", "x\ny", "", "z"], "z"),
    "none": ([], ""),
}


@pytest.mark.parametrize(("labels", "listed"), LISTED.values(), ids=LISTED)
def test_no_label_in_the_context_holds_the_separator(kit: Kit, labels: list[str], listed: str) -> None:
    token = forged(payload=good_claims(labels=labels))

    context = kit.authorized(event_for(ARN, token))["context"]

    assert context["labels"] == listed
    assert context["labels"].isascii()
    assert set(map(unquote, filter(None, listed.split(",")))) <= set(labels)


@pytest.mark.parametrize("method", ["pwd otp", "", "a\tb", "otp\u00a0"])
def test_a_method_that_a_list_of_methods_cannot_hold_is_refused(kit: Kit, method: str) -> None:
    with pytest.raises(Exception, match="Unauthorized"):
        kit.authorized(event_for(ARN, forged(payload=good_claims(amr=[method]))))
