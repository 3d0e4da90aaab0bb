"""The verifier of one API: a token's claims, or why it is refused and the answer that says so."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from auth_tokens.adapters.access_jwt.verifier import JwtVerifier
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, MissingCredential, TokenServiceError, Unavailable
from auth_tokens.domain.requirements import Requirements
from auth_tokens.web.credentials import bearer_token
from auth_tokens.web.request_head import OWS
from auth_tokens.web.responses import error_response
from auth_tokens_verify.feed import HttpFeed
from auth_tokens_verify.http import Document, Fetch, fetch, get_json
from auth_tokens_verify.keys import HttpKeys
from auth_tokens_verify.renewal import in_a_thread

PATHS = {"public": "/auth/revocations", "iam": "/admin/revocations", "none": ""}
Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is refused; detail: for your log, not for the caller."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    detail: str


class Verifier:
    """Make one for the process and keep it: it holds the public keys and the revocations. Safe in threads.

    issuer: the service's URL, exactly as in `iss`; audience: as in `aud`; revocations: `public`; `iam`, with a client
    that signs; or `none` where you accept that a token is good until its `exp`; timeout_s: of one request to the
    service; via: another HTTP client; clock, monotonic, beside: for tests.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        revocations: str = "public",
        timeout_s: float = 2,
        via: Fetch = fetch,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        beside: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        if not issuer.startswith(("https://", "http://")) or issuer.endswith("/") or not audience:
            raise ValueError("issuer (a URL without a slash at its end) and audience are needed")
        if revocations not in PATHS:
            raise ValueError(f"revocations: one of {', '.join(PATHS)}")
        self._path = PATHS[revocations]
        self._get: Callable[..., Document] = lambda path, **headers: get_json(
            f"{issuer}{path}", via, monotonic, timeout_s, headers
        )
        keys = HttpKeys(lambda: self._get("/.well-known/jwks.json"), monotonic, beside)
        self._clock = clock
        self._tokens = JwtVerifier(keys, issuer, audience)
        feed = HttpFeed(self._document_after, keys, issuer, clock, monotonic, beside)
        self._is_revoked: Callable[[AccessClaims], bool | None] = feed.is_revoked if self._path else _never

    def verify(
        self,
        token: str,
        scope: str = "",
        *,
        acr: Iterable[str] = (),
        max_age_s: int | None = None,
        strict: bool = False,
    ) -> AccessClaims:
        """The claims of a good token. scope: space-separated, all needed; acr: one of them; max_age_s: seconds since
        the user authenticated; strict: the service itself is asked about this token now.

        Raises InvalidAccessToken, InsufficientScope, StepUpNeeded, Unavailable.
        """
        now = int(self._clock())
        claims = self._tokens.verify(token, now)
        if claims.jkt is not None:
            raise InvalidAccessToken("bound to a key, whose proof is not checked here")
        is_revoked = self._is_revoked(claims)
        if is_revoked:
            raise InvalidAccessToken("revoked")
        Requirements(scope, tuple(acr), max_age_s).check(claims, now)
        if strict or is_revoked is None:
            self._ask_service(token, claims)
        return claims

    def check(
        self,
        headers: Mapping[str, str] | Fields,
        scope: str = "",
        *,
        acr: Iterable[str] = (),
        max_age_s: int | None = None,
        strict: bool = False,
    ) -> AccessClaims | Refusal:
        """The verdict on a request by its header fields: the claims, or the answer that refuses it."""
        try:
            token = _bearer(headers.items() if isinstance(headers, Mapping) else headers)
            return self.verify(token, scope, acr=acr, max_age_s=max_age_s, strict=strict)
        except TokenServiceError as exc:
            return _refusal(exc)

    def _document_after(self, cursor: str) -> Document:
        return self._get(f"{self._path}?after={quote(cursor)}" if cursor else self._path)

    def _ask_service(self, token: str, claims: AccessClaims) -> None:
        answer = self._get("/auth/session", Authorization=f"Bearer {token}")
        if answer.status == 401 and 'error="invalid_token"' in answer.headers.get("www-authenticate", ""):
            raise InvalidAccessToken("revoked")
        if answer.status != 200 or answer.body.get("session_id") != claims.sid:
            raise Unavailable(f"session: status {answer.status}")


def _never(claims: AccessClaims) -> bool:
    return False


def _bearer(fields: Fields) -> str:
    """The token of the one Authorization field. Raises MissingCredential, InvalidAccessToken."""
    values = [value.strip(OWS) for name, value in fields if name.lower() == "authorization"]
    if not any(values):
        raise MissingCredential()
    if len(values) > 1:
        raise InvalidAccessToken("two fields")
    return bearer_token(values[0])


def _refusal(error: TokenServiceError) -> Refusal:
    answer = error_response(error)
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    kind = {"Content-Type": "application/json"} if body else {}
    return Refusal(answer.status, {**kind, **answer.headers}, body, error.detail)
