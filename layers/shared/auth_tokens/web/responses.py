"""Responses: the two token answers, and one body for every error (api: «Answers»)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from auth_tokens.domain import errors
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.web.errors import MethodNotAllowed, PayloadTooLarge, UnsupportedMediaType
from auth_tokens.web.request_head import SESSION_COOKIE

REALM = "auth-user-tokens"
# Pragma for caches that know no Cache-Control (RFC 6749 §5.1).
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
# What a token exchange issues, by the kind of its session (RFC 8693 §3). A cookie has no registered type.
ISSUED_TOKEN_TYPES = {
    TokenKind.REFRESH: "urn:ietf:params:oauth:token-type:access_token",
    TokenKind.SESSION: "urn:auth-user-tokens:token-type:session",
}

# As domain.dpop.public_keys has them, which only a proof loads.
PROOF_ALGORITHMS = "ES256 EdDSA Ed25519"
BEARER, DPOP = "Bearer", "DPoP"
BOTH_SCHEMES = (BEARER, DPOP)

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_STATUSES: tuple[tuple[type[errors.TokenServiceError], int], ...] = (
    (PayloadTooLarge, 413),
    (UnsupportedMediaType, 415),
    (MethodNotAllowed, 405),
    (errors.InvalidClient, 401),
    (errors.InvalidCredentials, 401),
    (errors.InvalidAccessToken, 401),
    (errors.MissingCredential, 401),
    (errors.AccessDenied, 403),
    (errors.SessionLimitReached, 403),
    (errors.InsufficientScope, 403),
    (errors.StepUpNeeded, 401),
    (errors.NotFound, 404),
    (errors.OtherHistory, 410),
    (errors.RateLimited, 429),
    (errors.Unavailable, 503),
)


@dataclass(frozen=True, slots=True)
class Response:
    """headers: beyond those that every response has, or instead; body: a JSON value, or None for none; text: a body
    that is no JSON; about: ids for the log line, never a secret."""

    status: int = 200
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    about: Mapping[str, str] = field(default_factory=dict)
    text: str = field(default="", repr=False)

    def as_event(self, cors: Mapping[str, str]) -> dict[str, Any]:
        """The response in the gateway's form (HTTP API, payload 2.0)."""
        body = self.text if self.body is None else json.dumps(self.body)
        kind = {"Content-Type": "application/json"} if body else {}
        event: dict[str, Any] = {
            "statusCode": self.status,
            "headers": {**kind, **_ALWAYS, **self.headers, **cors},
            "body": body,
            "isBase64Encoded": False,
        }
        if self.cookies:
            event["cookies"] = list(self.cookies)
        return event


def token_response(answer: TokenAnswer) -> Response:
    """The token answer (RFC 6749 §5.1), or the cookie answer for a browser session."""
    if answer.kind is TokenKind.SESSION:
        return _cookie_response(answer)
    body = {
        "access_token": answer.access_token,
        "token_type": DPOP if answer.is_bound else BEARER,
        "expires_in": answer.expires_in,
        "refresh_token": answer.token,
        "refresh_expires_in": answer.token_expires_in,
        "scope": answer.scope,
        "session_id": answer.session_id,
        "device_id": answer.device_id,
    }
    if answer.device_token is not None:
        body["device_token"] = answer.device_token
    return Response(body=body, about=_about(answer))


def exchange_response(answer: TokenAnswer) -> Response:
    """The answer to a token exchange, which also has the issued token type (RFC 8693 §2.2.1)."""
    response = token_response(answer)
    return replace(response, body={**response.body, "issued_token_type": ISSUED_TOKEN_TYPES[answer.kind]})


def clearing_cookie() -> str:
    """The Set-Cookie that ends a browser's session cookie."""
    return f"{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"


def error_response(error: errors.TokenServiceError, schemes: Sequence[str] = (BEARER,)) -> Response:
    """The one error body (RFC 6749 §5.2), with the headers that its kind asks for. schemes: what the resource takes,
    the one that the request used first."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
    if not error.code:
        challenges = ", ".join(_challenge(scheme) for scheme in schemes)
        return Response(status, None, {**NO_STORE, "WWW-Authenticate": challenges})
    if isinstance(error, errors.ProofRefused) and error.with_token:
        status, schemes = 401, (DPOP,)
    body = {"error": error.code, "error_description": error.description}
    nonce = {"DPoP-Nonce": error.next_nonce} if error.next_nonce else {}
    return Response(status, body, {**NO_STORE, **_headers_for(error, schemes[0]), **nonce})


def server_error() -> Response:
    """A fault of this service, without its cause."""
    description = errors.TokenServiceError.description
    return Response(500, {"error": "server_error", "error_description": description})


def _cookie_response(answer: TokenAnswer) -> Response:
    cookie = (
        f"{SESSION_COOKIE}={answer.token}; Path=/; Secure; HttpOnly; SameSite=Lax"
        f"; Max-Age={answer.absolute_expires_in}"
    )
    body = {
        "session_id": answer.session_id,
        "expires_in": answer.expires_in,
        "csrf_token": answer.csrf_token,
    }
    if answer.device_token is not None:
        body["device_token"] = answer.device_token
    return Response(body=body, cookies=(cookie,), about=_about(answer))


def _about(answer: TokenAnswer) -> dict[str, str]:
    return {"session_id": answer.session_id, "device_id": answer.device_id}


def _headers_for(error: errors.TokenServiceError, scheme: str) -> dict[str, str]:
    described = f'error="{error.code}", error_description="{error.description}"'
    match error:
        case errors.RateLimited() | errors.Unavailable():
            return {"Retry-After": str(error.retry_after_s)}
        case errors.InvalidClient():
            return {"WWW-Authenticate": f'Basic realm="{REALM}"'}
        case errors.InvalidAccessToken():
            return {"WWW-Authenticate": _challenge(scheme, described)}
        case errors.ProofRefused() if error.with_token:
            return {"WWW-Authenticate": _challenge(scheme, described)}
        case errors.InsufficientScope():
            return {"WWW-Authenticate": _challenge(scheme, f'error="{error.code}", scope="{error.scope}"')}
        case errors.StepUpNeeded():
            return {"WWW-Authenticate": _challenge(scheme, f'error="{error.code}"{_asked_for(error)}')}
        case MethodNotAllowed():
            return {"Allow": error.allow}
    return {}


def _challenge(scheme: str, parameters: str = "") -> str:
    """RFC 6750 §3, RFC 9449 §7.1."""
    given = [f'{scheme} realm="{REALM}"', parameters]
    if scheme == DPOP:
        given.append(f'algs="{PROOF_ALGORITHMS}"')
    return ", ".join(filter(None, given))


def _asked_for(error: errors.StepUpNeeded) -> str:
    acr_values = f', acr_values="{" ".join(error.acr_values)}"' if error.acr_values else ""
    return acr_values + (f', max_age="{error.max_age_s}"' if error.max_age_s is not None else "")
