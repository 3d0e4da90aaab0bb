"""The members that all events of a WebSocket connection share, its authorizer's among them."""

from __future__ import annotations

from local.http.call import Handshake, clf_time
from local.http.events import Event
from local.http.messages import Headers
from local.http.payload import grouped, one_spelling
from local.templates.arns import domain_name


def header_members(headers: Headers) -> Event:
    """headers and multiValueHeaders."""
    several = grouped(one_spelling(headers))
    return {
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
    }


def connection_context(
    handshake: Handshake, route_key: str, event_type: str, request_id: str, now: float
) -> Event:
    """requestContext. event_type: CONNECT, MESSAGE or DISCONNECT; now: epoch seconds of the event."""
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
