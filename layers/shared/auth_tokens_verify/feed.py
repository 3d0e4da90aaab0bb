"""What was revoked lately: GET /auth/revocations, read again while requests come, and remembered as long as an access
token of it may live."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auth_tokens.adapters.access_jwt.verifier import KeysByKid, open_token
from auth_tokens.adapters.ids_by_span import IdsBySpan
from auth_tokens.domain.base64url import to_base64url
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import InvalidAccessToken, Unavailable
from auth_tokens_verify.http import Document
from auth_tokens_verify.renewal import Renewal, in_a_thread

TYPES = frozenset({"revocations+jwt"})
# The document may be a second old where it is made and another in a CDN.
UPSTREAM_S = 2
# Read again beside the requests from this part of the permitted age on, and before answering at its end.
RENEW_AT = 2 / 3
# How far the clock here and the service's may differ before its documents look old.
CLOCKS_S = 60
GONE = 410


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the last statement says; the values of before the first."""

    as_of: int = 0
    next: str = ""
    is_complete: bool = True
    is_overflow: bool = False
    cutoffs: tuple[Cutoff, ...] = ()
    memory_s: int = 3660
    max_staleness_s: int = 5
    fail_after_s: int = 60


class HttpFeed:
    """get: GETs the document after a cursor; keys: verify its statement; clock: epoch seconds."""

    def __init__(
        self,
        get: Callable[[str], Document],
        keys: KeysByKid,
        issuer: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        beside: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._get = get
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._monotonic = monotonic
        self._ids = IdsBySpan()
        self._stated = _Stated()
        self._known_at = float("-inf")
        self._renewal = Renewal(self._read, monotonic, beside)

    def is_revoked(self, claims: AccessClaims) -> bool | None:
        """As known now; None where the service has more revocations than fit. Raises Unavailable where the knowledge
        is too old."""
        self._renew()
        if self._stated.is_overflow:
            return None
        listed = claims.session_id in self._ids or claims.token_id in self._ids
        return listed or any(cutoff.ends(claims) for cutoff in self._stated.cutoffs)

    def _renew(self) -> None:
        now, permitted = self._monotonic(), max(0, self._stated.max_staleness_s - UPSTREAM_S)
        if now - self._known_at >= permitted:
            self._renewal.now(lambda: now - self._known_at >= permitted)
        elif now - self._known_at >= RENEW_AT * permitted:
            self._renewal.beside(lambda: now - self._known_at >= RENEW_AT * permitted)
        by_their_clock = self._clock() - self._stated.as_of - CLOCKS_S
        if max(self._monotonic() - self._known_at, by_their_clock) >= self._stated.fail_after_s:
            raise Unavailable(f"revocations: {self._renewal.failure}")

    def _read(self) -> None:
        after = self._stated.next
        while True:
            document = self._get(after)
            if document.status == GONE and after:
                after = ""  # another history; what is known is kept
                continue
            stated = self._opened(document, after)
            after = stated.next
            if stated.is_complete or stated.is_overflow:
                break
        self._stated = stated
        self._known_at = max(self._known_at, document.sent_at - document.age_s)
        self._renewal.failure = "the service's statement is old, or a clock is wrong"

    def _opened(self, document: Document, after: str) -> _Stated:
        """What a document states, its ids remembered: of this service, for this cursor, and over these ids."""
        if document.status != 200:
            raise Unavailable(f"status {document.status}")
        try:
            ids: str = document.body["ids"]
            _, claims = open_token(document.body["statement"], TYPES, self._keys)
            is_ours = (claims["iss"], claims["after"]) == (self._issuer, after)
            if not is_ours or not hmac.compare_digest(claims["ids_sha256"], _digest(ids)):
                raise Unavailable("another document")
            stated = _stated(claims)
            self._remember(
                base64.b64decode(ids + "=" * (-len(ids) % 4), b"-_", validate=True), stated.memory_s
            )
        except (InvalidAccessToken, KeyError, TypeError, AttributeError, binascii.Error) as exc:
            raise Unavailable(f"no document: {exc}") from exc
        return stated

    def _remember(self, halves: bytes, memory_s: int) -> None:
        now = int(self._monotonic())
        self._ids.drop(now)
        self._ids.add(halves, now + memory_s + 1)


def _stated(claims: Mapping[str, Any]) -> _Stated:
    return _Stated(
        int(claims["as_of"]),
        claims["next"],
        claims["complete"],
        claims["overflow"],
        tuple(Cutoff(c["client_id"], int(c["before"]), int(c["decided_at"])) for c in claims["cutoffs"]),
        int(claims["memory_s"]),
        int(claims["max_staleness_s"]),
        int(claims["fail_after_s"]),
    )


def _digest(ids: str) -> str:
    return to_base64url(hashlib.sha256(ids.encode()).digest())
