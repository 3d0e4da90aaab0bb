"""The handler of every HTTP function: it calls one route, maps errors to responses, and logs one line."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from auth_tokens.domain.edge import NO_EDGE, Edge
from auth_tokens.domain.errors import AccessDenied, NotFound, RateLimited, TokenServiceError, Unavailable
from auth_tokens.observability import Telemetry
from auth_tokens.time_left import timed
from auth_tokens.web.cors import cors_headers
from auth_tokens.web.requests import Request, request_from
from auth_tokens.web.responses import BOTH_SCHEMES, DPOP, Response, error_response, server_error
from auth_tokens.web.unknown_parameters import refuse_unknown_query

Route = Callable[[Request], Response]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def http_handler(
    routes: Mapping[str, Route],
    telemetry: Telemetry,
    allowed_origins: Collection[str],
    edge: Edge = NO_EDGE,
) -> Handler:
    """A Lambda handler for an HTTP API. routes: route key as in template.yaml → what answers it."""

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if not is_http(event):
            raise ValueError("not an HTTP API event")  # a schedule aimed at the wrong function
        return _answer(event, routes, telemetry, allowed_origins, edge)

    return timed(handle)


def is_http(event: Any) -> bool:
    """Is this an event of API Gateway?"""
    return isinstance(event, dict) and isinstance(event.get("requestContext"), dict)


def count_refusal(error: TokenServiceError, telemetry: Telemetry) -> None:
    """Metrics of the errors that concern the service, not one request."""
    match error:
        case Unavailable():
            telemetry.count("Unavailable")
        case RateLimited():
            telemetry.count("RateLimited")


def _answer(
    event: dict[str, Any],
    routes: Mapping[str, Route],
    telemetry: Telemetry,
    allowed_origins: Collection[str],
    edge: Edge,
) -> dict[str, Any]:
    started = time.perf_counter()
    fields: dict[str, object] = {"route": event.get("routeKey"), "outcome": "ok"}
    cors: Mapping[str, str] = {}
    schemes: Sequence[str] = BOTH_SCHEMES
    try:
        request = request_from(event, edge)
        fields |= {"request_id": request.request_id, **request.caller.act}
        cors, schemes = cors_headers(request, allowed_origins), _schemes_for(request)
        if request.is_viewer_unknown:
            telemetry.count("EdgeAddressMissing")
        _refuse_bypassed_edge(edge, request)
        refuse_unknown_query(request)
        response = routes.get(request.route_key, _no_route)(request)
        fields |= response.about
        answer = response.as_event(cors)
    except TokenServiceError as exc:
        answer = error_response(exc, schemes).as_event(cors)
        fields |= {**exc.about, "outcome": exc.code or "no_credential", "detail": exc.detail}
        count_refusal(exc, telemetry)
    except Exception as exc:  # noqa: BLE001 - the last resort: the caller gets a 500 without details
        answer = server_error().as_event(cors)
        fields["outcome"] = "server_error"
        telemetry.count("ServerError")
        telemetry.failure("unexpected", exc, **fields)
    duration_ms = round((time.perf_counter() - started) * 1000, 1)
    telemetry.outcome("request", **fields, status=answer["statusCode"], duration_ms=duration_ms)
    return {**answer, "body": ""} if _is_head(event) else answer


def _schemes_for(request: Request) -> Sequence[str]:
    """The schemes of the answer's challenge: that of the request's token, or all."""
    is_by_proof = request.headers.get("authorization", "").lower().startswith("dpop ")
    return (DPOP,) if is_by_proof else BOTH_SCHEMES


def _is_head(event: Mapping[str, Any]) -> bool:
    return (event["requestContext"].get("http") or {}).get("method") == "HEAD"


def _refuse_bypassed_edge(edge: Edge, request: Request) -> None:
    """Where the edge is required, only signed requests (IAM) may bypass it, as a signature does not pass a CDN."""
    if edge.is_required and not request.is_through_edge and not request.caller.principal:
        raise AccessDenied("not through the edge")


def _no_route(request: Request) -> Response:
    raise NotFound()
