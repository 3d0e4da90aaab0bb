"""What the templates deploy: the SAM translator's output, with every intrinsic resolved."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.environment import JOBS_TEMPLATE, ROOT, TEMPLATE
from local.gateway.intrinsics import Resolver
from local.gateway.translate import translate

STACK = "local"  # the resolver's AWS::StackName
MAX_STACK_NAME = 30  # docs/deploy.md
FUNCTIONS = ROOT / "functions"
PROBE = "ProbeFunction"  # asked by CodeDeploy: no part of the service, and off by default
PARAMETERS = {
    "Issuer": "https://tokens.test",
    "PortalEventPrincipals": "arn:aws:iam::123456789012:role/portal",
    "VpcId": "vpc-00000000",
    "SubnetIds": "subnet-00000001,subnet-00000002",
    "DatabaseState": "complete",
}
_EXISTING = {"DatabaseKind": "existing", "DbClusterId": "portal", "DbSecurityGroupId": "sg-00000001"}
_KMS = {"SigningMode": "kms"}
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-00000000000"
# The stacks that people deploy: what each sets beside PARAMETERS.
STACKS: Mapping[str, Mapping[str, str]] = {
    "new": {},
    "new, first deployment": {"DatabaseState": "empty"},
    "new, second deployment": {"DatabaseState": "users"},
    "existing, first deployment": {**_EXISTING, "DatabaseState": "empty"},
    "existing": _EXISTING,
    "existing instance": {**_EXISTING, "DbClusterId": "", "DbInstanceId": "portal-1", "DbPort": "3307"},
    "existing-proxy": {
        "DatabaseKind": "existing-proxy",
        "DbHost": "proxy.test",
        "DbResourceId": "prx-0123",
        "DbSecurityGroupId": "sg-00000002",
    },
    "kms": _KMS,
    "kms with named keys": {**_KMS, "SigningAlgorithm": "RS256", "SigningKeyArns": f"{_KEY}1,{_KEY}2"},
    "iam authorizer": {"AuthorizerResponse": "iam", "AuthorizerRouteScopes": '{"GET/jobs": "jobs:read"}'},
    "neighbours": {
        "AuthorizerAccountIds": "111111111111,222222222222,333333333333,444444444444,555555555555",
        "PortalEventPrincipals": "arn:aws:iam::111111111111:role/a,arn:aws:iam::222222222222:role/b",
    },
    "trusted edge": {"EdgeKeyHashes": "0" * 64, "EdgeRequired": "yes"},
    "no endpoints": {"CreateVpcEndpoints": "false"},
    "domain": {
        "DomainName": "api.tokens.test",
        "DomainCertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0123",
        "DomainBasePath": "tokens",
        "DisableExecuteApiEndpoint": "true",
    },
    "domain of others": {"DomainName": "api.tokens.test", "DomainBasePath": "tokens"},
    "rules of the account": {
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "CodeSigningConfigArn": "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0",
        "Tracing": "Active",
    },
    "kept started, probed": {
        "AuthorizerProvisionedConcurrency": "5",
        "RefreshProvisionedConcurrency": "2",
        "ProbeUserSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:probe-a1b2c3",
    },
    "prod": {
        **_EXISTING,
        "Stage": "prod",
        "DeploymentType": "Canary10Percent5Minutes",
        "ReserveConcurrency": "true",
        "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
        "LogRetentionDays": "365",
    },
    "prod, all of its own": {**_KMS, "Stage": "prod", "DeploymentType": "Linear10PercentEvery1Minute"},
}
# The parameters whose values SAM reads, and so translates the template once (0.5 s) for each. All others stay
# in its output as Ref: test_template_updates.py translates with all of them changed.
READ_BY_SAM = ("DeploymentType", "Tracing")
JOBS_PARAMETERS = {
    "AuthorizerFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:authorizer",
}


def resources() -> Mapping[str, Any]:
    """The service's resources by logical id."""
    return resources_with()


def resources_with(**given: str) -> Mapping[str, Any]:
    """The same with other parameters."""
    return _resources(tuple(sorted(given.items())))


def translated_with(**given: str) -> Mapping[str, Any]:
    """What SAM makes of the template, its intrinsics as they are: what a change set gets."""
    return _translated(tuple((name, given[name]) for name in READ_BY_SAM if name in given))


@cache
def jobs_resources() -> Mapping[str, Any]:
    """The same of the example team's stack."""
    return _resolved(translate(JOBS_TEMPLATE, JOBS_PARAMETERS), JOBS_PARAMETERS)


@cache
def parameters() -> Mapping[str, Any]:
    """The template's own parameters, as written."""
    declared: Mapping[str, Any] = written()["Parameters"]
    return declared


@cache
def written() -> Mapping[str, Any]:
    """The template as it stands in the file."""
    document: Mapping[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return document


def of_type(kind: str, among: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Logical id → properties, of the service's resources of a type. among: other than the default ones."""
    found = resources() if among is None else among
    return {name: body.get("Properties", {}) for name, body in found.items() if body["Type"] == kind}


def functions() -> dict[str, str]:
    """The short name of each function (its folder's) → its logical id; without the deployments' PROBE."""
    return {
        body["Properties"]["CodeUri"].removeprefix("functions/"): name
        for name, body in written()["Resources"].items()
        if body["Type"] == "AWS::Serverless::Function" and name != PROBE
    }


def variables(function: str) -> dict[str, str]:
    """The environment variables of a function, by its short name."""
    body = resources()[functions()[function]]
    return {name: str(value) for name, value in body["Properties"]["Environment"]["Variables"].items()}


def starting(function: str, *folders: Path) -> dict[str, str]:
    """What a process needs to start a function from folders of code as Lambda does: the template's variables,
    and of Lambda's own the region alone."""
    module_path = os.pathsep.join(map(str, folders))
    lambdas = {"AWS_REGION": "eu-west-1", "PATH": os.environ["PATH"], "PYTHONPATH": module_path}
    return variables(function) | lambdas


def statements(function: str, among: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The statements of a function's role, by its short name, those of policies of ours that it has, too."""
    deployed = among or resources()
    role = deployed[f"{functions()[function]}Role"]["Properties"]
    attached = [deployed[arn]["Properties"] for arn in role["ManagedPolicyArns"] if arn in deployed]
    for policy in [*role.get("Policies", []), *attached]:
        yield from each_statement(policy["PolicyDocument"])


def each_statement(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy; Action is always a list."""
    for statement in document["Statement"]:
        actions = statement["Action"]
        yield {**statement, "Action": [actions] if isinstance(actions, str) else actions}


@cache
def _translated(given: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    return translate(TEMPLATE, {**PARAMETERS, **dict(given)})


@cache
def _resources(given: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    return _resolved(translated_with(**dict(given)), {**PARAMETERS, **dict(given)})


def _resolved(translated: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, Any]:
    """The resources of a translated template that there are with these parameters, their intrinsics resolved."""
    resolver = Resolver(translated, given)
    return {
        name: resolver.resolve(body)
        for name, body in translated["Resources"].items()
        if "Condition" not in body or resolver.holds(body["Condition"])
    }
