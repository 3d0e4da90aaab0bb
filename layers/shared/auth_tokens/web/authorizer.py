"""The Lambda authorizer's events: every shape API Gateway sends, one decision, the shape it wants back.

Nothing but `Unauthorized` is ever raised, and nothing unexpected is ever an Allow.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from auth_tokens.domain.errors import TokenServiceError, Unavailable
from auth_tokens.observability import Telemetry
from auth_tokens.usecases.ports import Caller
from auth_tokens.usecases.validate import Credential, Transport, Validated
from auth_tokens.web.credentials import bearer_token, credential_from
from auth_tokens.web.iam_policy import allow_policy, context_of, deny_policy
from auth_tokens.web.requests import Request, cookies_from, lower_cased

Validate = Callable[[Credential], Validated]


class Unauthorized(Exception):
    """API Gateway answers 401 for an exception of exactly this text."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(
    event: Any,
    validate: Validate,
    *,
    simple_response: bool,
    allowed_origins: Collection[str],
    telemetry: Telemetry,
) -> dict[str, Any]:
    """Decide on one authorizer event. simple_response: what HTTP APIs with payload 2.0 are answered."""
    is_v2 = isinstance(event, dict) and event.get("version") == "2.0"
    arn = _arn(event) if isinstance(event, dict) else ""
    fields: dict[str, object] = {"outcome": "ok"}
    answer = None
    try:
        validated = validate(_credential(event, allowed_origins))
        answer = _allowed(validated, arn, simple_response=is_v2 and simple_response)
    except TokenServiceError as exc:
        fields = {"outcome": exc.code or "no_credential", "detail": exc.detail}
        if isinstance(exc, Unavailable):
            telemetry.count("Unavailable")
    except Exception as exc:  # noqa: BLE001 - whatever it is, it must not become an Allow
        fields = {"outcome": "server_error"}
        telemetry.count("ServerError")
        telemetry.failure("authorize", exc)
    telemetry.count("AuthorizerAllowed" if answer else "AuthorizerRefused")
    telemetry.outcome("authorize", **fields)
    if answer is not None:
        return answer
    if not is_v2:
        raise Unauthorized()
    return {"isAuthorized": False} if simple_response else deny_policy(arn)


def _allowed(validated: Validated, arn: str, *, simple_response: bool) -> dict[str, Any]:
    if simple_response:
        return {"isAuthorized": True, "context": context_of(validated)}
    return allow_policy(validated, arn)


def _arn(event: Mapping[str, Any]) -> str:
    arn = event.get("methodArn") or event.get("routeArn")
    return arn if isinstance(arn, str) else ""


def _credential(event: Mapping[str, Any], allowed_origins: Collection[str]) -> Credential:
    if event.get("type") == "TOKEN":
        token = event.get("authorizationToken")
        return Credential(Transport.BEARER, bearer_token(token if isinstance(token, str) else ""))
    return credential_from(_request(event), allowed_origins)


def _request(event: Mapping[str, Any]) -> Request:
    """The parts of a REQUEST event that say who asks: payload 1.0 and 2.0, REST and HTTP."""
    headers = lower_cased(_first_values(event.get("multiValueHeaders")))
    headers |= lower_cased(event.get("headers"))
    _refuse_two(event, headers)
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    return Request(
        method=event.get("httpMethod") or http.get("method") or "GET",
        path="",
        route_key="",
        headers=headers,
        cookies=cookies_from(event.get("cookies") or [headers.get("cookie", "")]),
        query=(),
        path_parameters={},
        body=b"",
        caller=Caller(),
        request_id="",
    )


def _first_values(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: values[0] for name, values in (headers or {}).items() if values}


def _refuse_two(event: Mapping[str, Any], headers: dict[str, str]) -> None:
    """Two Authorization fields, or two spellings that disagree, are nobody's word."""
    fields = [*(event.get("multiValueHeaders") or {}).items()]
    values = [v for name, vs in fields if name.lower() == "authorization" for v in vs or []]
    single = [v for name, v in (event.get("headers") or {}).items() if name.lower() == "authorization"]
    if len(set(values + single)) > 1 or len(values) > 1:
        headers["authorization"] = "two fields"
