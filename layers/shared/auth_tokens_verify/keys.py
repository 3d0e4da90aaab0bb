"""The service's public keys (RFC 7517) over HTTP, kept for as long as they say and no longer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from auth_tokens.adapters.access_jwt.verifier import PENALTY_S, key_of
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import PublicKeyRow
from auth_tokens_verify.http import Document
from auth_tokens_verify.renewal import Renewal, in_a_thread

# Of an answer that says nothing of its life; and no answer lives shorter than the second or longer than the third.
DEFAULT_LIFE_S = 60
MIN_LIFE_S = 1
MAX_LIFE_S = 3600
# From this part of their life on they are renewed beside the requests.
RENEW_AT = 0.75

_UNCACHED = re.compile(r"\bno-(?:store|cache)\b", re.IGNORECASE)
_MAX_AGE = re.compile(r'\bmax-age="?(\d+)', re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class _Held:
    """sent_at, renew_at, ends_at: by the monotonic clock."""

    keys: dict[str, tuple[str, Any]]
    sent_at: float
    renew_at: float
    ends_at: float


_NOTHING = _Held({}, float("-inf"), float("-inf"), float("-inf"))


class HttpKeys:
    """Finds keys by `kid`, as adapters.access_jwt.verifier.KeysByKid. get: GETs the key set."""

    def __init__(
        self,
        get: Callable[[], Document],
        monotonic: Callable[[], float],
        beside: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._get = get
        self._monotonic = monotonic
        self._held = _NOTHING
        self._renewal = Renewal(self._read, monotonic, beside)

    def find(self, kid: str) -> tuple[str, Any] | None:
        """(algorithm, key) of a `kid`; None where the service has no such key. Raises Unavailable where that cannot be
        known, also for an unknown `kid` that could not be looked for: it may be a new key's."""
        now = self._monotonic()
        if now >= self._held.ends_at:
            self._renew(lambda: now >= self._held.ends_at and now >= self._held.sent_at)
        elif now >= self._held.renew_at:
            self._renewal.beside(lambda: now >= self._held.renew_at)
        if kid not in self._held.keys and now - self._held.sent_at >= PENALTY_S:
            self._renew(lambda: now - self._held.sent_at >= PENALTY_S)
        return self._held.keys.get(kid)

    def _renew(self, is_due: Callable[[], bool]) -> None:
        if not self._renewal.now(is_due):
            raise Unavailable(f"keys: {self._renewal.failure}")

    def _read(self) -> None:
        document = self._get()
        jwks = document.body.get("keys")
        if document.status != 200 or not isinstance(jwks, list):
            raise Unavailable(f"status {document.status}")
        rows = [PublicKeyRow(jwk["kid"], jwk["alg"], jwk) for jwk in jwks if _is_named(jwk)]
        keys = {row.kid: (row.algorithm, key) for row in rows if (key := key_of(row))}
        life_s = _life_s(document.headers.get("cache-control", "")) - document.age_s
        sent_at = document.sent_at
        self._held = _Held(keys, sent_at, sent_at + RENEW_AT * life_s, sent_at + life_s)


def _is_named(jwk: Any) -> bool:
    return (
        isinstance(jwk, dict)
        and all(isinstance(v, str) for v in jwk.values())
        and {"kid", "alg"} <= jwk.keys()
    )


def _life_s(cache_control: str) -> int:
    if _UNCACHED.search(cache_control):
        return MIN_LIFE_S
    found = _MAX_AGE.search(cache_control)
    return min(MAX_LIFE_S, max(MIN_LIFE_S, int(found[1]))) if found else DEFAULT_LIFE_S
