"""Tokens of the Portal that were looked for in vain: each must cost one SELECT at most, and their number is limited."""

from collections.abc import Callable

from auth_tokens.adapters.lru import Lru
from auth_tokens.adapters.memory_limits import MemoryLimiter
from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.limits import LEGACY_LOOK_UPS, LEGACY_MISSES_PER_SOURCE

# A token is random: the Portal issues none that somebody has presented before.
REMEMBERED_MS = 60_000
# About 1 MB.
_CAPACITY = 10_000


class LegacyMisses:
    """Port ports.takeovers.MissLimiter, for one environment. Full buckets are 429, never a refusal: clients log out on
    that."""

    def __init__(self, limiter: MemoryLimiter, now_ms: Callable[[], int]) -> None:
        self._limiter = limiter
        self._now_ms = now_ms
        self._missed_ms: Lru[bytes, int] = Lru(_CAPACITY)

    def admit(self, key: bytes, network: str) -> None:
        missed_ms = self._missed_ms.get(key)
        if missed_ms is not None and 0 <= self._now_ms() - missed_ms < REMEMBERED_MS:
            raise InvalidGrant("take-over: unknown", is_forged=True)
        self._limiter.check(LEGACY_MISSES_PER_SOURCE, network)
        self._limiter.hit(LEGACY_LOOK_UPS, "")

    def missed(self, key: bytes, network: str) -> None:
        self._missed_ms.put(key, self._now_ms())
        self._limiter.hit(LEGACY_MISSES_PER_SOURCE, network)
