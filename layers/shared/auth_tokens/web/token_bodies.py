"""Bodies of the token endpoint → requests of the use cases."""

from collections.abc import Collection

from auth_tokens.domain.errors import (
    CSRF_TOKEN_NEEDED,
    AccessDenied,
    InvalidGrant,
    InvalidRequest,
    InvalidTarget,
)
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import MalformedToken, TokenCodec, TokenKind, is_csrf_token
from auth_tokens.usecases.exchange import ExchangeRequest
from auth_tokens.usecases.refresh import RefreshRequest
from auth_tokens.web.credentials import refuse_cross_site
from auth_tokens.web.grant_types import DEVICE_TOKEN_TYPE
from auth_tokens.web.request_body import BodyParameters
from auth_tokens.web.request_head import SESSION_COOKIE
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import ISSUED_TOKEN_TYPES

_TARGETS = ("audience", "resource")
_ACTORS = ("actor_token", "actor_token_type")


def refresh_request(
    parameters: BodyParameters,
    retry_key: str | None,
    request: Request,
    allowed_origins: Collection[str],
    codec: TokenCodec,
) -> RefreshRequest:
    """grant_type=refresh_token: the token in the body, else the browser session in the cookie.

    Raises InvalidRequest naming the parameter, InvalidGrant (a cookie that is not ours), AccessDenied
    (a cookie without its CSRF token, or from a foreign Origin).
    """
    client_id, scope = parameters.text("client_id"), parameters.text("scope")
    token, kind = presented_session(parameters, request, allowed_origins, codec)
    return RefreshRequest(token, kind, client_id, scope, retry_key)


def presented_session(
    parameters: BodyParameters, request: Request, allowed_origins: Collection[str], codec: TokenCodec
) -> tuple[str, TokenKind]:
    """(token, kind) of the session that a request spends: the refresh token in the body, else the cookie. Raises as
    refresh_request."""
    token = parameters.text("refresh_token")
    cookie = request.cookies.get(SESSION_COOKIE)
    if token:
        if parameters.text("mode") == "cookie":
            raise InvalidRequest("mode must not be cookie for a refresh_token.")
        return token, TokenKind.REFRESH
    if not cookie:
        raise InvalidRequest("refresh_token is missing.")
    refuse_cross_site(request, allowed_origins)
    _check_csrf(cookie, request, codec)
    return cookie, TokenKind.SESSION


def exchange_request(
    parameters: BodyParameters, options: SessionOptions, retry_key: str | None
) -> ExchangeRequest:
    """grant_type=token-exchange (RFC 8693 §2.1) with a device token.

    Raises InvalidRequest or InvalidTarget naming the parameter: ignoring it would issue another token than requested.
    """
    for name in _TARGETS:
        if parameters.text(name) is not None:
            raise InvalidTarget(f"{name} is not supported: leave it out.")
    for name in _ACTORS:
        if parameters.text(name) is not None:
            raise InvalidRequest(f"{name} is not supported: leave it out.")
    device_token = parameters.required_text("subject_token")
    if parameters.required_text("subject_token_type") != DEVICE_TOKEN_TYPE:
        raise InvalidRequest(f"subject_token_type must be {DEVICE_TOKEN_TYPE}.")
    issued = ISSUED_TOKEN_TYPES[options.kind]
    if parameters.text("requested_token_type") not in (None, issued):
        raise InvalidRequest(f"requested_token_type must be {issued}.")
    return ExchangeRequest(device_token, options, retry_key)


def _check_csrf(cookie: str, request: Request, codec: TokenCodec) -> None:
    try:
        expected = codec.csrf_token(codec.parse(cookie, TokenKind.SESSION))
    except MalformedToken as exc:
        raise InvalidGrant(f"malformed: {exc}", is_forged=True) from exc
    if not is_csrf_token(request.headers.get("x-csrf-token"), expected):
        raise AccessDenied("csrf", CSRF_TOKEN_NEEDED)
