"""The Lambda authorizer's events: every form that API Gateway sends, one decision, the response in the right form.

Only `Unauthorized` is ever raised, and an unexpected error is never an Allow.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import InsufficientScope, StepUpNeeded, TokenServiceError, Unavailable
from auth_tokens.domain.route_scopes import RouteScopes
from auth_tokens.observability import Telemetry
from auth_tokens.web.credentials import bearer_token, credential_from, websocket_credential
from auth_tokens.web.iam_policy import Context, allow_policy, context_of, deny_policy
from auth_tokens.web.request_head import RequestHead, cookies_from, fields_from

Validate = Callable[[Credential], Validated]
NO_ROUTE_SCOPES = RouteScopes()


class Unauthorized(Exception):
    """API Gateway answers 401 for an exception of exactly this text."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@dataclass(frozen=True, slots=True)
class AuthorizerOptions:
    """simple_response: whether HTTP APIs with payload 2.0 get the simple response; allowed_origins: of cookies;
    public_urls: `API_ID/STAGE` → the addresses that clients know an API by, where they are not the gateway's own."""

    simple_response: bool
    allowed_origins: Collection[str] = ()
    route_scopes: RouteScopes = NO_ROUTE_SCOPES
    public_urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def authorize(
    event: Any, validate: Validate, options: AuthorizerOptions, telemetry: Telemetry, invocation_id: str = ""
) -> dict[str, Any]:
    """Decide on one authorizer event. invocation_id: the Lambda's own, for the log line where the event names no
    request (REST TOKEN).

    Raises Unauthorized. A good credential without the needed scope or authentication gets a Deny instead, whose
    context has the reason, as a fresh token of the same kind would not help.
    """
    is_v2 = isinstance(event, dict) and event.get("version") == "2.0"
    is_simple = is_v2 and options.simple_response
    arn = _arn(event) if isinstance(event, dict) else ""
    fields: dict[str, object] = {"request_id": _request_id(event) or invocation_id, "outcome": "ok"}
    answer, reason = None, None
    try:
        validated = validate(_located(_credential(event, options.allowed_origins), event, arn, options))
        fields |= validated.claims.ids
        if _is_connect(event):  # what comes over the socket later has no method
            validated = replace(validated, may_change_state=True)
        answer = _allowed(validated, arn, options.route_scopes, is_simple=is_simple)
    except TokenServiceError as exc:
        fields |= {**exc.about, "outcome": exc.code or "no_credential", "detail": exc.detail}
        reason = _reason(exc)
        if isinstance(exc, Unavailable):
            telemetry.count("Unavailable")
    except Exception as exc:  # noqa: BLE001 - no error may become an Allow
        fields["outcome"] = "server_error"
        telemetry.count("ServerError")
        telemetry.failure("authorize", exc)
    telemetry.count("AuthorizerAllowed" if answer else "AuthorizerRefused")
    telemetry.outcome("authorize", **fields)
    return answer or _refused(arn, reason, is_v2=is_v2, is_simple=is_simple)


def _allowed(validated: Validated, arn: str, route_scopes: RouteScopes, *, is_simple: bool) -> dict[str, Any]:
    if is_simple:
        return {"isAuthorized": True, "context": context_of(validated)}
    policy = allow_policy(validated, arn, route_scopes)
    if policy is None:
        raise InsufficientScope("").of(validated.claims.ids)
    return policy


def _refused(arn: str, reason: Context | None, *, is_v2: bool, is_simple: bool) -> dict[str, Any]:
    if is_simple:
        return {"isAuthorized": False, "context": dict(reason)} if reason else {"isAuthorized": False}
    if reason or is_v2:
        return deny_policy(arn, reason or {})
    raise Unauthorized()


def _reason(error: TokenServiceError) -> Context | None:
    """Why a good credential is not enough, in the words of RFC 6750 §3 and RFC 9470 §3."""
    match error:
        case InsufficientScope():
            more: dict[str, str | int] = {"scope": error.scope}
        case StepUpNeeded():
            more = {"acr_values": " ".join(error.acr_values)}
            if error.max_age_s is not None:
                more["max_age"] = error.max_age_s
        case _:
            return None
    return {"error": error.code, "error_description": error.description, **more}


def _arn(event: Mapping[str, Any]) -> str:
    arn = event.get("methodArn") or event.get("routeArn")
    return arn if isinstance(arn, str) else ""


def _request_id(event: Any) -> str:
    """The request's id at the gateway that asks; empty where the event has none, or is none."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    request_id = context.get("requestId") if isinstance(context, dict) else None
    return request_id if isinstance(request_id, str) else ""


def _credential(event: Mapping[str, Any], allowed_origins: Collection[str]) -> Credential:
    if event.get("type") == "TOKEN":
        token = event.get("authorizationToken")
        return Credential(Transport.BEARER, bearer_token(token if isinstance(token, str) else ""))
    head = _head(event)
    if _is_connect(event):
        return websocket_credential(head, allowed_origins)
    return credential_from(head, allowed_origins)


def _located(
    credential: Credential, event: Mapping[str, Any], arn: str, options: AuthorizerOptions
) -> Credential:
    """The credential, with the places that its proof may name."""
    if credential.proof is None:
        return credential
    from auth_tokens.web.gateway_places import places_of

    places = places_of(event, arn, options.public_urls)
    return replace(credential, proof=replace(credential.proof, places=places))


def _is_connect(event: Mapping[str, Any]) -> bool:
    """A WebSocket API asks once, when the socket opens."""
    return (event.get("requestContext") or {}).get("eventType") == "CONNECT"


def _head(event: Mapping[str, Any]) -> RequestHead:
    """The head in a REQUEST event: payload 1.0 and 2.0, REST, HTTP and WebSocket."""
    headers = fields_from(_every_value(event.get("multiValueHeaders") or {}))
    headers = fields_from((event.get("headers") or {}).items()) | headers
    _refuse_two(event, headers)
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    return RequestHead(
        method=event.get("httpMethod") or http.get("method") or "GET",
        headers=headers,
        cookies=cookies_from(event.get("cookies") or [headers.get("cookie", "")]),
        query=tuple(_query(event)),
    )


def _every_value(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, values in fields.items() for value in values or [])


def _query(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The query's pairs, each as often as it came."""
    many = event.get("multiValueQueryStringParameters") or {}
    one = event.get("queryStringParameters") or {}
    return [*_every_value(many)] + [(name, value) for name, value in one.items() if name not in many]


def _refuse_two(event: Mapping[str, Any], headers: dict[str, str]) -> None:
    """Two Authorization fields, two of DPoP, or fields that differ, are ambiguous and refused."""
    every = list(_every_value(event.get("multiValueHeaders") or {}))
    for name in ("authorization", "dpop"):
        if name in headers:
            values = [v for written, v in every if written.lower() == name]
            single = [v for written, v in (event.get("headers") or {}).items() if written.lower() == name]
            if len(set(values + single)) > 1 or len(values) > 1:
                headers[name] = "two fields"
