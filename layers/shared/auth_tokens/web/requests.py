"""An HTTP request as API Gateway hands it over (HTTP API, payload 2.0)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.places import Place, place_of
from auth_tokens.usecases.ports import Caller
from auth_tokens.web.heads import RequestHead, cookies_from, fields_from


@dataclass(frozen=True, slots=True)
class Request(RequestHead):
    """caller: by the gateway's word, never by X-Forwarded-*."""

    path: str
    route_key: str
    path_parameters: Mapping[str, str]
    body: bytes = field(repr=False)
    caller: Caller
    request_id: str

    def query_value(self, name: str) -> str | None:
        """The one value of a query parameter. Raises InvalidRequest if it is there twice."""
        values = [value for key, value in self.query if key == name]
        if len(values) > 1:
            raise InvalidRequest(f"{name} is repeated.")
        return values[0] if values and values[0] else None


def request_from(event: Mapping[str, Any]) -> Request:
    """The request in an event; absent members and nulls count as empty."""
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    headers = fields_from((event.get("headers") or {}).items())
    return Request(
        method=http.get("method") or "",
        path=event.get("rawPath") or http.get("path") or "",
        route_key=event.get("routeKey") or "",
        headers=headers,
        cookies=cookies_from(event.get("cookies") or [headers.get("cookie", "")]),
        query=tuple(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)),
        path_parameters=event.get("pathParameters") or {},
        body=_body(event),
        caller=Caller(
            http.get("sourceIp") or "", http.get("userAgent") or "", _place(headers), _principal(context)
        ),
        request_id=context.get("requestId") or "",
    )


def _principal(context: Mapping[str, Any]) -> str:
    """The unique id of the user or role that signed; a role's session name, which changes, is left out.

    A federated user's id begins with that of the account, so it counts whole.
    """
    iam = (context.get("authorizer") or {}).get("iam") or {}
    user_id = str(iam.get("userId") or "")
    return user_id.partition(":")[0] if user_id.startswith("AROA") else user_id


def _place(headers: Mapping[str, str]) -> Place | None:
    """Where CloudFront sees the viewer; it overwrites what a viewer sends under these names."""
    return place_of(
        headers.get("cloudfront-viewer-country", ""),
        headers.get("cloudfront-viewer-latitude", ""),
        headers.get("cloudfront-viewer-longitude", ""),
    )


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode(errors="surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequest("The body is not valid base64.") from exc
