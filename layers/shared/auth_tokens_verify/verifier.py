"""The verifier of one API: a token's claims, or why it is refused and the answer that says so."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import quote

from auth_tokens.adapters.access_jwt.verifier import JwtVerifier
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, TokenServiceError, Unavailable
from auth_tokens.domain.requirements import Requirements
from auth_tokens.usecases.validate import proof_id_of
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.request_head import RequestHead, fields_from
from auth_tokens.web.responses import BEARER, BOTH_SCHEMES, DPOP, error_response
from auth_tokens_verify.feed import HttpFeed
from auth_tokens_verify.http import Document, Fetch, fetch, get_json
from auth_tokens_verify.keys import HttpKeys
from auth_tokens_verify.proofs import Count, Proofs
from auth_tokens_verify.renewal import in_a_thread

PATHS = {"public": "/auth/revocations", "iam": "/admin/revocations", "none": ""}
Fields = Iterable[tuple[str, str]]
# Asks the service about a token (RFC 7662); raises whatever it likes where there is no answer.
Introspect = Callable[[str], Mapping[str, Any]]

_READ = frozenset({"authorization", "dpop"})


@dataclass(frozen=True, slots=True)
class RequestClaims(AccessClaims):
    """A good token's claims. proof_id: names the proof that came with a key-bound token (22 characters); an API that
    must do nothing twice stores it for 120 s under a UNIQUE index. None of a bearer token."""

    proof_id: str | None = None


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
    that signs; or `none` where you accept that a token is good until its `exp`; public_urls: the base URLs by which
    clients know this API, without which no key-bound token is taken; introspect: answers `strict` for key-bound
    tokens; timeout_s: of one request to the service; via: another HTTP client; count: called with the name of a metric
    (`DpopReplay`, `DpopClockSkewed`, `DpopMemoryFull`); clock, monotonic, beside: for tests.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        revocations: str = "public",
        public_urls: Iterable[str] = (),
        introspect: Introspect | None = None,
        timeout_s: float = 2,
        via: Fetch = fetch,
        count: Count = lambda name: None,
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
        self._proofs = Proofs(public_urls, count)
        self._introspect = introspect
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
    ) -> RequestClaims:
        """The claims of a good bearer token. scope: space-separated, all needed; acr: one of them; max_age_s: seconds
        since the user authenticated; strict: the service itself is asked about this token now.

        Raises InvalidAccessToken (also for a key-bound token), InsufficientScope, StepUpNeeded, Unavailable.
        """
        credential = Credential(Transport.BEARER, token)
        return self._verified(credential, Requirements(scope, tuple(acr), max_age_s), strict=strict)

    def check(
        self,
        headers: Mapping[str, str] | Fields,
        scope: str = "",
        *,
        method: str = "",
        target: str = "",
        acr: Iterable[str] = (),
        max_age_s: int | None = None,
        strict: bool = False,
    ) -> RequestClaims | Refusal:
        """The verdict on a request by its header fields: the claims, or the answer that refuses it. method, target: of
        its first line, the target percent-encoded as it came; without them no proof is good."""
        given = headers.items() if isinstance(headers, Mapping) else headers
        read = fields_from((name, value) for name, value in given if name.lower() in _READ)
        try:
            credential = credential_from(RequestHead(method, read, cookies={}, query=()), ())
            credential = self._proofs.located(credential, target)
            return self._verified(credential, Requirements(scope, tuple(acr), max_age_s), strict=strict)
        except TokenServiceError as exc:
            return _refusal(exc, self._schemes_for(read))

    def _verified(self, credential: Credential, requirements: Requirements, *, strict: bool) -> RequestClaims:
        now = int(self._clock())
        claims = self._tokens.verify(credential.text, now)
        proof_id = proof_id_of(credential, claims, self._proofs.checks, now)
        is_revoked = self._is_revoked(claims)
        if is_revoked:
            raise InvalidAccessToken("revoked")
        requirements.check(claims, now)
        if strict or is_revoked is None:
            # A key-bound token's own session is shown for a proof only that its client alone can make.
            ask = self._ask_service if claims.jkt is None else self._ask_by_introspection
            ask(credential.text, claims)
        return RequestClaims(**{name: getattr(claims, name) for name in _CLAIMS}, proof_id=proof_id)

    def _schemes_for(self, read: Mapping[str, str]) -> Sequence[str]:
        """The schemes of the answer's challenge: that of the request's token, or all that are taken."""
        if read.get("authorization", "").lower().startswith("dpop "):
            return (DPOP,)
        return BOTH_SCHEMES if self._proofs.are_possible else (BEARER,)

    def _document_after(self, cursor: str) -> Document:
        return self._get(f"{self._path}?after={quote(cursor)}" if cursor else self._path)

    def _ask_service(self, token: str, claims: AccessClaims) -> None:
        answer = self._get("/auth/session", Authorization=f"Bearer {token}")
        if answer.status == 401 and 'error="invalid_token"' in answer.headers.get("www-authenticate", ""):
            raise InvalidAccessToken("revoked")
        if answer.status != 200 or answer.body.get("session_id") != claims.sid:
            raise Unavailable(f"session: status {answer.status}")

    def _ask_by_introspection(self, token: str, claims: AccessClaims) -> None:
        if self._introspect is None:
            raise Unavailable("a key-bound token can be asked about by introspection alone: introspect")
        try:
            is_active = self._introspect(token)["active"]
        except Exception as exc:
            raise Unavailable(f"introspection of {claims.sid}: {exc}") from exc
        if is_active is not True:
            raise InvalidAccessToken("revoked")


_CLAIMS = tuple(claim.name for claim in fields(AccessClaims))


def _never(claims: AccessClaims) -> bool:
    return False


def _refusal(error: TokenServiceError, schemes: Sequence[str]) -> Refusal:
    answer = error_response(error, schemes)
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    kind = {"Content-Type": "application/json"} if body else {}
    return Refusal(answer.status, {**kind, **answer.headers}, body, error.detail)
