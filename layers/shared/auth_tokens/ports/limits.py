"""Limits of attempts."""

from collections.abc import Sequence
from typing import Protocol

from auth_tokens.domain.limits import Limit
from auth_tokens.domain.login_limits import Bucket, Levels, Settlement, Take


class Limiter(Protocol):
    """Fails open: an attempt that cannot be counted is let through, with a metric."""

    def hit(self, limit: Limit, key: str) -> None:
        """Count one attempt. Raises RateLimited."""


class AccountLimiter(Limiter, Protocol):
    """A limiter of several buckets together, all or none of them; the same in all environments. Fails open, too."""

    def levels(self, buckets: Sequence[Bucket]) -> Levels | None:
        """The buckets as they are now: one SELECT. None where they cannot be read."""

    def take(self, takes: Sequence[Take], at_ms: int) -> bool:
        """Count one attempt in each bucket: one write. False, and nothing counted: one of them has no room any more."""

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """What a success does to buckets: one write."""
