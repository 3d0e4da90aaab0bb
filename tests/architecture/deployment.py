"""What the templates deploy: the SAM translator's output, with every intrinsic resolved."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.environment import JOBS_TEMPLATE, ROOT, TEMPLATE
from local.gateway.intrinsics import Resolver
from local.gateway.translate import translate

STACK = "local"  # the resolver's AWS::StackName
FUNCTIONS = ROOT / "functions"
PARAMETERS = {
    "Issuer": "https://tokens.test",
    "DbHost": "database.test",
    "DbResourceId": "prx-0123456789abcdef0",
}
JOBS_PARAMETERS = {
    "AuthorizerFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:authorizer",
}


@cache
def resources() -> Mapping[str, Any]:
    """The service's resources by logical id."""
    return _resolved(TEMPLATE, PARAMETERS)


@cache
def jobs_resources() -> Mapping[str, Any]:
    """The same of the example team's stack."""
    return _resolved(JOBS_TEMPLATE, JOBS_PARAMETERS)


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


def of_type(kind: str) -> dict[str, Any]:
    """Logical id → properties, of the service's resources of a type."""
    return {name: body["Properties"] for name, body in resources().items() if body["Type"] == kind}


def functions() -> dict[str, str]:
    """The short name of each function (its folder's) → its logical id."""
    return {
        body["Properties"]["CodeUri"].removeprefix("functions/"): name
        for name, body in written()["Resources"].items()
        if body["Type"] == "AWS::Serverless::Function"
    }


def variables(function: str) -> dict[str, str]:
    """The environment variables of a function, by its short name."""
    body = resources()[functions()[function]]
    return {name: str(value) for name, value in body["Properties"]["Environment"]["Variables"].items()}


def statements(function: str) -> Iterator[dict[str, Any]]:
    """The statements of a function's role, by its short name; Action is always a list."""
    role = resources()[f"{functions()[function]}Role"]["Properties"]
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            yield {**statement, "Action": [actions] if isinstance(actions, str) else actions}


def _resolved(template: Any, given: Mapping[str, str]) -> Mapping[str, Any]:
    translated = translate(template, given)
    resolved: Mapping[str, Any] = Resolver(translated, given).resolve(translated["Resources"])
    return resolved
