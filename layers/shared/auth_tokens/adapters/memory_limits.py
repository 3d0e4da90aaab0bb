"""Limits that must not cost a statement: each environment counts for itself."""

from collections import OrderedDict
from collections.abc import Callable

from auth_tokens.domain.limits import Limit

# About 2 MB. A client with many addresses pushes out the least recently seen.
MAX_BUCKETS = 10_000


class MemoryLimiter:
    """Port ports.limits.Limiter. N environments together let through at most N times the limit."""

    def __init__(self, now_ms: Callable[[], int], max_buckets: int = MAX_BUCKETS) -> None:
        self._now_ms = now_ms
        self._max_buckets = max_buckets
        self._tats: OrderedDict[tuple[str, str], int] = OrderedDict()

    def hit(self, limit: Limit, key: str) -> None:
        bucket = (limit.name, key)
        self._tats[bucket] = limit.taken(self._tats.get(bucket, 0), self._now_ms())
        self._tats.move_to_end(bucket)
        if len(self._tats) > self._max_buckets:
            self._tats.popitem(last=False)

    def check(self, limit: Limit, key: str) -> None:
        """Is there room for one more attempt? Counts none. Raises RateLimited."""
        limit.taken(self._tats.get((limit.name, key), 0), self._now_ms())
