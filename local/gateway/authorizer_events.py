"""The events that a Lambda authorizer receives: REST TOKEN, REST REQUEST, HTTP API 1.0 and 2.0, WebSocket.

Shapes: API Gateway developer guide, "Input to a Lambda authorizer",
"Lambda authorizers for HTTP APIs" and "Lambda REQUEST authorizers" of WebSocket APIs.
"""

from __future__ import annotations

from local.gateway.call import Call, Handshake
from local.gateway.events import Event, v1_context, v1_request, v2_context, v2_request
from local.gateway.model import ApiKind, Authorizer, AuthorizerType
from local.gateway.socket_events import connect_authorizer_event


def authorizer_event(call: Call, authorizer: Authorizer, values: tuple[str, ...]) -> Event:
    """The event for an authorizer; values: what its identity sources held."""
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


def _request_v1(call: Call) -> Event:
    # Unlike an integration, an authorizer gets empty objects where nothing was sent.
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
