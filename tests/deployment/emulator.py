"""MiniStack with the types of our templates put in that it lacks. `python emulator.py`, in an environment of its own.

LAMBDA_PYTHON: the interpreter that runs the functions.
"""

from __future__ import annotations

import json
import os
from typing import Any

import ministack.app as emulator
from ministack.core import lambda_runtime
from ministack.services import apigateway, cloudfront
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

# Of each there is a name, and the attributes that a template asks for; the reason is why that is enough here.
STUBS: dict[str, tuple[str, dict[str, str]]] = {
    "AWS::ApiGatewayV2::RouteResponse": ("no socket is opened", {}),
    "AWS::CloudWatch::CompositeAlarm": ("nobody is called", {}),
    "AWS::CodeDeploy::Application": ("aliases move at once, as with DeploymentType AllAtOnce", {}),
    "AWS::CodeDeploy::DeploymentGroup": ("likewise; no alarm takes the traffic back", {}),
    "AWS::EC2::SecurityGroupIngress": ("functions are processes of this machine: no network is between", {}),
    "AWS::Events::EventBusPolicy": ("whoever may sign puts events", {}),
    "AWS::Logs::QueryDefinition": ("a saved query is for people", {}),
    "AWS::RDS::DBProxy": (
        "the stand-in of local/servers/rds_proxy serves, with DatabaseKind existing-proxy",
        {
            "Endpoint": "proxy.invalid",
            "DBProxyArn": "arn:aws:rds:eu-west-1:000000000000:db-proxy:prx-0123456789abcdef0",
        },
    ),
    "AWS::RDS::DBProxyTargetGroup": ("likewise", {}),
}


def _handler(kind: str, attributes: dict[str, str]) -> dict[str, Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        return properties.get("DBProxyName") or f"{stack}-{logical_id}", attributes

    def update(physical_id: str, old: Any, new: Any, stack: str) -> tuple[str, dict[str, str]]:
        return physical_id, attributes

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        pass

    return {"create": create, "update": update, "delete": delete}


# Within conditions MiniStack knows neither Fn::Split nor Fn::Sub nor the account; elsewhere it does.
_IN_CONDITIONS = {"Fn::Select", "Fn::Split", "Fn::Sub", "Ref"}
_evaluate = engine._evaluate_conditions


def _evaluate_conditions(template: dict[str, Any], parameters: dict[str, Any]) -> Any:
    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if _IN_CONDITIONS & set(value):
            return engine._resolve_refs(value, {}, parameters, {}, template.get("Mappings", {}), "", "")
        return {key: resolved(item) for key, item in value.items()}

    return _evaluate({**template, "Conditions": resolved(template.get("Conditions", {}))}, parameters)


_make_alarm = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]["create"]


def _alarm(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """Of an alarm on a sum of metrics there is the name: no alarm takes the traffic back here anyway."""
    if "Metrics" in properties:
        return properties.get("AlarmName") or f"{stack}-{logical_id}", {}
    made: tuple[str, dict[str, str]] = _make_alarm(logical_id, properties, stack)
    return made


# It makes an HTTP API without what its Body says, which SAM writes all routes into.
_API = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
_make_api, _change_api = _API["create"], _API["update"]


def _api(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
    api_id, attributes = _make_api(logical_id, properties, stack)
    _import(api_id, properties.get("Body", {}))
    return api_id, attributes


def _changed_api(physical_id: str, old: Any, new: Any, stack: str, logical_id: str | None = None) -> Any:
    api_id, attributes = _change_api(physical_id, old, new, stack, logical_id)
    if old.get("Body") != new.get("Body"):
        _import(api_id, new.get("Body", {}))
    return api_id, attributes


def _import(api_id: str, body: dict[str, Any]) -> None:
    """Routes, integrations and Lambda authorizers of an OpenAPI document (ImportApi), as far as SAM writes them."""
    for kept in (apigateway._routes, apigateway._integrations, apigateway._authorizers):
        kept.setdefault(api_id, {}).clear()
    schemes = body.get("components", {}).get("securitySchemes", {})
    authorizers = {
        name: _made(apigateway._create_authorizer(api_id, _authorizer(name, scheme)))["authorizerId"]
        for name, scheme in schemes.items()
        if "x-amazon-apigateway-authorizer" in scheme
    }
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            wanted = {"integrationUri": integration["uri"], "payloadFormatVersion": "2.0"}
            target = _made(apigateway._create_integration(api_id, wanted))["integrationId"]
            route = {"routeKey": _route_key(method, path), "target": f"integrations/{target}"}
            for name in (name for requirement in operation.get("security", []) for name in requirement):
                if name in authorizers:
                    route |= {"authorizationType": "CUSTOM", "authorizerId": authorizers[name]}
                else:
                    route |= {"authorizationType": "AWS_IAM"}
            _made(apigateway._create_route(api_id, route))


def _authorizer(name: str, scheme: dict[str, Any]) -> dict[str, Any]:
    written = scheme["x-amazon-apigateway-authorizer"]
    return {**written, "name": name, "authorizerType": written["type"].upper()}


def _route_key(method: str, path: str) -> str:
    if path == "/$default":
        return "$default"
    return f"{'ANY' if method == 'x-amazon-apigateway-any-method' else method.upper()} {path}"


def _made(answer: Any) -> Any:
    status, _, body = answer
    if status >= 400:
        raise ValueError(body)
    return json.loads(body)


_serve_api, _origin_of, _to_origin = (
    emulator._handle_execute_api_request,
    cloudfront._origin_connect_target,
    cloudfront._origin_request_headers,
)


async def _by_its_domain(
    host: str, path: str, method: str, headers: Any, body: bytes, query: Any, *raw: Any, **more: Any
) -> Any:
    """A domain that is an alias of a distribution leads there, as its DNS record would, and only CloudFront on to the
    API of that name."""
    aliases = {alias: one for one in cloudfront._distributions.values() for alias in _aliases(one)}
    if host in aliases and "via" not in headers:
        viewer = (method, path, more["raw_path"], more["raw_query_string"], headers, body, query, "127.0.0.1")
        return await cloudfront.handle_viewer_request(aliases[host], *viewer)
    return await _serve_api(host, path, method, headers, body, query, *raw, **more)


def _aliases(distribution: dict[str, Any]) -> list[str]:
    listed = cloudfront._find(cloudfront._dist_config_el(distribution), "Aliases")
    return [item.text for item in listed.iter() if cloudfront._local_tag_name(item) == "CNAME"]


def _connect_target(origin: dict[str, Any], viewer_is_https: bool) -> tuple[str, int, bool]:
    """An API's domain is here; it refuses to look for one at AWS."""
    if ".execute-api." in origin["domain_name"]:
        return os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]), True
    target: tuple[str, int, bool] = _origin_of(origin, viewer_is_https)
    return target


def _origin_headers(*arguments: Any) -> dict[str, str]:
    """It has no CloudFront-Viewer-… headers."""
    return {**_to_origin(*arguments), "CloudFront-Viewer-Address": "192.0.2.7:40000"}


def _functions_python(runtime: str) -> tuple[str, str]:
    if not runtime.startswith("python"):
        raise ValueError(f"no {runtime} here")
    return os.environ["LAMBDA_PYTHON"], lambda_runtime._PYTHON_WORKER_SCRIPT


def main() -> None:
    """Serves until it is ended."""
    known = provisioners._RESOURCE_HANDLERS
    for kind, (_, attributes) in STUBS.items():
        if kind in known:
            raise SystemExit(f"{kind} is there by now: its stub can go")
        known[kind] = _handler(kind, attributes)
    known["AWS::CloudWatch::Alarm"]["create"] = _alarm
    _API.update(create=_api, update=_changed_api)
    for module in (changesets, engine, handlers, stacks):
        module._evaluate_conditions = _evaluate_conditions
    emulator._handle_execute_api_request = _by_its_domain
    cloudfront._origin_connect_target = _connect_target
    cloudfront._origin_request_headers = _origin_headers
    # Functions have within reach what Lambda's runtime brings, not what the emulator needs.
    lambda_runtime._detect_runtime_binary = _functions_python
    # With TLS it would take port 443 as well.
    emulator._port_is_bindable = lambda host, port: False
    emulator.main()


if __name__ == "__main__":
    main()
