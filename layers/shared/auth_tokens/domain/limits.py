"""Rate limits by GCRA: a bucket is one number, the theoretical arrival time (TAT).

An attempt at `now` conforms if TAT - burst_ms <= now; then TAT = max(TAT, now) + interval_ms.
The statement in adapters/mysql/limits.py does the same in one write. docs/adr/0006 has the limits and their reasons.
"""

from dataclasses import dataclass

from auth_tokens.domain.errors import RateLimited

# The clocks of two environments that fill one bucket may differ by this much.
CLOCKS_DIFFER_MS = 60_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, then one each `interval_ms`."""

    name: str
    burst: int
    interval_ms: int

    @property
    def burst_ms(self) -> int:
        """How far the TAT may be ahead of now where one more attempt conforms."""
        return (self.burst - 1) * self.interval_ms

    def believed(self, tat_ms: int, now_ms: int) -> int:
        """The TAT, bounded by what attempts can have made of it.

        A later TAT comes from a clock that was set back since. Such a bucket takes one more attempt and is full then;
        otherwise it would refuse for as long as the clock was set back.
        """
        return now_ms + self.burst_ms if tat_ms > self.beyond_ms(now_ms) else tat_ms

    def beyond_ms(self, now_ms: int) -> int:
        """No attempt makes a TAT later than this."""
        return now_ms + self.burst_ms + self.interval_ms + CLOCKS_DIFFER_MS

    def retry_after_s(self, tat_ms: int, now_ms: int) -> int:
        """Whole seconds until the next attempt conforms, at least 1."""
        return max(1, -(-(tat_ms - self.burst_ms - now_ms) // 1000))

    def taken(self, tat_ms: int, now_ms: int) -> int:
        """The TAT after one more attempt. Raises RateLimited, which leaves the bucket as it is."""
        tat_ms = self.believed(tat_ms, now_ms)
        if tat_ms - self.burst_ms > now_ms:
            raise RateLimited(self.retry_after_s(tat_ms, now_ms), self.name)
        return max(tat_ms, now_ms) + self.interval_ms


# A login counts for its account and network together first: a guesser uses up its own pair.
LOGIN_PER_PAIR = Limit("login-pair", burst=10, interval_ms=30_000)
# Then for the account as a whole, in one of two buckets: of networks that have tried before, and of those that have
# not lately. NIST SP 800-63B §3.2.2 allows at most 100 consecutive failures, which is both at once; then
# 360 an hour, which end by themselves. Three buckets' worth of pairs (1 each 30 s) still fit into two of these.
LOGIN_PER_ACCOUNT = Limit("login-account", burst=80, interval_ms=20_000)
LOGIN_FIRST = Limit("login-first", burst=20, interval_ms=20_000)
# What a known device, and a network from which the account lately signed in, have for themselves.
LOGIN_PER_DEVICE = Limit("login-device", burst=10, interval_ms=30_000)
LOGIN_PER_KNOWN_NETWORK = Limit("login-network", burst=10, interval_ms=30_000)
# And for the network, whatever the account; of IPv6 for the /48, which has 65,536 networks, ten times as loosely.
LOGIN_PER_SOURCE = Limit("login-source", burst=100, interval_ms=600)
LOGIN_PER_SITE = Limit("login-site", burst=1000, interval_ms=60)
# Passwords for sessions that exist have a bucket of their own, so that guesses of one kind leave the other open.
STEP_UP_PER_USER = Limit("step-up-user", burst=5, interval_ms=60_000)
# A session's bucket is in its own row and is written by the rotation that it counts, without another statement.
# No client needs a token a second; one in a tight loop is slowed down before it is a load.
REFRESH_PER_SESSION = Limit("refresh-session", burst=1000, interval_ms=1000)
# Every presentation of a genuine token, also repeats and expired tokens, counted in memory before any statement.
PRESENTED_PER_TOKEN = Limit("presented-token", burst=1000, interval_ms=1000)
# Forged tokens must not cost a statement (invariant 3), so each environment counts them in memory. The tag has 128
# bits, so guessing is hopeless; the limit makes scanning slow as well.
GUESSES_PER_SOURCE = Limit("guess-source", burst=1000, interval_ms=1000)
# A /48 has 65,536 networks to guess from; of IPv4 it is the source once more, which the limit above stops first.
GUESSES_PER_SITE = Limit("guess-site", burst=10_000, interval_ms=100)
# While the Portal's own tokens are taken over, one that is not there costs a SELECT: a source may miss 20 times, then
# once in three seconds. An environment makes 50 look-ups a second, whoever asks.
LEGACY_MISSES_PER_SOURCE = Limit("legacy-miss-source", burst=20, interval_ms=3000)
LEGACY_LOOK_UPS = Limit("legacy-look-up", burst=50, interval_ms=20)
# Of a token that comes without its key: one event an hour says as much as a thousand.
KEY_MISMATCH_PER_TOKEN = Limit("key-mismatch", burst=1, interval_ms=3_600_000)
# Against a faulty backend, not against an attacker, as the requests are signed.
IAM_PER_PRINCIPAL = Limit("iam-principal", burst=2000, interval_ms=10)
INTROSPECTION_PER_PRINCIPAL = Limit("introspection-principal", burst=5000, interval_ms=2)
