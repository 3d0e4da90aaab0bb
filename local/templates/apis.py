"""Reads the APIs of a SAM template from the translator's output: the APIs that would be deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.templates.intrinsics import Resolver, TemplateError
from local.templates.model import Api, ApiKind, Throttle
from local.templates.openapi import Definition
from local.templates.socket_api import Resource, SocketDefinition
from local.templates.stacks import translation
from local.templates.throttles import throttles_of

_STAGES = {
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageVariables"),
    "AWS::ApiGateway::Stage": ("RestApiId", "Variables"),
}
_THROTTLES = ("DefaultRouteSettings", "RouteSettings", "MethodSettings")
_APIS = {"AWS::ApiGatewayV2::Api": ApiKind.HTTP, "AWS::ApiGateway::RestApi": ApiKind.REST}
_V2 = "AWS::ApiGatewayV2::"


def load_apis(
    template: Path,
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, str] | None = None,
) -> dict[str, Api]:
    """The APIs of a template by their logical ids.

    parameters: values for the template's parameters. functions: ARN → logical id of
    functions in other stacks, such as a shared authorizer that is given by its ARN.
    Raises TemplateError where the template is wrong or asks for what local mode lacks.
    """
    given = {name: _parameter_text(value) for name, value in (parameters or {}).items()}
    translated = translation(template, given)
    resolver = Resolver(translated, given)
    stages = dict(_stages(translated["Resources"], resolver))
    apis = {}
    for name, definition in _definitions(translated["Resources"], resolver, functions or {}):
        if name not in stages:
            raise TemplateError(f"{name} has no stage")
        stage = stages[name]
        api = definition.api(name.lower(), stage.name, stage.variables)
        if stage.throttles and api.kind is ApiKind.WEBSOCKET:
            raise TemplateError(f"{name}: throttling of WebSocket APIs is not served locally")
        apis[name] = replace(api, throttles=stage.throttles)
    return apis


def _parameter_text(value: Any) -> str:
    """A parameter as CloudFormation passes it: always text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    variables: Mapping[str, Any]
    throttles: Mapping[str, Throttle]


def _stages(resources: Mapping[str, Any], resolver: Resolver) -> Iterator[tuple[str, _Stage]]:
    """Pairs of an API's logical id and its stage."""
    for resource in resources.values():
        if resource["Type"] in _STAGES and resolver.is_made(resource):
            api, variables = _STAGES[resource["Type"]]
            used = {"StageName", api, variables, *_THROTTLES}
            properties = resolver.resolve(
                {name: value for name, value in resource["Properties"].items() if name in used}
            )
            stage = _Stage(properties["StageName"], properties.get(variables, {}), throttles_of(properties))
            yield properties[api], stage


def _definitions(
    resources: Mapping[str, Any], resolver: Resolver, functions: Mapping[str, str]
) -> Iterator[tuple[str, Definition | SocketDefinition]]:
    for name, resource in resources.items():
        kind = _APIS.get(resource["Type"])
        properties = resource.get("Properties", {})
        if kind is None or not resolver.is_made(resource):
            continue
        if properties.get("ProtocolType") == "WEBSOCKET":
            yield name, SocketDefinition(name, _v2_resources(resources, resolver), functions)
        elif "Body" in properties:
            yield name, Definition(kind, resolver.resolve(properties["Body"]), functions)
        else:
            raise TemplateError(f"{name} has no OpenAPI body; only APIs written in SAM are served locally")


def _v2_resources(resources: Mapping[str, Any], resolver: Resolver) -> list[Resource]:
    """The resources that make up WebSocket APIs, which have no OpenAPI body."""
    return [
        Resource(name, resource["Type"].removeprefix(_V2), resolver.resolve(resource["Properties"]))
        for name, resource in resources.items()
        if resource["Type"].startswith(_V2) and resolver.is_made(resource)
    ]
