"""Who may do what: each function has its own role, and of the KMS key only the purposes that it needs."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from auth_tokens.domain.keys import Purpose
from local.templates.arns import function_arn
from tests.architecture.deployment import (
    FUNCTIONS,
    STACK,
    each_statement,
    functions,
    of_type,
    parameters,
    resources,
    resources_with,
    statements,
    variables,
    written,
)

SIGNING, CHAIN, METADATA = "signing", "token-chain", "metadata"
PURPOSE = "kms:EncryptionContext:purpose"
DECRYPT, ENCRYPT = "kms:Decrypt", "kms:Encrypt"
PUBLISH = "events:PutEvents"

# Function → what it may unwrap, what it may wrap. Only what signs may unwrap signing keys; only what makes
# the first keys, or new ones, may wrap. A new epoch of the token chain takes the pseudonyms' key over.
MAY = {
    "issue": ({SIGNING, CHAIN, METADATA}, {SIGNING, CHAIN, METADATA}),
    "refresh": ({SIGNING, CHAIN, METADATA}, set()),
    "revoke": ({CHAIN, METADATA}, set()),
    "sessions": ({CHAIN, METADATA}, set()),
    "introspect": ({CHAIN}, set()),
    "discovery": (set(), set()),
    "revocations": ({SIGNING}, set()),
    "authorizer": ({CHAIN}, set()),
    "cleanup": (set(), set()),
    "rotate_keys": ({CHAIN, METADATA}, {SIGNING, CHAIN, METADATA}),
    "analytics": ({CHAIN, METADATA}, set()),
    "console": ({CHAIN, METADATA}, set()),
    "migrate": (set(), set()),
}
EACH = pytest.mark.parametrize("function", sorted(MAY))
# Whose database user a function is. Only the migrator may change the schema (functions/migrate/grants.sql).
READERS = {"introspect", "discovery", "authorizer", "revocations"}
MIGRATORS = {"migrate"}
KEYS = pytest.mark.parametrize("key", ["TokenKey", "OperationsKey"])
ACCOUNTS = ["111111111111", "222222222222"]
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
}


def key_statements(key: str, among: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The statements of a key's policy; Principal's AWS is always a list."""
    found = []
    for statement in each_statement(of_type("AWS::KMS::Key", among)[key]["KeyPolicy"]):
        principals = statement["Principal"].get("AWS", [])
        listed = [principals] if isinstance(principals, str) else principals
        found.append({**statement, "Principal": {**statement["Principal"], "AWS": listed}})
    return found


def role_of(function: str) -> str:
    return f"{functions()[function]}Role.Arn"


def key_rights(key: str, function: str, among: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The statements of a key's policy that name a function's role."""
    return [s for s in key_statements(key, among) if role_of(function) in s["Principal"]["AWS"]]


def purposes(function: str, action: str) -> set[str]:
    """The purposes for which a function's role has a KMS action."""
    return {
        purpose
        for statement in key_rights("TokenKey", function)
        if action in statement["Action"]
        for purpose in statement["Condition"]["StringEquals"][PURPOSE]
    }


def kms_statements(function: str) -> list[dict[str, Any]]:
    return [s for s in statements(function) if any(a.startswith("kms:") for a in s["Action"])]


def permissions() -> dict[str, Any]:
    """Who may invoke a function, with two accounts beside our own."""
    return of_type("AWS::Lambda::Permission", resources_with(AuthorizerAccountIds=",".join(ACCOUNTS)))


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
def test_a_function_has_a_right_to_a_key_by_the_key_s_policy_alone(function: str) -> None:
    assert kms_statements(function) == []
    for statement in key_rights("TokenKey", function):
        assert set(statement["Action"]) <= {DECRYPT, ENCRYPT}
        assert list(statement["Condition"]) == ["StringEquals"]
        assert list(statement["Condition"]["StringEquals"]) == [PURPOSE]


@EACH
def test_the_functions_that_make_keys_are_those_that_may_wrap_them(function: str) -> None:
    assert may_create_keys(function) == bool(MAY[function][1])


# With SigningMode=kms: function → what it may do with the signing keys, and nothing else changes.
MAY_BY_KMS = {
    "issue": {"kms:Sign", "kms:GetPublicKey"},
    "refresh": {"kms:Sign"},
    "revocations": {"kms:Sign"},
    "rotate_keys": {"kms:GetPublicKey"},
}
KEYS_NAMED = ["arn:aws:kms:eu-west-1:123456789012:key/one", "arn:aws:kms:eu-west-1:123456789012:key/two"]


def signing_by_kms(*keys: str) -> Mapping[str, Any]:
    return resources_with(SigningMode="kms", CreateSigningKey="true", SigningKeyArns=",".join(keys))


@EACH
def test_only_what_signs_may_sign_by_the_stack_s_own_key(function: str) -> None:
    deployed = signing_by_kms()

    rights = key_rights("SigningKey", function, deployed)

    assert {action for s in rights for action in s["Action"]} == MAY_BY_KMS.get(function, set())
    assert list(statements(function, deployed)) == list(statements(function))


@EACH
def test_only_what_signs_may_sign_by_keys_that_are_named(function: str) -> None:
    usual = list(statements(function))

    further = [s for s in statements(function, signing_by_kms(*KEYS_NAMED)) if s not in usual]

    assert {action for s in further for action in s["Action"]} == MAY_BY_KMS.get(function, set())
    assert all(statement["Resource"] == KEYS_NAMED for statement in further)


def test_keys_that_are_named_without_signing_by_kms_give_no_right() -> None:
    deployed = resources_with(SigningKeyArns=",".join(KEYS_NAMED))

    assert [f for f in functions() if list(statements(f, deployed)) != list(statements(f))] == []


@pytest.mark.parametrize(("keys", "known"), [([], "SigningKey.Arn"), (KEYS_NAMED, ",".join(KEYS_NAMED))])
def test_the_functions_know_the_signing_keys_in_the_order_of_their_turns(keys: list[str], known: str) -> None:
    environment = signing_by_kms(*keys)["IssueFunction"]["Properties"]["Environment"]["Variables"]

    assert environment["SIGNING_KMS_KEY_IDS"] == known
    assert variables("issue")["SIGNING_KMS_KEY_IDS"] == ""


def test_the_signing_key_is_of_one_algorithm_for_good_and_is_kept() -> None:
    body = signing_by_kms()["SigningKey"]

    assert body["Properties"]["KeySpec"] == "ECC_NIST_P256"
    assert body["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert "SigningKey" not in resources()


def user_parameter(function: str) -> str:
    """The parameter that names a function's database user."""
    if function in MIGRATORS:
        return "DbMigratorUser"
    return "DbReaderUser" if function in READERS else "DbWriterUser"


@EACH
def test_a_function_may_log_into_the_database_as_its_class_s_user_and_does(function: str) -> None:
    user = parameters()[user_parameter(function)]["Default"]
    allowed = [s["Resource"] for s in statements(function) if "rds-db:connect" in s["Action"]]

    assert allowed == [f"arn:aws:rds-db:eu-west-1:123456789012:dbuser:Proxy/{user}"]
    assert variables(function)["DB_USER"] == user


def test_an_existing_proxy_is_logged_into_by_its_own_id() -> None:
    given = {"DatabaseKind": "existing-proxy", "DbHost": "proxy.test", "DbResourceId": "prx-0123"}
    policies = of_type("AWS::IAM::ManagedPolicy", resources_with(**given))

    granted = [s for p in policies.values() for s in each_statement(p["PolicyDocument"])]
    logins = [s["Resource"] for s in granted if s["Action"] == ["rds-db:connect"]]
    assert len(logins) == 3
    assert all(":dbuser:prx-0123/auth_tokens_" in login for login in logins)


@EACH
def test_only_analytics_may_publish_and_only_on_the_security_bus(function: str) -> None:
    allowed = [s["Resource"] for s in statements(function) if PUBLISH in s["Action"]]

    assert allowed == (["SecurityEventBus.Arn"] if function == "analytics" else [])


@EACH
def test_a_role_has_no_wildcard_and_nothing_unexpected(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert set(statement["Action"]) <= {DECRYPT, ENCRYPT, "rds-db:connect", "sqs:SendMessage", PUBLISH}
        assert "*" not in statement["Resource"]


@EACH
def test_a_function_has_a_role_of_its_own(function: str) -> None:
    name = functions()[function]

    assert resources()[name]["Properties"]["Role"] == f"{name}Role.Arn"
    policies = set(resources()[f"{name}Role"]["Properties"]["ManagedPolicyArns"])
    assert len(policies - MANAGED) == 1
    assert policies - MANAGED <= set(of_type("AWS::IAM::ManagedPolicy"))


@KEYS
def test_a_key_is_turned_over_and_outlives_the_stack(key: str) -> None:
    properties = of_type("AWS::KMS::Key")[key]

    assert properties["EnableKeyRotation"] is True
    assert properties["PendingWindowInDays"] == 30
    # A stack that could not be made leaves no key behind, which would cost and wrap nothing.
    assert written()["Resources"][key]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert written()["Resources"][key]["UpdateReplacePolicy"] == "Retain"


ROOT_OF_THE_ACCOUNT = "arn:aws:iam::123456789012:root"
ROLES = {f"{name}Role.Arn" for name in functions().values()}


@KEYS
def test_a_key_policy_names_who_may_do_what(key: str) -> None:
    for statement in key_statements(key):
        assert set(statement["Principal"]["AWS"]) <= {ROOT_OF_THE_ACCOUNT} | ROLES
        assert statement["Principal"].get("Service") in (None, "logs.eu-west-1.amazonaws.com")
        assert not [action for action in statement["Action"] if "*" in action]


@KEYS
def test_who_administers_a_key_cannot_use_it_and_who_uses_it_is_bound_by_a_condition(key: str) -> None:
    for statement in key_statements(key):
        uses = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"} & set(
            statement["Action"]
        )

        assert bool(uses) == ("Condition" in statement), statement["Sid"]
        assert not (uses and {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} & set(statement["Action"]))


def using_statements() -> list[dict[str, Any]]:
    """All of the token key's and the signing key's policy but who administers them."""
    deployed = signing_by_kms()
    return [
        s
        for key in ("TokenKey", "SigningKey")
        for s in key_statements(key, deployed)
        if s["Sid"] != "Administer"
    ]


def test_the_keys_are_used_by_the_very_roles_of_the_stack_and_by_no_pattern_of_names() -> None:
    """A stack called STACK-x has roles whose names begin with STACK-, too."""
    for statement in using_statements():
        assert set(statement["Principal"]["AWS"]) <= ROLES
        assert not set(statement.get("Condition", {})) - {"StringEquals"}
    assert all(f"{name}Role" in resources() for name in functions().values())


def test_the_token_key_is_for_the_purposes_of_the_code() -> None:
    used = [s for s in key_statements("TokenKey") if "Condition" in s]

    assert {p for s in used for p in s["Condition"]["StringEquals"][PURPOSE]} == {p.value for p in Purpose}


def test_no_policy_matches_what_belongs_to_a_stack_whose_name_begins_with_this_one_s() -> None:
    patterns = {
        f"{name}: {text}"
        for name, document in policy_documents(signing_by_kms())
        for text in texts_of(document)
        if STACK in text and "*" in text
    }

    assert patterns == set()


def texts_of(node: Any) -> Iterator[str]:
    """Every text anywhere in a policy."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts_of(value)


def test_only_services_of_aws_may_invoke_a_function() -> None:
    invokers = {properties["Principal"] for properties in permissions().values()}

    assert invokers <= {"apigateway.amazonaws.com", "events.amazonaws.com"}


def test_a_permission_to_invoke_names_its_source() -> None:
    unbound = [n for n, p in permissions().items() if not p.get("SourceArn")]

    assert unbound == []


def test_the_named_accounts_gateways_may_call_the_authorizer_as_one_and_nothing_else() -> None:
    added = {name: body for name, body in permissions().items() if name.startswith("AuthorizerPermission")}

    assert [body["SourceArn"] for body in added.values()] == [
        f"arn:aws:execute-api:eu-west-1:{account}:*/authorizers/*" for account in ACCOUNTS
    ]
    assert {body["FunctionName"] for body in added.values()} == {function_arn("AuthorizerFunction")}


def test_no_other_account_may_call_the_authorizer_by_default() -> None:
    assert not [name for name in resources() if name.startswith("AuthorizerPermission")]


PORTAL = ["arn:aws:iam::111111111111:role/portal", "arn:aws:iam::123456789012:role/users/portal-batch"]


def bus_statements() -> dict[str, Any]:
    """Effect → statement of the policy of the Portal's bus."""
    policies = of_type("AWS::Events::EventBusPolicy", resources_with(PortalEventPrincipals=",".join(PORTAL)))
    assert {body["EventBusName"] for body in policies.values()} == {"PortalEventBus"}
    return {body["Statement"]["Effect"]: body["Statement"] for body in policies.values()}


def test_the_named_principals_alone_may_put_user_events_on_the_bus() -> None:
    allowed = bus_statements()["Allow"]

    assert allowed["Principal"] == {"AWS": PORTAL}
    assert allowed["Action"] == "events:PutEvents"
    assert allowed["Condition"] == {"StringEquals": {"events:source": "portal.users"}}


def test_a_principal_of_this_account_that_is_not_named_is_refused() -> None:
    """Its own policy would be enough for a bus of its account: nobody but the named ones, whatever theirs says."""
    denied = bus_statements()["Deny"]

    assert (denied["Principal"], denied["Action"]) == ("*", "events:PutEvents")
    assert denied["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": PORTAL}}


def test_nobody_may_put_events_on_the_portal_s_bus_until_it_is_said_who() -> None:
    [policy] = of_type("AWS::Events::EventBusPolicy", resources_with(PortalEventPrincipals="")).values()

    assert parameters()["PortalEventPrincipals"]["Default"] == ""
    assert policy["Statement"]["Effect"] == "Deny"
    assert (policy["Statement"]["Principal"], policy["Statement"]["Action"]) == ("*", "events:PutEvents")
    assert "Condition" not in policy["Statement"]


@pytest.mark.parametrize(
    ("arn", "is_taken"),
    [
        (PORTAL[0], True),
        (PORTAL[1], True),
        ("arn:aws:iam::111111111111:user/portal", True),
        (",".join(PORTAL), True),
        ("", True),
        (",", False),
        (f"{PORTAL[0]},", False),
        (f",{PORTAL[0]}", False),
        (f"{PORTAL[0]}{PORTAL[1]}", False),
        ("*", False),
        ("111111111111", False),
        ("arn:aws:iam::111111111111:root", False),
        ("arn:aws:iam::111111111111:role/*", False),
        ("arn:aws:iam::*:role/portal", False),
        ("arn:aws:sts::111111111111:assumed-role/portal/session", False),
    ],
)
def test_a_whole_account_or_a_pattern_is_no_principal(arn: str, is_taken: bool) -> None:
    pattern = parameters()["PortalEventPrincipals"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, arn)) == is_taken


def test_the_proxy_reads_its_three_secrets_and_nothing_else() -> None:
    role = resources()["ProxyRole"]["Properties"]
    [policy] = role["Policies"]
    reading, decrypting = each_statement(policy["PolicyDocument"])

    assert (reading["Action"], reading["Resource"]) == (
        ["secretsmanager:GetSecretValue"],
        ["ReaderSecret", "WriterSecret", "MigratorSecret"],
    )
    assert (decrypting["Action"], decrypting["Resource"]) == (["kms:Decrypt"], "OperationsKey.Arn")
    assert decrypting["Condition"] == {
        "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    }
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "rds.amazonaws.com"}
    # RDS Proxy is not documented to say for whom it asks («Configuring IAM authentication for RDS Proxy»).
    assert "Condition" not in trust


def test_no_policy_of_the_stack_has_a_wildcard_action() -> None:
    broad = [
        f"{name}: {action}"
        for name, document in policy_documents(resources())
        for statement in each_statement(document)
        for action in statement["Action"]
        if "*" in action
    ]

    assert broad == []


def policy_documents(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every policy anywhere in the template: what has a Version and Statements."""
    if isinstance(node, dict):
        if isinstance(node.get("Statement"), list):
            yield name, node
        for key, value in node.items():
            yield from policy_documents(value, f"{name}.{key}".strip("."))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from policy_documents(value, f"{name}[{index}]")
