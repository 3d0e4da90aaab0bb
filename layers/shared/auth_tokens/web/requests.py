"""An HTTP request as API Gateway hands it over (HTTP API, payload 2.0)."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.edge import NO_EDGE, Edge
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.web.request_head import RequestHead, cookies_from, fields_from

# The actor of a direct invocation, in events and log lines.
DIRECT = "lambda:InvokeFunction"
_PARAMETER = re.compile(r"\{([a-z_]+)\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request(RequestHead):
    """caller: as the gateway or a trusted edge states it, never from another X-Forwarded-*; path: the client's,
    decoded, which may have the stage or a custom domain's base path in front; stage: empty for `$default`;
    route_key: of HEAD that of GET, whose answer differs in the body alone (RFC 9110 §9.3.2); is_viewer_unknown: the
    edge did not say who called it."""

    path: str
    stage: str
    route_key: str
    path_parameters: Mapping[str, str]
    body: bytes = field(repr=False)
    caller: Caller
    request_id: str
    is_through_edge: bool = False
    is_viewer_unknown: bool = False

    def places(self) -> tuple[tuple[str, str], ...]:
        """The route's path, whatever the stage or a domain's base path puts before it."""
        template = self.route_key.partition(" ")[2]
        return (("", _PARAMETER.sub(lambda name: self.path_parameters.get(name[1], ""), template)),)

    def query_value(self, name: str) -> str | None:
        """The one value of a query parameter. Raises InvalidRequest if it is there twice."""
        values = [value for key, value in self.query if key == name]
        if len(values) > 1:
            raise InvalidRequest(f"{name} is repeated.")
        return values[0] if values and values[0] else None


def request_from(event: Mapping[str, Any], edge: Edge = NO_EDGE) -> Request:
    """The request in an event; absent members and nulls count as empty."""
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    headers = fields_from((event.get("headers") or {}).items())
    iam = _signed_by(context)
    source_ip = http.get("sourceIp") or ""
    is_through_edge = edge.is_trusted(headers)
    viewer = edge.viewer_address(headers, source_ip) if is_through_edge else ""
    return Request(
        method=http.get("method") or "",
        path=event.get("rawPath") or http.get("path") or "",
        stage=str(context.get("stage") or "").replace("$default", ""),
        route_key=re.sub("^HEAD ", "GET ", event.get("routeKey") or ""),
        headers=headers,
        cookies=cookies_from(event.get("cookies") or [headers.get("cookie", "")]),
        query=tuple(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)),
        path_parameters=event.get("pathParameters") or {},
        body=_body(event),
        caller=Caller(
            viewer or source_ip,
            http.get("userAgent") or "",
            edge.viewer_place(headers, is_vouched_for=is_through_edge),
            _principal(iam),
            str(context.get("requestId") or ""),
            _actor(iam),
            arrived_at=_arrived_at(context),
        ),
        request_id=str(context.get("requestId") or ""),
        is_through_edge=is_through_edge,
        is_viewer_unknown=is_through_edge and not viewer,
    )


def direct_caller(context: Any) -> Caller:
    """Who invokes a function directly (IAM: lambda:InvokeFunction). Lambda names the caller to nobody but
    CloudTrail, whose data event has the same request id."""
    return Caller(request_id=str(getattr(context, "aws_request_id", "")), actor=DIRECT)


def _arrived_at(context: Mapping[str, Any]) -> int | None:
    """The gateway's own instant of the request, in whole seconds."""
    epoch_ms = context.get("timeEpoch")
    return epoch_ms // 1000 if type(epoch_ms) is int else None


def _signed_by(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """What API Gateway says of an IAM signature that it has verified; empty where it took none."""
    authorizer = context.get("authorizer")
    iam = authorizer.get("iam") if isinstance(authorizer, dict) else None
    return iam if isinstance(iam, dict) else {}


def _principal(iam: Mapping[str, Any]) -> str:
    """The unique id of the user or role that signed; a role's session name, which changes, is left out.

    A federated user's id begins with that of the account, so it counts whole.
    """
    user_id = str(iam.get("userId") or "")
    unique = user_id.partition(":")[0]
    return user_id if unique and not unique.startswith("AROA") else unique


def _actor(iam: Mapping[str, Any]) -> str:
    """Who signed, as people and CloudTrail know it: a role with its session, or a user."""
    return str(iam.get("userArn") or iam.get("userId") or "")


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequest("The body is not valid base64.") from exc
