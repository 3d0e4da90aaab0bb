"""Where a credential is looked for: the Authorization header, else the session cookie. Never a query string."""

from collections.abc import Collection

from auth_tokens.domain.errors import AccessDenied, InvalidAccessToken, MissingCredential
from auth_tokens.usecases.validate import Credential, Transport
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import SESSION_COOKIE


def credential_from(request: Request, allowed_origins: Collection[str]) -> Credential:
    """The credential of a request. A header, if there is one, decides: it never falls back to the cookie.

    Raises MissingCredential, InvalidAccessToken (another scheme), AccessDenied (a foreign Origin
    with a cookie on a method that changes state).
    """
    header = request.headers.get("authorization", "").strip(" \t")
    if header:
        return Credential(Transport.BEARER, bearer_token(header))
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise MissingCredential()
    refuse_foreign_origin(request, allowed_origins)
    return Credential(Transport.COOKIE, cookie, request.changes_state, request.headers.get("x-csrf-token"))


def bearer_token(header: str) -> str:
    """The token of `Bearer <token>`; the scheme in any case (RFC 9110 §11.1). Raises InvalidAccessToken."""
    scheme, _, token = header.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token or " " in token or "," in token:
        raise InvalidAccessToken("scheme")
    return token


def refuse_foreign_origin(request: Request, allowed_origins: Collection[str]) -> None:
    """A browser says where a page's request comes from; a cookie must not be used from elsewhere."""
    origin = request.headers.get("origin")
    if request.changes_state and origin is not None and origin not in allowed_origins:
        raise AccessDenied("foreign origin")
