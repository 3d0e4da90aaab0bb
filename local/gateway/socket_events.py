"""The events of a WebSocket API: its authorizer's, and those of its functions in a connection's life.

Shapes: API Gateway developer guide, "Lambda REQUEST authorizers" and "The $connect route" of
WebSocket APIs; what it leaves open is as Powertools for AWS Lambda reads it.
"""

from __future__ import annotations

import secrets
from base64 import b64encode

from local.gateway.arns import domain_name
from local.gateway.call import Handshake, clf_time
from local.gateway.events import Authorized, Event
from local.gateway.messages import Headers
from local.gateway.payload import forwarded_headers, grouped, one_spelling

# An authorizer is shown these beside the headers that functions see.
_UPGRADE: Headers = (("Connection", "upgrade"), ("Upgrade", "websocket"))


def new_id() -> str:
    """An id of a connection, message or request, in the form of AWS's."""
    return b64encode(secrets.token_bytes(11)).decode()


def connect_authorizer_event(handshake: Handshake) -> Event:
    """Without path parameters, method and resource: the path is fixed."""
    query = grouped(handshake.query_pairs())
    return {
        "type": "REQUEST",
        "methodArn": handshake.method_arn,
        **_header_members((*_UPGRADE, *forwarded_headers(handshake))),
        "queryStringParameters": {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "stageVariables": dict(handshake.api.stage_variables),
        "requestContext": _context(handshake, "$connect", "CONNECT", handshake.request_id, handshake.now),
    }


class SocketEvents:
    """The events of one connection's functions. caller: whom the authorizer let in, if there is one."""

    def __init__(self, handshake: Handshake, caller: Authorized | None) -> None:
        self._handshake = handshake
        self._caller = caller

    def connect(self) -> Event:
        handshake = self._handshake
        query = grouped(handshake.query_pairs())
        event = _header_members(forwarded_headers(handshake))
        if query:
            event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
            event["multiValueQueryStringParameters"] = query
        context = self._context("$connect", "CONNECT", handshake.request_id, handshake.now)
        return event | self._rest(context)

    def message(self, route_key: str, request_id: str, now: float, body: str) -> Event:
        context = self._context(route_key, "MESSAGE", request_id, now)
        return self._rest({**context, "messageId": new_id()}) | {"body": body}

    def disconnect(self, now: float, code: int, reason: str) -> Event:
        context = self._context("$disconnect", "DISCONNECT", new_id(), now)
        ending = {"disconnectStatusCode": code, "disconnectReason": reason}
        host = (("Host", domain_name(self._handshake.api.id)), ("x-api-key", ""), ("X-Forwarded-For", ""))
        return _header_members((*host, ("x-restapi", ""))) | self._rest({**context, **ending})

    def _context(self, route_key: str, event_type: str, request_id: str, now: float) -> Event:
        context = _context(self._handshake, route_key, event_type, request_id, now)
        if self._caller is not None:
            context["authorizer"] = {**self._caller.context, "principalId": self._caller.principal_id}
        return context

    def _rest(self, context: Event) -> Event:
        variables = dict(self._handshake.api.stage_variables)
        event: Event = {"requestContext": context, "isBase64Encoded": False}
        return event | ({"stageVariables": variables} if variables else {})


def _header_members(headers: Headers) -> Event:
    several = grouped(one_spelling(headers))
    return {
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
    }


def _context(handshake: Handshake, route_key: str, event_type: str, request_id: str, now: float) -> Event:
    identity: Event = {"sourceIp": handshake.request.source_ip}
    if handshake.user_agent is not None:
        identity["userAgent"] = handshake.user_agent
    return {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": clf_time(now),
        "messageDirection": "IN",
        "stage": handshake.api.stage,
        "connectedAt": handshake.time_epoch_ms,
        "requestTimeEpoch": int(now * 1000),
        "identity": identity,
        "requestId": request_id,
        "domainName": domain_name(handshake.api.id),
        "connectionId": handshake.connection_id,
        "apiId": handshake.api.id,
    }
