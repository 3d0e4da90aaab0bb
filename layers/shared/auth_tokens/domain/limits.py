"""Rate limits by GCRA: a bucket is one number, the theoretical arrival time (TAT).

An attempt at `now` conforms if TAT - burst_ms <= now; then TAT = max(TAT, now) + interval_ms.
The statement in adapters/mysql/limits.py does the same in one write.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, then one each `interval_ms`."""

    name: str
    burst: int
    interval_ms: int

    @property
    def burst_ms(self) -> int:
        """How far ahead of now a bucket may run and still take one more attempt."""
        return (self.burst - 1) * self.interval_ms

    def retry_after_s(self, tat_ms: int, now_ms: int) -> int:
        """Whole seconds until the next attempt conforms, at least 1."""
        return max(1, -(-(tat_ms - self.burst_ms - now_ms) // 1000))


# NIST SP 800-63B §3.2.2 allows at most 100 consecutive failures; these end by themselves and a
# success clears the account's, so nobody is locked out for good.
LOGIN_PER_ACCOUNT = Limit("login-account", burst=10, interval_ms=30_000)
LOGIN_PER_SOURCE = Limit("login-source", burst=100, interval_ms=600)
