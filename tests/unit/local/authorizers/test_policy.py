"""IAM policies of authorizers: who may invoke what."""

from typing import Any

import pytest

from local.authorizers.policy import Decision, PolicyError, evaluate

API = "arn:aws:execute-api:eu-west-1:123456789012:jobsapi/live"
GET_JOBS = f"{API}/GET/jobs"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(resource: Any, action: Any = "execute-api:Invoke") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def deny(resource: Any, action: Any = "execute-api:Invoke") -> dict[str, Any]:
    return {**allow(resource, action), "Effect": "Deny"}


@pytest.mark.parametrize(
    "statement",
    [
        allow(GET_JOBS),
        allow("*"),
        allow(f"{API}/*"),
        allow(f"{API}/G?T/jobs"),
        allow([f"{API}/POST/jobs", GET_JOBS]),
        allow(GET_JOBS, "execute-api:*"),
        allow(GET_JOBS, "*"),
        allow(GET_JOBS, ["lambda:InvokeFunction", "EXECUTE-API:invoke"]),
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotResource": f"{API}/POST/*"},
    ],
)
def test_a_statement_that_covers_the_method_allows_it(statement: dict[str, Any]) -> None:
    assert evaluate(policy(statement), GET_JOBS) is Decision.ALLOW


@pytest.mark.parametrize(
    "statement",
    [
        allow(f"{API}/POST/jobs"),
        allow(f"{API}/GET/jobs/*"),
        allow(f"{API}/GET/JOBS"),
        allow(f"{API}/GET/job"),
        allow("arn:aws:execute-api:eu-west-1:123456789012:other/*"),
        allow(GET_JOBS, "execute-api:ManageConnections"),
        allow(GET_JOBS, "execute-api:Invok"),
        {"Effect": "Allow", "NotAction": "execute-api:Invoke", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotResource": f"{API}/GET/*"},
    ],
)
def test_a_statement_about_something_else_leaves_the_method_denied(
    statement: dict[str, Any],
) -> None:
    assert evaluate(policy(statement), GET_JOBS) is Decision.IMPLICIT_DENY


def test_an_explicit_deny_wins_over_an_allow_before_and_after_it() -> None:
    assert evaluate(policy(allow("*"), deny(GET_JOBS)), GET_JOBS) is Decision.EXPLICIT_DENY
    assert evaluate(policy(deny(GET_JOBS), allow("*")), GET_JOBS) is Decision.EXPLICIT_DENY


def test_a_deny_of_another_method_does_not_touch_this_one() -> None:
    assert evaluate(policy(allow("*"), deny(f"{API}/POST/jobs")), GET_JOBS) is Decision.ALLOW


def test_one_statement_need_not_be_in_a_list() -> None:
    assert evaluate({"Statement": allow("*")}, GET_JOBS) is Decision.ALLOW


def test_a_wildcard_typed_into_the_path_does_not_act_as_one() -> None:
    assert evaluate(policy(allow(GET_JOBS)), f"{API}/GET/*") is Decision.IMPLICIT_DENY


def test_regular_expression_signs_in_a_resource_are_plain_text() -> None:
    assert evaluate(policy(allow(f"{API}/GET/j.bs")), GET_JOBS) is Decision.IMPLICIT_DENY


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        "Allow",
        [],
        {},
        {"Statement": []},
        {"Statement": "Allow"},
        {"Version": "2026-01-01", "Statement": [allow("*")]},
        policy("Allow"),  # type: ignore[arg-type]
        policy({"Action": "*", "Resource": "*"}),
        policy({"Effect": "allow", "Action": "*", "Resource": "*"}),
        policy({"Effect": "Allow", "Resource": "*"}),
        policy({"Effect": "Allow", "Action": "*"}),
        policy({"Effect": "Allow", "Action": "*", "NotAction": "s3:*", "Resource": "*"}),
        policy(allow([])),
        policy(allow([1])),
        policy(allow("")),
        policy(allow("*", {"any": 1})),
        policy(allow("a" * 513)),
        policy({**allow("*"), "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        policy(deny("*"), {"Effect": "Maybe"}),
    ],
)
def test_a_malformed_policy_is_an_error_and_no_decision(malformed: object) -> None:
    with pytest.raises(PolicyError):
        evaluate(malformed, GET_JOBS)
