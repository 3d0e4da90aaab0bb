"""The refusals of the gateway itself: status and message for each kind of API.

Types and statuses: API Gateway developer guide, "Gateway response types".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.templates.model import ApiKind, RefusalType


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal.

    authorizer: the context that a denying authorizer returned; else empty. detail: more of the reason, for logs.
    """

    type: RefusalType
    status: int
    message: str | None
    authorizer: Mapping[str, Any] = field(default_factory=dict)
    detail: str = field(default="", compare=False)

    @property
    def reason(self) -> str:
        """Why, for logs: "gateway: invalid signature: the request is too old"."""
        type_in_words = self.type.value.replace("_", " ").lower()
        return ": ".join(filter(None, ("gateway", type_in_words, self.detail)))


UNAUTHORIZED = Refusal(RefusalType.UNAUTHORIZED, 401, "Unauthorized")
URI_TOO_LONG = Refusal(RefusalType.DEFAULT_4XX, 414, "Request URI too long")
BAD_SIGNATURE = Refusal(RefusalType.INVALID_SIGNATURE, 403, "Forbidden")
_MISSING_TOKEN = Refusal(RefusalType.MISSING_AUTHENTICATION_TOKEN, 403, "Missing Authentication Token")


def no_route(kind: ApiKind) -> Refusal:
    """The API has no route for the request."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.RESOURCE_NOT_FOUND, 404, "Not Found")
    return _MISSING_TOKEN


def unsigned(kind: ApiKind) -> Refusal:
    """A request at an IAM route has no signature."""
    return BAD_SIGNATURE if kind is ApiKind.HTTP else _MISSING_TOKEN


def denied(kind: ApiKind, context: Mapping[str, Any], *, is_explicit: bool) -> Refusal:
    """The authorizer's policy does not allow the method. is_explicit: a statement of it denies the method."""
    message = "User is not authorized to access this resource"
    if kind is ApiKind.HTTP:
        message = "Forbidden"
    elif is_explicit:
        # AWS has lengthened this text before, and may do so again.
        message = f"{message} with an explicit deny in an identity-based policy"
    return Refusal(RefusalType.ACCESS_DENIED, 403, message, context)


def throttled() -> Refusal:
    """Requests arrive faster than the throttle of the stage or route allows."""
    return Refusal(RefusalType.THROTTLED, 429, "Too Many Requests")


def too_large(kind: ApiKind) -> Refusal:
    """The body exceeds the gateway's limit, or the event exceeds Lambda's."""
    message = "Request Too Long" if kind is ApiKind.REST else "Request Entity Too Large"
    return Refusal(RefusalType.REQUEST_TOO_LARGE, 413, message)


def throttled_function(kind: ApiKind) -> Refusal:
    """The function or the account has reached its concurrency (docs/reference/local-stack.md, open questions)."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.INTEGRATION_FAILURE, 503, "Service Unavailable")
    return Refusal(RefusalType.INTEGRATION_FAILURE, 500, "Internal server error")


def authorizer_broken(kind: ApiKind) -> Refusal:
    """The authorizer raised, returned a malformed result, or ran out of time."""
    message = "Internal Server Error" if kind is ApiKind.HTTP else None
    return Refusal(RefusalType.AUTHORIZER_CONFIGURATION_ERROR, 500, message)


def function_failed(kind: ApiKind) -> Refusal:
    """The function raised, died, or returned a malformed result."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.DEFAULT_5XX, 500, "Internal Server Error")
    return Refusal(RefusalType.DEFAULT_5XX, 502, "Internal server error")


def timed_out(kind: ApiKind) -> Refusal:
    """The integration did not answer within the time of its route."""
    if kind is ApiKind.HTTP:
        return Refusal(RefusalType.INTEGRATION_TIMEOUT, 503, "Service Unavailable")
    return Refusal(RefusalType.INTEGRATION_TIMEOUT, 504, "Endpoint request timed out")
