"""The events that the functions of a WebSocket API receive in the life of a connection.

Shapes: API Gateway developer guide, "The $connect route" of WebSocket APIs. Where it says nothing, the shape is the
one that Powertools for AWS Lambda reads.
"""

from __future__ import annotations

from local.http.call import Handshake
from local.http.connection_events import connection_context, header_members
from local.http.events import Authorized, Event
from local.http.ids import new_id
from local.http.payload import forwarded_headers, grouped
from local.templates.arns import domain_name


class SocketEvents:
    """The events of one connection. caller: the result of its authorizer; None without one."""

    def __init__(self, handshake: Handshake, caller: Authorized | None) -> None:
        self._handshake = handshake
        self._caller = caller

    def connect(self) -> Event:
        handshake = self._handshake
        query = grouped(handshake.query_pairs())
        event = header_members(forwarded_headers(handshake))
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
        return header_members((*host, ("x-restapi", ""))) | self._rest({**context, **ending})

    def _context(self, route_key: str, event_type: str, request_id: str, now: float) -> Event:
        context = connection_context(self._handshake, route_key, event_type, request_id, now)
        if self._caller is not None:
            context["authorizer"] = {**self._caller.context, "principalId": self._caller.principal_id}
        return context

    def _rest(self, context: Event) -> Event:
        """The members that every event has."""
        variables = dict(self._handshake.api.stage_variables)
        event: Event = {"requestContext": context, "isBase64Encoded": False}
        return event | ({"stageVariables": variables} if variables else {})
