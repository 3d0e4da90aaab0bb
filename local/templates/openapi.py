"""Reads routes, authorizers and gateway responses from the OpenAPI body that the SAM translator writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.templates.intrinsics import TemplateError
from local.templates.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    CustomRefusal,
    IdentitySource,
    RefusalType,
    Route,
    SourceKind,
)

_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_ANY_METHOD = "x-amazon-apigateway-any-method"
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", _ANY_METHOD}
_FUNCTION_URI = re.compile(r"/functions/(arn:[^/]+:function:([^/:]+)(?::[^/:]+)?)/invocations$")
_SOURCE = re.compile(
    r"^(?:\$request\.|(?:method|route)\.request\.)(header|querystring)\.(.+)$|^\$?(stageVariables|context)\.(.+)$"
)
_SOURCE_KINDS = {
    "header": SourceKind.HEADER,
    "querystring": SourceKind.QUERY,
    "stageVariables": SourceKind.STAGE_VARIABLE,
    "context": SourceKind.CONTEXT,
}
# How long each kind of API waits for an integration at most.
_MAX_TIMEOUT_S = {ApiKind.HTTP: 30.0, ApiKind.REST: 29.0}
# How long results are cached where the template sets no time: five minutes for REST APIs, not at all for HTTP APIs.
_DEFAULT_TTL_S = {ApiKind.HTTP: 0, ApiKind.REST: 300}
_MAX_TTL_S = 3600
_HEADER_PARAMETER = "gatewayresponse.header."
_HEADER_EXPRESSION = re.compile(
    r"'[^']*'|(?:context|stageVariables|method\.request\.(?:header|querystring))(?:\.[A-Za-z0-9_-]+)+"
)


class Definition:
    """The OpenAPI body of one API, with its intrinsics resolved.

    functions: ARN → logical id of functions in other stacks.
    """

    def __init__(self, kind: ApiKind, body: Mapping[str, Any], functions: Mapping[str, str]) -> None:
        self._kind = kind
        self._body = body
        self._functions = functions

    def api(self, api_id: str, stage: str, variables: Mapping[str, str]) -> Api:
        """The API as it would be deployed. Raises TemplateError for what local mode lacks."""
        if "x-amazon-apigateway-cors" in self._body:
            raise TemplateError(
                f"{api_id}: CORS by the gateway is not served locally; answer it in the function"
            )
        schemes = self._schemes()
        authorizers = {
            name: self._authorizer(name, scheme) for name, scheme in schemes if _AUTHORIZER in scheme
        }
        signed = {
            name for name, scheme in schemes if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4"
        }
        routes = (
            self._route(method, path, operation, authorizers, signed)
            for method, path, operation in self._operations()
        )
        return Api(
            kind=self._kind,
            id=api_id,
            stage=stage,
            routes=tuple(sorted(routes, key=lambda route: (route.path, route.method))),
            authorizers=tuple(authorizers.values()),
            stage_variables={name: str(value) for name, value in variables.items()},
            binary_media_types=tuple(self._body.get("x-amazon-apigateway-binary-media-types", ())),
            custom_refusals=dict(self._custom_refusals()),
        )

    def _schemes(self) -> list[tuple[str, Mapping[str, Any]]]:
        if self._kind is ApiKind.REST:
            return list(self._body.get("securityDefinitions", {}).items())
        return list(self._body.get("components", {}).get("securitySchemes", {}).items())

    def _operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, operations in self._body.get("paths", {}).items():
            for method, operation in operations.items():
                if method in _METHODS:
                    yield "ANY" if method == _ANY_METHOD else method.upper(), path, operation

    def _route(
        self,
        method: str,
        path: str,
        operation: Mapping[str, Any],
        authorizers: Mapping[str, Authorizer],
        signed: set[str],
    ) -> Route:
        integration = operation[_INTEGRATION]
        if integration["type"] != "aws_proxy":
            raise TemplateError(f"{method} {path}: integration {integration['type']} is not served locally")
        scheme = self._scheme(operation)
        if scheme is not None and scheme not in authorizers and scheme not in signed:
            raise TemplateError(f"{method} {path}: authorizer {scheme} is not defined")
        maximum_s = _MAX_TIMEOUT_S[self._kind]
        return Route(
            method=method,
            path=path,
            function=self._function(integration["uri"]),
            authorizer=authorizers.get(scheme) if scheme else None,
            iam=scheme in signed,
            payload_version=str(integration.get("payloadFormatVersion", "1.0")),
            timeout_s=min(float(integration.get("timeoutInMillis", maximum_s * 1000)) / 1000, maximum_s),
        )

    def _scheme(self, operation: Mapping[str, Any]) -> str | None:
        """The security scheme of an operation. SAM writes NONE for a route without an authorizer."""
        names = [name for requirement in operation.get("security", ()) for name in requirement]
        if len(names) > 1:
            raise TemplateError(f"more than one authorizer on a route: {', '.join(names)}")
        return names[0] if names and names[0] != "NONE" else None

    def _authorizer(self, name: str, scheme: Mapping[str, Any]) -> Authorizer:
        settings = scheme[_AUTHORIZER]
        if settings["type"] not in ("token", "request"):
            raise TemplateError(f"authorizer {name}: type {settings['type']} is not served locally")
        kind = AuthorizerType(settings["type"])
        ttl_s = int(settings.get("authorizerResultTtlInSeconds", _DEFAULT_TTL_S[self._kind]))
        sources = self._sources(name, kind, scheme)
        if not 0 <= ttl_s <= _MAX_TTL_S:
            raise TemplateError(f"authorizer {name}: a cache time of {ttl_s} s is outside 0 to {_MAX_TTL_S}")
        if ttl_s and not sources:
            raise TemplateError(f"authorizer {name}: a cached authorizer needs an identity source")
        return Authorizer(
            name=name,
            function=self._function(settings["authorizerUri"]),
            type=kind,
            identity_sources=sources,
            ttl_s=ttl_s,
            payload_version=str(settings.get("authorizerPayloadFormatVersion", "1.0")),
            simple_responses=settings.get("enableSimpleResponses") in (True, "true"),
            validation_expression=settings.get("identityValidationExpression"),
        )

    def _sources(
        self, name: str, kind: AuthorizerType, scheme: Mapping[str, Any]
    ) -> tuple[IdentitySource, ...]:
        if kind is AuthorizerType.TOKEN:
            return (IdentitySource(SourceKind.HEADER, scheme["name"]),)
        listed = scheme[_AUTHORIZER].get("identitySource", [])
        expressions = listed if isinstance(listed, list) else [item.strip() for item in listed.split(",")]
        return tuple(identity_source(name, expression) for expression in expressions if expression)

    def _custom_refusals(self) -> Iterator[tuple[str, CustomRefusal]]:
        for name, settings in self._body.get("x-amazon-apigateway-gateway-responses", {}).items():
            if name not in RefusalType.__members__:
                raise TemplateError(f"unknown gateway response {name}")
            yield name, _custom_refusal(name, settings)

    def _function(self, uri: str) -> str:
        return function_behind(uri, self._functions)


def function_behind(uri: str, functions: Mapping[str, str]) -> str:
    """The logical id of the function that an integration or authorizer URI names. Raises TemplateError."""
    found = _FUNCTION_URI.search(uri)
    if found is None:
        raise TemplateError(f"no Lambda function in {uri}")
    return functions.get(found[1], found[2])


def identity_source(authorizer: str, expression: str) -> IdentitySource:
    """The source that an expression names. Raises TemplateError, naming the authorizer."""
    found = _SOURCE.match(expression)
    if found is None:
        raise TemplateError(f"authorizer {authorizer}: unknown identity source {expression}")
    return IdentitySource(_SOURCE_KINDS[found[1] or found[3]], found[2] or found[4])


def _custom_refusal(name: str, settings: Mapping[str, Any]) -> CustomRefusal:
    templates: dict[str, str] = dict(settings.get("responseTemplates", {}))
    body = templates.pop("application/json", None)
    if templates:
        raise TemplateError(f"gateway response {name}: only application/json is served locally")
    parameters = settings.get("responseParameters", {})
    headers = (_header_expression(name, parameter, value) for parameter, value in parameters.items())
    status = settings.get("statusCode")
    return CustomRefusal(None if status is None else int(status), tuple(headers), body)


def _header_expression(response: str, parameter: str, expression: str) -> tuple[str, str]:
    if not parameter.startswith(_HEADER_PARAMETER):
        raise TemplateError(f"gateway response {response}: {parameter} is not served locally")
    if not _HEADER_EXPRESSION.fullmatch(expression):
        raise TemplateError(f"gateway response {response}: {expression} is not served locally")
    return parameter.removeprefix(_HEADER_PARAMETER), expression
