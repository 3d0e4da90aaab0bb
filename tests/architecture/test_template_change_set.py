"""What CloudFormation refuses before it makes anything: cycles, and functions that Rules do not take."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.architecture.change_set import named
from tests.architecture.deployment import PARAMETERS, STACKS, parameters, translated_with, written

EACH_STACK = pytest.mark.parametrize("stack", STACKS)
# AWS CloudFormation template reference, «Rule functions»: each function, and «Supported functions» within them.
RULE_FUNCTIONS = {
    "Fn::And",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Ref",
}


@EACH_STACK
def test_no_resource_waits_for_itself(stack: str) -> None:
    """cfn-lint skips cycles through SAM's types, whose aliases, deployment groups and roles are not written."""
    made = translated_with(**STACKS[stack])["Resources"]
    waits_for = {name: set(named(body)) & set(made) for name, body in made.items()}

    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_rules_are_made_of_rule_functions_alone() -> None:
    used = {name for rule in written()["Rules"].values() for name in _functions(rule)}

    assert used <= RULE_FUNCTIONS


def test_rules_name_parameters_alone() -> None:
    assert set(named(written()["Rules"])) <= set(parameters())


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (key for key in node if key == "Ref" or key.startswith("Fn::") or key == "Condition")
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _functions(value)


def refusals(**given: str) -> list[str]:
    """What the rules say to these parameters: the descriptions of all assertions that do not hold."""
    defaults = {name: spec["Default"] for name, spec in parameters().items() if "Default" in spec}
    values = {**defaults, **PARAMETERS, **given}
    return [
        assertion["AssertDescription"]
        for rule in written()["Rules"].values()
        if _value(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}), values)
        for assertion in rule["Assertions"]
        if not _value(assertion["Assert"], values)
    ]


def _value(node: Any, values: dict[str, Any]) -> Any:
    match node:
        case {"Ref": name}:
            return str(values[name])
        case {"Fn::Equals": [left, right]}:
            return _value(left, values) == _value(right, values)
        case {"Fn::Not": [one]}:
            return not _value(one, values)
        case {"Fn::And": [*several]} if 2 <= len(several) <= 10:
            return all(_value(one, values) for one in several)
        case {"Fn::Or": [*several]} if 2 <= len(several) <= 10:
            return any(_value(one, values) for one in several)
        case {"Fn::Contains": [[*among], one]}:
            return _value(one, values) in among
        case {"Fn::EachMemberEquals": [several, one]}:
            return all(each == _value(one, values) for each in _value(several, values))
        case {"Fn::ValueOf": ["SubnetIds", "VpcId"]}:
            return [VPCS.get(subnet, values["VpcId"]) for subnet in values["SubnetIds"].split(",")]
        case str():
            return node
    raise AssertionError(f"not read here: {node}")


@EACH_STACK
def test_the_rules_take_a_stack_that_people_deploy(stack: str) -> None:
    assert refusals(**STACKS[stack]) == []


VPCS = {"subnet-00000009": "vpc-00000009"}  # which are of another one than VpcId
PROXY_OF_OTHERS = STACKS["existing-proxy"]
REFUSED = {
    "new with what another database has": (
        {"DbResourceId": "prx-0123"},
        [
            (
                "DatabaseKind new takes no DbClusterId, DbInstanceId, DbHost, DbResourceId or DbSecurityGroupId: did"
                " you mean existing or existing-proxy"
            )
        ],
    ),
    "existing with a proxy of others": (
        {**STACKS["existing"], "DbHost": "proxy.test"},
        ["DatabaseKind existing takes no DbHost or DbResourceId: empty them, or did you mean existing-proxy"],
    ),
    "existing-proxy with a database": (
        {**PROXY_OF_OTHERS, "DbInstanceId": "portal"},
        [
            (
                "DatabaseKind existing-proxy takes no DbClusterId, DbInstanceId or ProxyName: empty them, or did you"
                " mean existing"
            )
        ],
    ),
    "existing-proxy with a proxy of ours": (
        {**PROXY_OF_OTHERS, "ProxyName": "ours"},
        [
            (
                "DatabaseKind existing-proxy takes no DbClusterId, DbInstanceId or ProxyName: empty them, or did you"
                " mean existing"
            )
        ],
    ),
    "one user for two classes": (
        {"DbReaderUser": "tokens", "DbMigratorUser": "tokens"},
        ["DbReaderUser, DbWriterUser and DbMigratorUser must be three users, each with its own rights"],
    ),
    "a subnet of another VPC": (
        {"SubnetIds": "subnet-00000001,subnet-00000009"},
        ["SubnetIds must be subnets of VpcId"],
    ),
    "routes for a simple response": (
        {"AuthorizerRouteScopes": '{"GET/jobs": "jobs:read"}'},
        ["AuthorizerRouteScopes needs AuthorizerResponse iam"],
    ),
    "proofs that are required and not taken": (
        {"DpopRequiredClients": "portal-app"},
        ["DpopRequiredClients needs DpopBinding on"],
    ),
    "an edge that is required without a key": (
        {"EdgeRequired": "yes"},
        ["EdgeRequired yes needs EdgeKeyHashes, or every request would be refused"],
    ),
    "the foundation's key for an algorithm that it has not": (
        {"SigningMode": "kms", "SigningAlgorithm": "RS256"},
        [
            (
                "SigningMode kms with SigningAlgorithm RS256 or EdDSA needs SigningKeyArns: make the KMS keys first,"
                " the foundation's own is for ES256"
            )
        ],
    ),
    "existing without a database": (
        {"DatabaseKind": "existing", "DbSecurityGroupId": "sg-1"},
        ["DatabaseKind existing needs DbClusterId or DbInstanceId, and not both"],
    ),
    "existing with two": (
        {"DatabaseKind": "existing", "DbClusterId": "a", "DbInstanceId": "b", "DbSecurityGroupId": "sg-1"},
        ["DatabaseKind existing needs DbClusterId or DbInstanceId, and not both"],
    ),
    "existing without its group": (
        {"DatabaseKind": "existing", "DbInstanceId": "b"},
        ["DatabaseKind existing needs DbSecurityGroupId"],
    ),
    "existing-proxy without anything": (
        {"DatabaseKind": "existing-proxy"},
        [f"DatabaseKind existing-proxy needs {n}" for n in ("DbHost", "DbResourceId", "DbSecurityGroupId")],
    ),
    "what a domain has without one": (
        {
            "DomainCertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0123",
            "DomainBasePath": "tokens",
            "DisableExecuteApiEndpoint": "true",
        },
        [
            "DomainCertificateArn needs DomainName",
            "DomainBasePath needs DomainName",
            "DisableExecuteApiEndpoint true needs DomainName, or nobody could reach the API",
        ],
    ),
    "a probe before there are tables": (
        {"ProbeUserSecretArn": "arn:secret", "DatabaseTables": "absent"},
        ["ProbeUserSecretArn needs DatabaseTables made, as nobody can sign in before it"],
    ),
    "a probe where nobody gets bearer tokens": (
        {"ProbeUserSecretArn": "arn:secret", "AllowedModes": "cookie"},
        ["ProbeUserSecretArn needs AllowedModes with bearer, which the probe signs in with"],
    ),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_parameters_that_do_not_go_together_are_refused_by_a_sentence(
    given: dict[str, str], said: list[str]
) -> None:
    assert refusals(**given) == said


def test_every_sentence_of_a_rule_is_seen() -> None:
    said = {sentence for _, sentences in REFUSED.values() for sentence in sentences}
    rules = written()["Rules"].values()

    assert said == {each["AssertDescription"] for rule in rules for each in rule["Assertions"]}
