"""What a changed parameter does to a stack that exists: which versions, and what it replaces."""

import re
from collections.abc import Mapping
from functools import cache

import pytest

from auth_tokens.domain.acr import ACR_ORDER
from local.templates.stacks import ORDER, READ_BY_SAM, given_to
from local.templates.translate import translate
from tests.architecture.change_set import Change, Line, attempted, changes
from tests.architecture.deployment import (
    PARAMETERS,
    PROBE,
    STACKS,
    functions,
    of_type,
    parameters,
    resources,
    resources_with,
    translation,
    written,
)

# Another value for each parameter that has neither a number nor a closed list, and the stack in which it counts.
OTHER_TEXT = {
    "Issuer": "https://others.test",
    "Audience": "others",
    "Clients": '{"others": ["others:read"]}',
    "AllowedOrigins": "https://portal.test",
    "VpcId": "vpc-00000009",
    "SubnetIds": "subnet-00000001,subnet-00000003",
    "DbClusterId": "others",
    "DbInstanceId": "others",
    "DbSecurityGroupId": "sg-00000009",
    "DbHost": "others.test",
    "DbResourceId": "prx-9999",
    "DbName": "others",
    "DbReaderUser": "others_reader",
    "DbWriterUser": "others_writer",
    "DbMigratorUser": "others_migrator",
    "DbCaFile": "/opt/ca.pem",
    "ProxyName": "others",
    "AuthorizerAccountIds": "111111111111",
    "PortalEventPrincipals": "arn:aws:iam::123456789012:role/others",
    "EdgeKeyHeader": "x-others",
    "EdgeKeyHashes": "0" * 64,
    "LabelScopes": '{"admin": ["portal:admin"]}',
    "AccountScope": "others",
    "AcrOrder": " ".join(("others", *ACR_ORDER)),
    "SigningKeyArns": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000009",
    "AuthorizerRequiredScope": "others",
    "AuthorizerRequiredAcr": "others",
    "AuthorizerRouteScopes": '{"GET/others": "others:read"}',
    "DpopRequiredClients": "portal-app",
    "DpopPublicUrls": '{"others/prod": ["https://others.test"]}',
    "AdminLabel": "others",
    "AdminRequiredAcr": "others",
    "CredentialsUrl": "https://others.test/password",
    "RunbookUrl": "https://others.test",
    "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:others",
    "DomainName": "others.test",
    "DomainCertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/9999",
    "DomainBasePath": "others",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/others",
    "CodeSigningConfigArn": "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-9999456789abcdef0",
    "ProbeUserSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:others-a1b2c3",
    "ProductStack": "others",
}
COUNTS_IN = {
    "DbClusterId": "existing",
    "DbInstanceId": "existing instance",
    "DbSecurityGroupId": "existing",
    "DbHost": "existing-proxy",
    "DbResourceId": "existing-proxy",
    "SigningKeyArns": "kms",
    "DomainCertificateArn": "domain of others",
    "DomainBasePath": "domain of others",
}
# What has to be so before, whatever the stack.
NEEDS = {
    "SigningMode": {"CreateSigningKey": "true"},
    "DpopRequiredClients": {"DpopBinding": "on"},
}
# What a version does not copy of its function.
UNPUBLISHED = {"ReservedConcurrentExecutions", "CodeSigningConfigArn"}
# Not in the settings document: the same for good, or of each function's class and so in its version itself.
SAID_OTHERWISE = {"DB_AUTH", "DB_TLS", "DB_USER"}
HOLDS_DATA = {
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}
EACH_STACK = pytest.mark.parametrize("stack", STACKS)
EACH_PARAMETER = pytest.mark.parametrize("parameter", sorted(parameters()))


def other(parameter: str) -> str:
    """A value that a parameter does not have by default."""
    declared = parameters()[parameter]
    if parameter in OTHER_TEXT:
        return OTHER_TEXT[parameter]
    if "AllowedValues" in declared:
        return next(str(value) for value in declared["AllowedValues"] if value != declared.get("Default"))
    return str(
        declared["Default"] + 1 if declared["Default"] < declared["MaxValue"] else declared["MinValue"]
    )


@cache
def update(parameter: str, stack: str | None = None) -> Mapping[str, Line]:
    """The change set of one parameter's other value. stack: of STACKS; by default one in which it counts."""
    before = before_update(parameter, stack)
    return changes(before, {**before, parameter: other(parameter)})


def renewed_by(found: Mapping[str, Line]) -> set[str]:
    """The functions that get a new version: one is replaced, or has another name where SAM reads the parameter."""
    versions = (
        (re.fullmatch(r"(\w+Function)Version[0-9a-f]{10}", name), line) for name, line in found.items()
    )
    changed = {(match[1], line.change) for match, line in versions if match}
    assert {change for _, change in changed} <= {Change.REPLACE, Change.ADD, Change.REMOVE}
    return {name for name, _ in changed}


def before_update(parameter: str, stack: str | None = None) -> dict[str, str]:
    """What is set beside PARAMETERS before it."""
    return {**STACKS[stack or COUNTS_IN.get(parameter, "new")], **NEEDS.get(parameter, {})}


def test_sam_reads_no_parameter_but_those_that_the_tests_translate_anew_for() -> None:
    """One translation for all: a parameter that SAM puts into a version's name, or anywhere, is found by this."""
    others = {name: other(name) for name in parameters() if name not in READ_BY_SAM}

    for template in ORDER:
        given = given_to(template, {**PARAMETERS, **others})
        assert translate(template, given) == translation(template)[0]


@EACH_PARAMETER
@pytest.mark.parametrize("stack", [None, "existing-proxy"], ids=["where it counts", "existing-proxy"])
def test_every_change_of_a_setting_reaches_the_live_alias_and_nothing_else_does(
    parameter: str, stack: str | None
) -> None:
    """An alias follows versions alone. Lambda makes none of an unchanged function («PublishVersion»), and the
    update would fail: so a version is new exactly where its function is."""
    found = update(parameter, stack)
    renewed = renewed_by(found)
    aliases = {name: found.get(f"{name}Aliaslive", Line(Change.MODIFY)) for name in functions().values()}
    moved = {name for name, alias in aliases.items() if "FunctionVersion" in alias.properties}
    differ = {name for name in functions().values() if name in found and found[name].properties - UNPUBLISHED}

    assert renewed == moved == differ


@pytest.mark.parametrize("parameter", sorted(set(parameters()) - {"ProductStack"}))
def test_no_parameter_but_the_product_s_name_replaces_what_holds_data(parameter: str) -> None:
    """Also where no other stack imports yet what it changes."""
    before = before_update(parameter)
    found = attempted(before, {**before, parameter: other(parameter)})
    kinds = {name: body["Type"] for name, body in resources_with(**before).items()}

    assert [n for n, line in found.items() if line.change is Change.REPLACE and kinds[n] in HOLDS_DATA] == []


@EACH_STACK
def test_the_settings_document_has_what_every_function_is_set_to(stack: str) -> None:
    """What is missing there could change without a new version."""
    among = resources_with(**STACKS[stack])
    [document] = of_type("AWS::AppConfig::HostedConfigurationVersion", among).values()
    told = dict(line.split("=", 1) for line in document["Content"].splitlines())
    each = [body for name, body in of_type("AWS::Lambda::Function", among).items() if name != PROBE]
    network = {
        "SUBNETS": ",".join(each[0]["VpcConfig"]["SubnetIds"]),
        "SECURITY_GROUP": each[0]["VpcConfig"]["SecurityGroupIds"][0],
        "TRACING": each[0].get("TracingConfig", {"Mode": "Disabled"})["Mode"],
    }

    for function in each:
        settings = {name: str(value) for name, value in function["Environment"]["Variables"].items()}
        # A variable that a condition leaves out is an empty one there.
        left_out = {name: "" for name, value in told.items() if name not in settings and value == ""}
        assert {k: v for k, v in settings.items() if k not in SAID_OTHERWISE} | network | left_out == told


def test_a_version_that_is_replaced_is_kept_to_go_back_to() -> None:
    versions = [body for body in resources().values() if body["Type"] == "AWS::Lambda::Version"]

    assert len(versions) == len(functions())
    assert {(v["DeletionPolicy"], v["UpdateReplacePolicy"]) for v in versions} == {("Retain", "Retain")}


def test_whatever_else_is_kept_is_kept_at_both_ends() -> None:
    """cfn-lint's W3011, which is off for the functions' sake."""
    ends = ("DeletionPolicy", "UpdateReplacePolicy")
    others = [b for b in written()["Resources"].values() if b["Type"] != "AWS::Serverless::Function"]

    assert [
        body for body in others if any(end in body for end in ends) and not all(end in body for end in ends)
    ] == []


def test_other_subnets_make_another_proxy_under_the_other_name() -> None:
    """One of the same name could not be made beside it."""
    found = attempted({}, {"SubnetIds": other("SubnetIds"), "ProxyName": "others"})["Proxy"]

    assert found == Line(Change.REPLACE, frozenset({"DBProxyName", "VpcSubnetIds"}))
