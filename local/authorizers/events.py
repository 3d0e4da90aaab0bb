"""The events that a Lambda authorizer receives: REST TOKEN, REST REQUEST, HTTP API 1.0 and 2.0, WebSocket.

Shapes: API Gateway developer guide, "Input to a Lambda authorizer",
"Lambda authorizers for HTTP APIs" and "Lambda REQUEST authorizers" of WebSocket APIs.
"""

from __future__ import annotations

from local.http.call import Call, Handshake
from local.http.connection_events import connection_context, header_members
from local.http.events import Event, v1_context, v1_request, v2_context, v2_request
from local.http.messages import Headers
from local.http.payload import forwarded_headers, grouped
from local.templates.model import ApiKind, Authorizer, AuthorizerType

# A WebSocket's authorizer receives these headers besides those that functions receive.
_UPGRADE: Headers = (("Connection", "upgrade"), ("Upgrade", "websocket"))


def authorizer_event(call: Call, authorizer: Authorizer, values: tuple[str, ...]) -> Event:
    """The event for an authorizer. values: of its identity sources."""
    if authorizer.type is AuthorizerType.TOKEN:
        return {"type": "TOKEN", "methodArn": call.method_arn, "authorizationToken": values[0]}
    if isinstance(call, Handshake):
        return connect_authorizer_event(call)
    if call.api.kind is ApiKind.REST:
        return _request_v1(call)
    if authorizer.payload_version == "2.0":
        return _request_v2(call, values)
    token = ",".join(values)
    return {**_request_v1(call), "identitySource": token, "authorizationToken": token}


def connect_authorizer_event(handshake: Handshake) -> Event:
    """The event for a WebSocket's authorizer. It has no path parameters, method or resource: the path is fixed."""
    query = grouped(handshake.query_pairs())
    context = connection_context(handshake, "$connect", "CONNECT", handshake.request_id, handshake.now)
    return {
        "type": "REQUEST",
        "methodArn": handshake.method_arn,
        **header_members((*_UPGRADE, *forwarded_headers(handshake))),
        "queryStringParameters": {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "stageVariables": dict(handshake.api.stage_variables),
        "requestContext": context,
    }


def _request_v1(call: Call) -> Event:
    # An integration receives null for what was not sent, an authorizer an empty object.
    request = {name: {} if value is None else value for name, value in v1_request(call).items()}
    return {
        "type": "REQUEST",
        "methodArn": call.method_arn,
        **request,
        "requestContext": v1_context(call, None),
    }


def _request_v2(call: Call, values: tuple[str, ...]) -> Event:
    return {
        **v2_request(call),
        "type": "REQUEST",
        "routeArn": call.method_arn,
        "identitySource": list(values) or None,
        "requestContext": v2_context(call),
    }
