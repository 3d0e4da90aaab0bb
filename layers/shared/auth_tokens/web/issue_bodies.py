"""Bodies of login and issue → requests of the use cases."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from auth_tokens.domain.errors import NO_USER_ID, InvalidRequest
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.ids import is_base64url_32, is_path_safe
from auth_tokens.domain.policy import MODES
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.issue import IssueRequest
from auth_tokens.usecases.login import LoginRequest
from auth_tokens.web.credentials import is_cross_site, refuse_cross_site
from auth_tokens.web.instants import instant_in
from auth_tokens.web.key_binding import bound_options
from auth_tokens.web.request_body import BodyParameters, checked_idempotency_key
from auth_tokens.web.request_head import SESSION_COOKIE
from auth_tokens.web.requests import Request

MAX_USERNAME = 255
# Long enough for any passphrase, and short, as Argon2 takes longer for a megabyte.
MAX_PASSWORD = 1024
MAX_USER_ID = 36
MAX_ACR = 64
MAX_DEVICE_TEXT = 200


def login_request(parameters: BodyParameters, options: SessionOptions) -> LoginRequest:
    """`{"username", "password", …options}`, and `device.token`. Raises InvalidRequest naming the member."""
    return LoginRequest(
        username=parameters.required_text("username", MAX_USERNAME),
        password=parameters.required_text("password", MAX_PASSWORD),
        options=options,
        device_token=parameters.nested("device").text("token"),
    )


def issue_request(parameters: BodyParameters, options: SessionOptions, retry_key: str | None) -> IssueRequest:
    """`{"user_id", "amr", "acr"?, "auth_time"?, "not_after"?, "dpop_jkt"?, …options}`. Raises InvalidRequest naming the
    member."""
    not_after, jkt = instant_in(parameters, "not_after"), parameters.text("dpop_jkt")
    if jkt is not None and not is_base64url_32(jkt):
        raise InvalidRequest(
            "dpop_jkt must be the SHA-256 thumbprint of a key, 43 characters of base64url (RFC 7638)."
        )
    options = bound_options(options, jkt)
    return IssueRequest(*recognised(parameters), not_after=not_after, options=options, retry_key=retry_key)


def recognised(parameters: BodyParameters) -> tuple[str, tuple[str, ...], str, int | None]:
    """(user_id, amr, acr, auth_time): whom a backend has recognised, how and when. acr: empty where absent. Raises
    InvalidRequest naming the member."""
    user_id = parameters.required_text("user_id", MAX_USER_ID)
    if not is_path_safe(user_id):
        raise InvalidRequest(NO_USER_ID)
    amr = parameters.texts("amr")
    if not amr:
        raise InvalidRequest("amr is missing: how the user authenticated, such as pwd or otp (RFC 8176).")
    return user_id, amr, parameters.word("acr", MAX_ACR) or "", instant_in(parameters, "auth_time")


def direct_issue_request(event: Mapping[str, Any]) -> IssueRequest:
    """The same as an event, which has no headers: `idempotency_key` is one member more."""
    parameters = BodyParameters(event)
    key = parameters.text("idempotency_key")
    retry_key = checked_idempotency_key(key) if key is not None else None
    return issue_request(parameters, session_options(parameters), retry_key)


def options_of(
    parameters: BodyParameters, request: Request, allowed_origins: Collection[str]
) -> SessionOptions:
    """The options of a request over HTTP, with the session cookie that came with it.

    Raises AccessDenied where a cross-site request wants a cookie, which would sign the visitor in as somebody else
    (login CSRF, session fixation). Such a sign-in does not end the visitor's session either.
    """
    options = session_options(parameters)
    if options.kind is TokenKind.SESSION:
        refuse_cross_site(request, allowed_origins)
    if is_cross_site(request, allowed_origins):
        return options
    return replace(options, cookie=request.cookies.get(SESSION_COOKIE))


def session_options(parameters: BodyParameters) -> SessionOptions:
    """What login, issue and token exchange let a caller choose of its session."""
    device = parameters.nested("device")
    return SessionOptions(
        kind=MODES[parameters.choice("mode", tuple(MODES))],
        scope=parameters.text("scope"),
        client_id=parameters.text("client_id"),
        device=DeviceRequest(
            id=device.text("id"),
            name=device.text("name", MAX_DEVICE_TEXT) or "",
            platform=device.text("platform", MAX_DEVICE_TEXT) or "",
            remember=device.flag("remember"),
        ),
    )
