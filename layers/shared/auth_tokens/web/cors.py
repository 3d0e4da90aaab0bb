"""CORS for the configured origins only; an Origin is never reflected unchecked."""

from collections.abc import Collection, Mapping

from auth_tokens.web.requests import Request

_MAX_AGE_S = "600"
_HEADERS = "authorization, content-type, dpop, idempotency-key, x-csrf-token"
# `date`: a Retry-After that is a date counts from it, whatever the clock of the client.
_EXPOSED = "date, dpop-nonce, retry-after, www-authenticate"


def cors_headers(request: Request, allowed_origins: Collection[str]) -> dict[str, str]:
    """For every answer. All have `Vary: Origin`: a cache must not serve one origin's answer to another."""
    origin = request.headers.get("origin")
    if origin is None or origin not in allowed_origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
    }


def preflight_headers(methods: str) -> Mapping[str, str]:
    """For the answer to a preflight; without Access-Control-Allow-Origin beside them they allow nothing."""
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _MAX_AGE_S,
    }
