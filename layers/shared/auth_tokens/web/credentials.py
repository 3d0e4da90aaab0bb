"""The credential of a request: the Authorization header, else the session cookie. A query string is read only for a
WebSocket, as browsers cannot set headers there."""

import re
from collections.abc import Collection

from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import AccessDenied, InvalidAccessToken, InvalidProof, MissingCredential
from auth_tokens.web.request_head import SESSION_COOKIE, RequestHead

# A page knows its own origin, and cannot read this answer where the origin is not allowed.
FOREIGN_ORIGIN = "The page's origin is not one that may use the session cookie (setting AllowedOrigins)."
# RFC 6750 §2.1; nothing but spaces may stand around the token, and only ASCII is a letter. The scheme alone is in any
# case: compared so, a token takes 15 us (measured).
_SCHEMES = re.compile(r"((?i:bearer|dpop)) +([A-Za-z0-9._~+/-]+=*) *", re.ASCII)


def credential_from(head: RequestHead, allowed_origins: Collection[str]) -> Credential:
    """The credential of a request. With a header the cookie is ignored, also where the header is malformed.

    Raises MissingCredential, InvalidAccessToken (another scheme), InvalidProof (none, with the scheme `DPoP`),
    AccessDenied (a foreign Origin with a cookie on a method that changes state).
    """
    header = head.headers.get("authorization", "")
    if header:
        return _header_credential(header, head)
    cookie = head.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise MissingCredential()
    if head.changes_state:
        refuse_cross_site(head, allowed_origins)
    return Credential(Transport.COOKIE, cookie, head.changes_state, head.headers.get("x-csrf-token"))


def websocket_credential(head: RequestHead, allowed_origins: Collection[str]) -> Credential:
    """The credential of a WebSocket's opening request: as above, or the query parameter `access_token`.

    A page of any site may open a socket, and it cannot send a CSRF token, so with a cookie its Origin decides.
    Raises as credential_from; InvalidAccessToken also for a token that came twice or two ways (RFC 6750 §2).
    """
    tokens = [value for name, value in head.query if name == "access_token"]
    if not tokens:
        credential = credential_from(head, allowed_origins)
        if credential.transport is Transport.COOKIE:
            refuse_cross_site(head, allowed_origins)
        return credential
    if len(tokens) > 1 or not isinstance(tokens[0], str) or "authorization" in head.headers:
        raise InvalidAccessToken("two credentials")
    return Credential(Transport.BEARER, tokens[0])


def _header_credential(header: str, head: RequestHead) -> Credential:
    """The token of `Bearer <token>`, or of `DPoP <token>` with the request's proof (RFC 9449 §7.1); the scheme in any
    case (RFC 9110 §11.1). Raises InvalidAccessToken, InvalidProof."""
    match = _SCHEMES.fullmatch(header)
    if match is None:
        raise InvalidAccessToken("scheme")
    scheme, token = match.groups()
    if scheme.lower() == "bearer":
        return Credential(Transport.BEARER, token)
    # Its module, and what checks a proof, is loaded with the first one: bearer tokens pay nothing for it.
    from auth_tokens.web.proofs import presented_proof

    proof = presented_proof(head)
    if proof is None:
        raise InvalidProof("none", with_token=True)
    return Credential(Transport.BEARER, token, proof=proof)


def bearer_token(header: str) -> str:
    """The token of `Bearer <token>`, where no proof can come with it. Raises InvalidAccessToken."""
    match = _SCHEMES.fullmatch(header)
    if match is None or match[1].lower() != "bearer":
        raise InvalidAccessToken("scheme")
    return match[2]


def refuse_cross_site(head: RequestHead, allowed_origins: Collection[str]) -> None:
    """Raises AccessDenied for a cross-site request, which must neither use a browser's cookie nor set one."""
    if is_cross_site(head, allowed_origins):
        raise AccessDenied("foreign origin", FOREIGN_ORIGIN)


def is_cross_site(head: RequestHead, allowed_origins: Collection[str]) -> bool:
    """Does the browser say that a page of another site sends this (docs/adr/0023)?

    An Origin must be a configured one, so pages of the same site can be distinguished. Sec-Fetch-Site (W3C Fetch
    Metadata §2.3) decides without an Origin, and cross-site is refused in any case, as a SameSite=Lax cookie would
    neither be sent nor stored. A request with neither header is from no browser, or from one that sets no such cookie.
    """
    origin, site = head.headers.get("origin"), head.headers.get("sec-fetch-site")
    if origin is None:
        return site not in (None, "same-origin", "none")
    return origin not in allowed_origins or site not in (None, "same-origin", "same-site", "none")
