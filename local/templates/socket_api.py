"""Reads a WebSocket API from the CloudFormation resources that make it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.templates.intrinsics import TemplateError
from local.templates.model import Api, ApiKind, Authorizer, AuthorizerType, Route
from local.templates.openapi import function_behind, identity_source

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
_MAX_TIMEOUT_S = 29.0
_MEMBERS = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_SELECTION = re.compile(rf"\$request\.body\.({_MEMBERS})|\$\{{request\.body\.({_MEMBERS})\}}")
# The properties that are read. Any other one would change the API, so it is refused.
_PROPERTIES = {
    "Api": {"Name", "ProtocolType", "RouteSelectionExpression", "Description", "Tags"},
    "Authorizer": {
        "ApiId",
        "Name",
        "AuthorizerType",
        "AuthorizerUri",
        "IdentitySource",
        "AuthorizerResultTtlInSeconds",
    },
    "Integration": {
        "ApiId",
        "IntegrationType",
        "IntegrationUri",
        "IntegrationMethod",
        "TimeoutInMillis",
        "Description",
    },
    "Route": {
        "ApiId",
        "RouteKey",
        "AuthorizationType",
        "AuthorizerId",
        "Target",
        "RouteResponseSelectionExpression",
        "OperationName",
    },
    "RouteResponse": {"ApiId", "RouteId", "RouteResponseKey"},
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, with its intrinsics resolved. type: without the prefix AWS::ApiGatewayV2."""

    name: str
    type: str
    properties: Mapping[str, Any]


class SocketDefinition:
    """One WebSocket API among the resources of a template.

    functions: ARN → logical id of functions in other stacks.
    """

    def __init__(self, name: str, resources: Sequence[Resource], functions: Mapping[str, str]) -> None:
        self._name = name
        own = [r for r in resources if name in (r.name, r.properties.get("ApiId"))]
        self._resources = {(r.type, r.name): r.properties for r in own}
        self._functions = functions

    def api(self, api_id: str, stage: str, variables: Mapping[str, str]) -> Api:
        """The API as it would be deployed. Raises TemplateError for what local mode lacks."""
        for (kind, name), properties in self._resources.items():
            _refuse_unknown(kind, name, properties)
        routes = tuple(self._route(name, properties) for name, properties in self._of("Route"))
        keys = [route.key for route in routes]
        if len(set(keys)) < len(keys):
            raise TemplateError(f"{self._name}: two routes have the same key")
        return Api(
            kind=ApiKind.WEBSOCKET,
            id=api_id,
            stage=stage,
            routes=routes,
            authorizers=tuple(route.authorizer for route in routes if route.authorizer),
            stage_variables={name: str(value) for name, value in variables.items()},
            selection=self._selection(),
        )

    def _selection(self) -> tuple[str, ...]:
        expression = self._resources["Api", self._name].get("RouteSelectionExpression", "")
        found = _SELECTION.fullmatch(expression)
        if found is None:
            raise TemplateError(f"{self._name}: route selection {expression!r} is not served locally")
        return tuple((found[1] or found[2]).split("."))

    def _of(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return ((name, properties) for (type_, name), properties in self._resources.items() if type_ == kind)

    def _named(self, kind: str, name: str) -> Mapping[str, Any]:
        if (kind, name) not in self._resources:
            raise TemplateError(f"{self._name} has no {kind.lower()} {name}")
        return self._resources[kind, name]

    def _route(self, name: str, properties: Mapping[str, Any]) -> Route:
        key = properties["RouteKey"]
        target = str(properties.get("Target", "")).removeprefix("integrations/")
        integration = self._named("Integration", target)
        if integration["IntegrationType"] != "AWS_PROXY":
            raise TemplateError(f"{target}: {integration['IntegrationType']} is not served locally")
        return Route(
            method="",
            path=key,
            function=function_behind(integration["IntegrationUri"], self._functions),
            authorizer=self._authorizer(key, properties),
            payload_version="1.0",
            timeout_s=min(float(integration.get("TimeoutInMillis", 29_000)) / 1000, _MAX_TIMEOUT_S),
            has_response=self._has_response(name, properties),
        )

    def _has_response(self, name: str, properties: Mapping[str, Any]) -> bool:
        selected = properties.get("RouteResponseSelectionExpression")
        defined = {p["RouteResponseKey"] for _, p in self._of("RouteResponse") if p["RouteId"] == name}
        if selected not in (None, DEFAULT) or not defined <= {DEFAULT}:
            raise TemplateError(f"{name}: only the route response $default is served locally")
        has_response = selected is not None and bool(defined)
        if has_response and properties["RouteKey"] in (CONNECT, DISCONNECT):
            raise TemplateError(f"{name}: a route response of {properties['RouteKey']} is not served locally")
        return has_response

    def _authorizer(self, key: str, properties: Mapping[str, Any]) -> Authorizer | None:
        kind = properties.get("AuthorizationType", "NONE")
        if kind == "NONE":
            return None
        if kind != "CUSTOM" or key != CONNECT:
            raise TemplateError(f"{key}: authorization {kind} is not served locally")
        name = properties["AuthorizerId"]
        settings = self._named("Authorizer", name)
        if settings["AuthorizerType"] != "REQUEST" or settings.get("AuthorizerResultTtlInSeconds", 0) != 0:
            raise TemplateError(f"authorizer {name}: a WebSocket API takes REQUEST alone, without a cache")
        sources = settings.get("IdentitySource", [])
        return Authorizer(
            name=settings["Name"],
            function=function_behind(settings["AuthorizerUri"], self._functions),
            type=AuthorizerType.REQUEST,
            identity_sources=tuple(identity_source(name, source) for source in sources),
            ttl_s=0,
        )


def _refuse_unknown(kind: str, name: str, properties: Mapping[str, Any]) -> None:
    if kind in ("Stage", "Deployment"):  # `apis.py` reads name and variables of every stage
        return
    if kind not in _PROPERTIES:
        raise TemplateError(f"{name}: a WebSocket API's {kind} is not served locally")
    unknown = sorted(set(properties) - _PROPERTIES[kind])
    if unknown:
        raise TemplateError(f"{name}: {', '.join(unknown)} of a WebSocket API is not served locally")
