"""What the templates deploy: the SAM translator's output, with every intrinsic resolved.

The service's three stacks are looked at as one: no two resources have one logical id.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.host.paths import ROOT
from local.templates.intrinsics import Resolver
from local.templates.stacks import JOBS_TEMPLATE, OPERATIONS, ORDER, STACK, resolved
from local.templates.translate import as_written

__all__ = ["STACK"]
MAX_STACK_NAME = 30  # docs/how-to/deploy.md
FUNCTIONS = ROOT / "functions"
PROBE = "ProbeFunction"  # asked by CodeDeploy: no part of the service, and off by default
PARAMETERS = {
    "Issuer": "https://tokens.test",
    "PortalEventPrincipals": "arn:aws:iam::123456789012:role/portal",
    "VpcId": "vpc-00000000",
    "SubnetIds": "subnet-00000001,subnet-00000002",
    "DatabaseUsers": "made",
    "DatabaseTables": "made",
}
_EXISTING = {"DatabaseKind": "existing", "DbClusterId": "portal", "DbSecurityGroupId": "sg-00000001"}
_KMS = {"SigningMode": "kms", "CreateSigningKey": "true"}
_FIRST = {"DatabaseUsers": "absent", "DatabaseTables": "absent"}
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-00000000000"
# The stacks that people deploy: what each sets beside PARAMETERS.
STACKS: Mapping[str, Mapping[str, str]] = {
    "new": {},
    "new, first deployment": _FIRST,
    "new, with users": {"DatabaseTables": "absent"},
    "existing, first deployment": {**_EXISTING, **_FIRST},
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
JOBS_PARAMETERS = {
    "AuthorizerFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:authorizer",
}


def resources() -> Mapping[str, Any]:
    """The service's resources by logical id."""
    return resources_with()


def resources_with(**given: str) -> Mapping[str, Any]:
    """The same with other parameters."""
    return _merged({each: resources_of(each, **given) for each in ORDER})


def resources_of(template: Path, **given: str) -> Mapping[str, Any]:
    """Those of one of the three stacks; none where it is not there yet."""
    return _resources(template, frozen(given))


def translated_with(**given: str) -> Mapping[str, Any]:
    """What SAM makes of the templates, its intrinsics as they are: what a change set gets. Resources of all."""
    return {"Resources": _merged({each: translation(each, **given)[0]["Resources"] for each in ORDER})}


def translation(template: Path, **given: str) -> tuple[Mapping[str, Any], Resolver]:
    """The same of one template, whole, and what replaces its intrinsics."""
    return resolved(template, {**PARAMETERS, **given})


@cache
def jobs_resources() -> Mapping[str, Any]:
    """The resources of the example team's stack."""
    return _made(*resolved(JOBS_TEMPLATE, JOBS_PARAMETERS))


@cache
def parameters() -> Mapping[str, Any]:
    """The templates' own parameters, as written."""
    declared: Mapping[str, Any] = written()["Parameters"]
    return declared


@cache
def written() -> Mapping[str, Any]:
    """The templates as they stand in their files, as one."""
    sections = ("Parameters", "Rules", "Conditions", "Resources", "Outputs")
    return {
        section: _merged({each: written_in(each).get(section, {}) for each in ORDER}) for section in sections
    }


@cache
def written_in(template: Path) -> Mapping[str, Any]:
    """One template as it stands in its file."""
    return as_written(template)


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
    name = f"{functions()[function]}Role"
    role = deployed[name]["Properties"]
    attached = [deployed[arn]["Properties"] for arn in role["ManagedPolicyArns"] if arn in deployed]
    added = [p for p in of_type("AWS::IAM::RolePolicy", deployed).values() if p["RoleName"] == name]
    for policy in [*role.get("Policies", []), *attached, *added]:
        yield from each_statement(policy["PolicyDocument"])


def each_statement(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy; Action is always a list."""
    for statement in document["Statement"]:
        actions = statement["Action"]
        yield {**statement, "Action": [actions] if isinstance(actions, str) else actions}


def _merged(parts: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: body for part in parts.values() for name, body in part.items()}


def frozen(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Parameters, to be remembered by."""
    return tuple(sorted(given.items()))


@cache
def _resources(template: Path, given: tuple[tuple[str, str], ...]) -> Mapping[str, Any]:
    """Operations imports what the product exports once its tables are made."""
    if template == OPERATIONS and {**PARAMETERS, **dict(given)}["DatabaseTables"] != "made":
        return {}
    return _made(*translation(template, **dict(given)))


def _made(translated: Mapping[str, Any], resolver: Resolver) -> Mapping[str, Any]:
    """The resources of a translated template that there are, their intrinsics resolved."""
    return {
        name: resolver.resolve(body)
        for name, body in translated["Resources"].items()
        if "Condition" not in body or resolver.holds(body["Condition"])
    }
