"""Lambda authorizers: who is asked, what is remembered, and what each answer means."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.authorizers.gate import AuthorizerGate
from local.http.call import Call
from local.http.events import Authorized
from local.http.messages import GatewayRequest
from local.http.refusals import Refusal
from local.runners import FunctionError, Throttled
from local.templates.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    IdentitySource,
    RefusalType,
    Route,
    SourceKind,
)

API_ARN = "arn:aws:execute-api:eu-west-1:123456789012:jobs/live"
HEADER = IdentitySource(SourceKind.HEADER, "Authorization")


class FakeRunner:
    """Answers by a function of the event and remembers the events."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer
        self.events: list[Any] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.events.append(event)
        return self.answer(event)

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def allow(resource: str = "*", **members: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "alice", "policyDocument": policy, **members}


def token_authorizer(ttl_s: int = 0, expression: str | None = None) -> Authorizer:
    return Authorizer("Tokens", "F", AuthorizerType.TOKEN, (HEADER,), ttl_s, validation_expression=expression)


def simple_authorizer(ttl_s: int = 0, *sources: IdentitySource) -> Authorizer:
    return Authorizer("Simple", "F", AuthorizerType.REQUEST, sources or (HEADER,), ttl_s, "2.0", True)


def policy_authorizer(ttl_s: int = 0) -> Authorizer:
    return Authorizer("Policy", "F", AuthorizerType.REQUEST, (HEADER,), ttl_s, "2.0")


def call(
    kind: ApiKind = ApiKind.REST,
    token: str | None = "Bearer t",
    method: str = "GET",
    path: str = "/jobs",
    query: str = "",
) -> Call:
    headers = (("authorization", token),) if token is not None else ()
    route = Route(method, path, "JobsFunction")
    api = Api(kind, "jobs", "live", (route,))
    return Call(GatewayRequest(method, path, query, headers), api, path, "id", 0.0, route, {})


def gate(answer: Callable[[Any], Any], clock: Clock | None = None) -> tuple[AuthorizerGate, FakeRunner]:
    runner = FakeRunner(answer)
    return AuthorizerGate(runner, clock or Clock()), runner


def refusal(outcome: object) -> tuple[int, str | None]:
    assert isinstance(outcome, Refusal)
    return outcome.status, outcome.message


def fail(error_type: str, message: str) -> Callable[[Any], Any]:
    def answer(event: Any) -> Any:
        raise FunctionError(error_type, message, {})

    return answer


# Identity sources


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize("kind", list(ApiKind))
def test_a_missing_or_empty_credential_is_401_and_asks_nobody(kind: ApiKind, token: str | None) -> None:
    admission, runner = gate(lambda event: allow())
    authorizer = token_authorizer() if kind is ApiKind.REST else simple_authorizer()

    outcome = admission.admit(call(kind, token), authorizer)

    assert refusal(outcome) == (401, "Unauthorized")
    assert runner.events == []


def test_every_identity_source_must_be_there() -> None:
    admission, runner = gate(lambda event: {"isAuthorized": True})
    authorizer = simple_authorizer(0, HEADER, IdentitySource(SourceKind.QUERY, "key"))

    assert refusal(admission.admit(call(ApiKind.HTTP), authorizer))[0] == 401
    assert refusal(admission.admit(call(ApiKind.HTTP, query="KEY=1"), authorizer))[0] == 401
    assert isinstance(admission.admit(call(ApiKind.HTTP, query="key=1"), authorizer), Authorized)
    assert runner.events[0]["identitySource"] == ["Bearer t", "1"]


def test_a_token_that_fails_the_expression_is_401_and_asks_nobody() -> None:
    admission, runner = gate(lambda event: allow())
    authorizer = token_authorizer(expression="^Bearer .+")

    assert refusal(admission.admit(call(token="Basic x"), authorizer))[0] == 401
    assert runner.events == []
    assert isinstance(admission.admit(call(), authorizer), Authorized)


def test_an_authorizer_without_identity_sources_is_always_asked() -> None:
    admission, runner = gate(lambda event: {"isAuthorized": True})
    authorizer = replace(simple_authorizer(), identity_sources=())

    assert isinstance(admission.admit(call(ApiKind.HTTP, None), authorizer), Authorized)
    assert len(runner.events) == 1


def test_a_method_arn_that_is_too_long_is_414() -> None:
    admission, runner = gate(lambda event: allow())

    assert refusal(admission.admit(call(path="/" + "a" * 1600), token_authorizer()))[0] == 414
    assert runner.events == []


# Answers


def test_a_simple_yes_hands_on_its_context_with_its_types() -> None:
    context = {"sub": "alice", "exp": 7, "fresh": True, "labels": ["a"]}
    admission, _ = gate(lambda event: {"isAuthorized": True, "context": context})

    assert admission.admit(call(ApiKind.HTTP), simple_authorizer()) == Authorized(None, context)


def test_a_simple_no_is_forbidden() -> None:
    admission, _ = gate(lambda event: {"isAuthorized": False})

    outcome = admission.admit(call(ApiKind.HTTP), simple_authorizer())

    assert refusal(outcome) == (403, "Forbidden")


@pytest.mark.parametrize("answer", [None, {}, {"isAuthorized": "false"}, {"isAuthorized": 1}, allow(), []])
def test_a_simple_answer_that_is_no_boolean_is_500(answer: Any) -> None:
    admission, _ = gate(lambda event: answer)

    outcome = admission.admit(call(ApiKind.HTTP), simple_authorizer())

    assert refusal(outcome) == (500, "Internal Server Error")


def test_a_rest_context_becomes_text() -> None:
    context = {"sub": "alice", "exp": 7, "ratio": 0.5, "fresh": True}
    admission, _ = gate(lambda event: allow(context=context))

    outcome = admission.admit(call(), token_authorizer())

    expected = {"sub": "alice", "exp": "7", "ratio": "0.5", "fresh": "true"}
    assert outcome == Authorized("alice", expected)


@pytest.mark.parametrize("context", [{"a": {"b": 1}}, {"a": [1]}, {"a": None}, "text", [1]], ids=repr)
def test_a_rest_context_that_is_not_flat_is_500(context: object) -> None:
    admission, _ = gate(lambda event: allow(context=context))

    outcome = admission.admit(call(), token_authorizer())

    assert refusal(outcome) == (500, None)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "allow",
        {"isAuthorized": True},
        {"principalId": "alice"},
        {**allow(), "principalId": 7},
        {**allow(), "policyDocument": {"Statement": [{"Effect": "Allow"}]}},
    ],
)
def test_a_policy_answer_of_the_wrong_shape_is_500(answer: Any) -> None:
    admission, _ = gate(lambda event: answer)

    assert refusal(admission.admit(call(), token_authorizer()))[0] == 500
    assert refusal(admission.admit(call(ApiKind.HTTP), policy_authorizer()))[0] == 500


def test_a_rest_denial_says_whether_it_was_explicit() -> None:
    deny = allow()
    deny["policyDocument"]["Statement"][0]["Effect"] = "Deny"
    explicit, _ = gate(lambda event: deny)
    implicit, _ = gate(lambda event: allow("arn:other"))

    text = "User is not authorized to access this resource"
    assert refusal(implicit.admit(call(), token_authorizer())) == (403, text)
    assert refusal(explicit.admit(call(), token_authorizer())) == (
        403,
        f"{text} with an explicit deny in an identity-based policy",
    )


@pytest.mark.parametrize("kind", list(ApiKind))
def test_a_denial_keeps_what_the_authorizer_said_of_it(kind: ApiKind) -> None:
    admission, _ = gate(lambda event: allow("arn:other", context={"error": "insufficient_scope"}))

    outcome = admission.admit(call(kind), policy_authorizer())

    assert isinstance(outcome, Refusal)
    assert outcome.type is RefusalType.ACCESS_DENIED
    assert outcome.authorizer == {"error": "insufficient_scope", "principalId": "alice"}


@pytest.mark.parametrize("kind", list(ApiKind))
def test_the_exception_unauthorized_is_401(kind: ApiKind) -> None:
    admission, _ = gate(fail("Exception", "Unauthorized"))

    outcome = admission.admit(call(kind), policy_authorizer())

    assert refusal(outcome) == (401, "Unauthorized")


@pytest.mark.parametrize("message", ["unauthorized", "Unauthorized: expired", "boom", ""])
def test_any_other_exception_is_500(message: str) -> None:
    admission, _ = gate(fail("Exception", message))

    assert refusal(admission.admit(call(), token_authorizer()))[0] == 500


@pytest.mark.parametrize("kind", list(ApiKind))
@pytest.mark.parametrize("error", [TimeoutError(), Throttled("TooManyRequestsException", "Rate Exceeded.")])
def test_an_authorizer_that_takes_too_long_or_is_throttled_is_500(kind: ApiKind, error: Exception) -> None:
    def absent(event: Any) -> Any:
        raise error

    admission, _ = gate(absent)

    assert refusal(admission.admit(call(kind), policy_authorizer()))[0] == 500


# Cache


def test_without_a_cache_time_every_call_asks() -> None:
    admission, runner = gate(lambda event: allow())

    for _ in range(3):
        admission.admit(call(), token_authorizer(ttl_s=0))

    assert len(runner.events) == 3


def test_a_result_is_remembered_until_its_time_ends_to_the_second() -> None:
    clock = Clock()
    admission, runner = gate(lambda event: allow(), clock)

    admission.admit(call(), token_authorizer(ttl_s=60))
    clock.now += 59.999
    admission.admit(call(), token_authorizer(ttl_s=60))
    assert len(runner.events) == 1

    clock.now += 0.001
    admission.admit(call(), token_authorizer(ttl_s=60))
    assert len(runner.events) == 2


def test_using_a_result_does_not_lengthen_its_time() -> None:
    clock = Clock()
    admission, runner = gate(lambda event: allow(), clock)

    for _ in range(4):
        admission.admit(call(), token_authorizer(ttl_s=60))
        clock.now += 30

    assert len(runner.events) == 2


def test_another_credential_has_a_result_of_its_own() -> None:
    admission, runner = gate(lambda event: allow())

    for token in ("Bearer a", "Bearer b", "bearer a"):
        admission.admit(call(token=token), token_authorizer(ttl_s=60))

    assert len(runner.events) == 3


def test_two_authorizers_of_an_api_do_not_share_results() -> None:
    admission, runner = gate(lambda event: allow())

    admission.admit(call(), token_authorizer(ttl_s=60))
    admission.admit(call(), policy_authorizer(ttl_s=60))

    assert len(runner.events) == 2


@pytest.mark.parametrize(
    ("kind", "authorizer"),
    [(ApiKind.REST, token_authorizer(60)), (ApiKind.HTTP, policy_authorizer(60))],
    ids=["rest", "http"],
)
def test_a_remembered_policy_is_evaluated_again_for_each_route(kind: ApiKind, authorizer: Authorizer) -> None:
    admission, runner = gate(lambda event: allow(f"{API_ARN}/GET/jobs"))

    assert isinstance(admission.admit(call(kind), authorizer), Authorized)
    assert refusal(admission.admit(call(kind, method="POST"), authorizer))[0] == 403
    assert refusal(admission.admit(call(kind, path="/jobs/7"), authorizer))[0] == 403
    assert isinstance(admission.admit(call(kind), authorizer), Authorized)
    assert len(runner.events) == 1


def test_a_policy_remembered_from_a_refused_route_still_opens_another() -> None:
    admission, runner = gate(lambda event: allow(f"{API_ARN}/GET/jobs"))

    assert refusal(admission.admit(call(method="POST"), token_authorizer(60)))[0] == 403
    assert isinstance(admission.admit(call(), token_authorizer(60)), Authorized)
    assert len(runner.events) == 1


def test_a_remembered_simple_response_stands_for_every_route() -> None:
    admission, runner = gate(lambda event: {"isAuthorized": event["routeArn"].endswith("GET/jobs")})

    assert isinstance(admission.admit(call(ApiKind.HTTP), simple_authorizer(60)), Authorized)
    other = admission.admit(call(ApiKind.HTTP, method="POST"), simple_authorizer(60))
    assert isinstance(other, Authorized)
    assert len(runner.events) == 1


def test_the_route_key_among_the_sources_makes_results_per_route() -> None:
    admission, runner = gate(lambda event: {"isAuthorized": event["routeArn"].endswith("GET/jobs")})
    per_route = simple_authorizer(60, HEADER, IdentitySource(SourceKind.CONTEXT, "routeKey"))

    assert isinstance(admission.admit(call(ApiKind.HTTP), per_route), Authorized)
    assert refusal(admission.admit(call(ApiKind.HTTP, method="POST"), per_route))[0] == 403
    assert len(runner.events) == 2


def test_a_refusal_is_remembered_like_a_pass() -> None:
    admission, runner = gate(lambda event: {"isAuthorized": False})

    for _ in range(2):
        assert refusal(admission.admit(call(ApiKind.HTTP), simple_authorizer(60)))[0] == 403

    assert len(runner.events) == 1


def test_a_failure_is_not_remembered() -> None:
    admission, runner = gate(fail("Exception", "Unauthorized"))
    admission.admit(call(), token_authorizer(60))

    runner.answer = lambda event: {"nonsense": 1}
    admission.admit(call(), token_authorizer(60))

    runner.answer = lambda event: allow()
    assert isinstance(admission.admit(call(), token_authorizer(60)), Authorized)
    assert len(runner.events) == 3
