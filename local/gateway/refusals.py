"""What the gateway itself refuses, named by the types of a REST API's gateway responses.

Types and statuses: API Gateway developer guide, "Gateway response types".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from local.gateway.model import ApiKind


class RefusalType(Enum):
    """Every type that can be customized; some have no cause in local mode."""

    ACCESS_DENIED = "ACCESS_DENIED"
    API_CONFIGURATION_ERROR = "API_CONFIGURATION_ERROR"
    AUTHORIZER_CONFIGURATION_ERROR = "AUTHORIZER_CONFIGURATION_ERROR"
    AUTHORIZER_FAILURE = "AUTHORIZER_FAILURE"
    BAD_REQUEST_BODY = "BAD_REQUEST_BODY"
    BAD_REQUEST_PARAMETERS = "BAD_REQUEST_PARAMETERS"
    DEFAULT_4XX = "DEFAULT_4XX"
    DEFAULT_5XX = "DEFAULT_5XX"
    EXPIRED_TOKEN = "EXPIRED_TOKEN"
    INTEGRATION_FAILURE = "INTEGRATION_FAILURE"
    INTEGRATION_TIMEOUT = "INTEGRATION_TIMEOUT"
    INVALID_API_KEY = "INVALID_API_KEY"
    INVALID_SIGNATURE = "INVALID_SIGNATURE"
    MISSING_AUTHENTICATION_TOKEN = "MISSING_AUTHENTICATION_TOKEN"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    THROTTLED = "THROTTLED"
    UNAUTHORIZED = "UNAUTHORIZED"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    WAF_FILTERED = "WAF_FILTERED"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal. authorizer: the context of the authorizer that denied, if one did."""

    type: RefusalType
    status: int
    message: str | None
    authorizer: Mapping[str, Any] = field(default_factory=dict)


UNAUTHORIZED = Refusal(RefusalType.UNAUTHORIZED, 401, "Unauthorized")
URI_TOO_LONG = Refusal(RefusalType.DEFAULT_4XX, 414, "Request URI too long")
BAD_SIGNATURE = Refusal(RefusalType.INVALID_SIGNATURE, 403, "Forbidden")
_MISSING_TOKEN = Refusal(RefusalType.MISSING_AUTHENTICATION_TOKEN, 403, "Missing Authentication Token")


def no_route(kind: ApiKind) -> Refusal:
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.RESOURCE_NOT_FOUND, 404, "Not Found")
    return _MISSING_TOKEN


def unsigned(kind: ApiKind) -> Refusal:
    """An IAM route was called without any signature."""
    return BAD_SIGNATURE if kind is ApiKind.HTTP else _MISSING_TOKEN


def denied(kind: ApiKind, context: Mapping[str, Any], *, is_explicit: bool) -> Refusal:
    """The authorizer's policy does not allow the method, or denies it in so many words."""
    message = "User is not authorized to access this resource"
    if kind is ApiKind.HTTP:
        message = "Forbidden"
    elif is_explicit:
        # The newer text, without a promise that it stays: AWS has lengthened it before.
        message = f"{message} with an explicit deny in an identity-based policy"
    return Refusal(RefusalType.ACCESS_DENIED, 403, message, context)


def throttled() -> Refusal:
    """The stage or the route has had as many requests as it takes."""
    return Refusal(RefusalType.THROTTLED, 429, "Too Many Requests")


def too_large(kind: ApiKind) -> Refusal:
    """The body, or the event made of the request, is larger than the gateway or Lambda takes."""
    message = "Request Too Long" if kind is ApiKind.REST else "Request Entity Too Large"
    return Refusal(RefusalType.REQUEST_TOO_LARGE, 413, message)


def throttled_function(kind: ApiKind) -> Refusal:
    """Lambda has as many executions as it may have (docs/local-stack.md, open questions)."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.INTEGRATION_FAILURE, 503, "Service Unavailable")
    return Refusal(RefusalType.INTEGRATION_FAILURE, 500, "Internal server error")


def authorizer_broken(kind: ApiKind) -> Refusal:
    """The authorizer raised, answered nonsense, or did not answer."""
    message = "Internal Server Error" if kind is ApiKind.HTTP else None
    return Refusal(RefusalType.AUTHORIZER_CONFIGURATION_ERROR, 500, message)


def function_failed(kind: ApiKind) -> Refusal:
    """The function raised, died, or answered nonsense."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.DEFAULT_5XX, 500, "Internal Server Error")
    return Refusal(RefusalType.DEFAULT_5XX, 502, "Internal server error")


def timed_out(kind: ApiKind) -> Refusal:
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.INTEGRATION_TIMEOUT, 503, "Service Unavailable")
    return Refusal(RefusalType.INTEGRATION_TIMEOUT, 504, "Endpoint request timed out")
