"""Reads the APIs of a SAM template from the SAM translator's output: what would be deployed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.gateway.arns import REGION
from local.gateway.intrinsics import Resolver, TemplateError
from local.gateway.model import Api, ApiKind, Throttle
from local.gateway.openapi import Definition
from local.gateway.socket_api import Resource, SocketDefinition
from local.gateway.throttles import throttles_of

_STAGES = {
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageVariables"),
    "AWS::ApiGateway::Stage": ("RestApiId", "Variables"),
}
_THROTTLES = ("DefaultRouteSettings", "RouteSettings", "MethodSettings")
_APIS = {"AWS::ApiGatewayV2::Api": ApiKind.HTTP, "AWS::ApiGateway::RestApi": ApiKind.REST}
_V2 = "AWS::ApiGatewayV2::"
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def load_apis(
    template: Path,
    parameters: Mapping[str, Any] | None = None,
    functions: Mapping[str, str] | None = None,
) -> dict[str, Api]:
    """The APIs of a template by their logical ids.

    parameters: values for the template's parameters; functions: ARN → logical id for
    functions of other stacks (a shared authorizer given by its ARN).
    Raises TemplateError where the template is wrong or asks for what local mode has not.
    """
    given = {name: _parameter_text(value) for name, value in (parameters or {}).items()}
    translated = translate(template, given)
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


def translate(template: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of a template file; one that is none of SAM's, as it is."""
    # Imported here: the translator is slow to import, and most importers need only the model.
    from samtranslator.public.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    document: dict[str, Any] = yaml_parse(template.read_text(encoding="utf-8"))
    if "Transform" not in document:
        return document
    for resource in document.get("Resources", {}).values():
        if (member := _CODE.get(resource.get("Type"))) is not None:
            resource.setdefault("Properties", {})[member] = "s3://local/code"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # It warns at exit about usage figures that it did not send anywhere, and of switches that AWS alone has.
    for noisy in ("samtranslator.metrics", "samtranslator.feature_toggle.feature_toggle"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        translated: dict[str, Any] = transform(document, dict(parameters), _NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"{template}: {causes}") from error
    return translated


class _NoManagedPolicies:
    """Stands in for the translator's list of managed policies, which it would fetch from IAM."""

    def load(self) -> dict[str, str]:
        return {}


def _parameter_text(value: Any) -> str:
    """A parameter as CloudFormation passes it: always text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    variables: Mapping[str, Any]
    throttles: Mapping[str, Throttle]


def _stages(resources: Mapping[str, Any], resolver: Resolver) -> Iterator[tuple[str, _Stage]]:
    """API → its stage."""
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
    """What WebSocket APIs are made of: resources of their own, not an OpenAPI body."""
    return [
        Resource(name, resource["Type"].removeprefix(_V2), resolver.resolve(resource["Properties"]))
        for name, resource in resources.items()
        if resource["Type"].startswith(_V2) and resolver.is_made(resource)
    ]
