"""Who may do what: each function has its own role, and of the KMS key only the purposes that it needs."""

import ast
from typing import Any

import pytest

from tests.architecture.deployment import (
    FUNCTIONS,
    PARAMETERS,
    functions,
    of_type,
    parameters,
    resources,
    statements,
    written,
)

SIGNING, CHAIN, METADATA = "signing", "token-chain", "metadata"
PURPOSE = "kms:EncryptionContext:purpose"
DECRYPT, ENCRYPT = "kms:Decrypt", "kms:Encrypt"

# Function → what it may unwrap, what it may wrap. Only what signs may unwrap signing keys; only what makes
# the first keys, or new ones, may wrap.
MAY = {
    "issue": ({SIGNING, CHAIN, METADATA}, {SIGNING, CHAIN, METADATA}),
    "refresh": ({SIGNING, CHAIN, METADATA}, {SIGNING, CHAIN, METADATA}),
    "revoke": ({CHAIN, METADATA}, set()),
    "sessions": ({CHAIN, METADATA}, set()),
    "introspect": ({CHAIN}, set()),
    "discovery": (set(), set()),
    "authorizer": ({CHAIN}, set()),
    "cleanup": (set(), set()),
    "rotate_keys": (set(), {SIGNING}),
    "analytics": ({CHAIN, METADATA}, set()),
    "migrate": (set(), set()),
}
EACH = pytest.mark.parametrize("function", sorted(MAY))
LOGIN = f"arn:aws:rds-db:eu-west-1:123456789012:dbuser:{PARAMETERS['DbResourceId']}/{parameters()['DbUser']['Default']}"
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
}


def purposes(function: str, action: str) -> set[str]:
    """The purposes for which a function's role has a KMS action."""
    return {
        purpose
        for statement in statements(function)
        if action in statement["Action"]
        for purpose in statement["Condition"]["StringEquals"][PURPOSE]
    }


def kms_statements(function: str) -> list[dict[str, Any]]:
    return [s for s in statements(function) if any(a.startswith("kms:") for a in s["Action"])]


def may_create_keys(function: str) -> bool:
    """Whether the handler asks for a key ring that makes missing keys."""
    tree = ast.parse((FUNCTIONS / function / "app.py").read_text(encoding="utf-8"))
    return any(isinstance(node, ast.keyword) and node.arg == "may_create_keys" for node in ast.walk(tree))


def test_the_matrix_names_every_function() -> None:
    assert set(MAY) == set(functions())


@EACH
def test_a_function_unwraps_and_wraps_only_for_its_purposes(function: str) -> None:
    assert (purposes(function, DECRYPT), purposes(function, ENCRYPT)) == MAY[function]


@EACH
def test_a_function_uses_the_one_key_for_nothing_else(function: str) -> None:
    for statement in kms_statements(function):
        assert set(statement["Action"]) <= {DECRYPT, ENCRYPT}
        assert statement["Resource"] == "TokenKey.Arn"
        assert list(statement["Condition"]) == ["StringEquals"]
        assert list(statement["Condition"]["StringEquals"]) == [PURPOSE]


@EACH
def test_the_functions_that_make_keys_are_those_that_may_wrap_them(function: str) -> None:
    assert may_create_keys(function) == bool(MAY[function][1])


@EACH
def test_a_function_logs_into_the_database_as_the_one_user(function: str) -> None:
    allowed = [s["Resource"] for s in statements(function) if "rds-db:connect" in s["Action"]]

    assert allowed == [LOGIN]


@EACH
def test_a_role_has_no_wildcard_and_nothing_unexpected(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert set(statement["Action"]) <= {DECRYPT, ENCRYPT, "rds-db:connect", "sqs:SendMessage"}
        assert "*" not in statement["Resource"]


@EACH
def test_a_function_has_a_role_of_its_own(function: str) -> None:
    name = functions()[function]

    assert resources()[name]["Properties"]["Role"] == f"{name}Role.Arn"
    assert set(resources()[f"{name}Role"]["Properties"]["ManagedPolicyArns"]) <= MANAGED


def test_the_key_trusts_the_account_alone_and_is_kept() -> None:
    key = written()["Resources"]["TokenKey"]
    [properties] = of_type("AWS::KMS::Key").values()
    [statement] = properties["KeyPolicy"]["Statement"]

    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert properties["EnableKeyRotation"] is True
    assert properties["PendingWindowInDays"] == 30
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_only_services_of_aws_may_invoke_a_function() -> None:
    invokers = {properties["Principal"] for properties in of_type("AWS::Lambda::Permission").values()}

    assert invokers <= {"apigateway.amazonaws.com", "events.amazonaws.com"}


def test_a_permission_to_invoke_names_its_source() -> None:
    unbound = [n for n, p in of_type("AWS::Lambda::Permission").items() if not p.get("SourceArn")]

    assert unbound == []
