"""Rate limits of sign-ins by password (docs/adr/0022).

An attempt counts for the account at its network, for the account as a whole and for the network; of IPv6 for the /48
as well. So one guesser exhausts the bucket of its own pair of account and network, and many guessers exhaust the
account's bucket for unknown networks. Two kinds of callers still get in then: a known device, which always has a
bucket of its own, and a network from which the account lately signed in, which has a bucket in reserve.

While an account is closed to unknown networks, a wrong password from a known network gets the same refusal as one from
an unknown network: guessing reveals neither whether an account exists nor from where it signs in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.limits import (
    LOGIN_FIRST,
    LOGIN_PER_ACCOUNT,
    LOGIN_PER_DEVICE,
    LOGIN_PER_KNOWN_NETWORK,
    LOGIN_PER_PAIR,
    LOGIN_PER_SITE,
    LOGIN_PER_SOURCE,
    Limit,
)

# A network without an attempt at the account for this long counts as new. Not longer than cleanup keeps an empty
# bucket.
NEW_AFTER_MS = 3_600_000
# An account knows a network for 30 days from its last sign-in there.
KNOWN_FOR_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that attempts are counted in, and its limit."""

    limit: Limit
    key: str


@dataclass(frozen=True, slots=True)
class Levels:
    """The TATs of buckets, as they were read; at_ms: when."""

    at_ms: int
    tats: Mapping[Bucket, int]

    def tat_ms(self, bucket: Bucket) -> int:
        return bucket.limit.believed(self.tats.get(bucket, 0), self.at_ms)

    def knows(self, mark: Bucket) -> bool:
        return self.tats.get(mark, 0) > self.at_ms

    def has_room(self, bucket: Bucket) -> bool:
        return self.tat_ms(bucket) <= self.at_ms + bucket.limit.burst_ms


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to sign in as whom. account: the canonical name; device: the id of a known device of this account,
    or empty."""

    account: str
    network: str
    site: str
    device: str = ""

    @property
    def pair(self) -> Bucket:
        return Bucket(LOGIN_PER_PAIR, self._at(self.network))

    @property
    def whole(self) -> Bucket:
        return Bucket(LOGIN_PER_ACCOUNT, self.account)

    @property
    def first(self) -> Bucket:
        return Bucket(LOGIN_FIRST, self.account)

    @property
    def sources(self) -> tuple[Bucket, ...]:
        """The network and, for IPv6, its site, which limit how many password hashes are computed for it."""
        network = Bucket(LOGIN_PER_SOURCE, self.network)
        return (network,) if self.site == self.network else (network, Bucket(LOGIN_PER_SITE, self.site))

    @property
    def reserve(self) -> Bucket:
        return Bucket(LOGIN_PER_KNOWN_NETWORK, self._at(self.network))

    @property
    def mark(self) -> Bucket:
        """Its TAT is the instant until which the account knows the network."""
        return Bucket(_KNOWN, self._at(self.network))

    @property
    def own_device(self) -> Bucket:
        return Bucket(LOGIN_PER_DEVICE, self._at(self.device))

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """All buckets that a decision reads."""
        if self.device:
            return (self.own_device,)
        return (self.pair, self.whole, self.first, *self.sources, self.reserve, self.mark)

    def _at(self, place: str) -> str:
        return f"{self.account}\0{place}"


# Not a limit: the name under which an account's networks are remembered.
_KNOWN = Limit("login-known", burst=1, interval_ms=0)


@dataclass(frozen=True, slots=True)
class Take:
    """One attempt more in a bucket; a step of 0 only notes that there was one."""

    bucket: Bucket
    step_ms: int


@dataclass(frozen=True, slots=True)
class Admission:
    """takes: all or none of them. refusal: the error, unless the password is right and opens is True; opens: whether a
    right password signs in."""

    takes: tuple[Take, ...] = ()
    refusal: RateLimited | None = None
    opens: bool = True


def admission(attempt: Attempt, levels: Levels) -> Admission:
    """Decide on one attempt. Raises RateLimited: refused before any work, and nothing is counted."""
    if attempt.device:
        return Admission(_takes(_with_room(levels, attempt.own_device)))
    ordinary = _with_room(levels, attempt.pair, *attempt.sources)
    whole = attempt.first if _is_new(attempt, levels) else attempt.whole
    if levels.has_room(whole):
        return Admission(_takes((*ordinary, whole)))
    return _while_closed(attempt, whole, levels)


def _while_closed(attempt: Attempt, whole: Bucket, levels: Levels) -> Admission:
    """The account is closed to unknown networks for now. Every attempt costs a hash, counted for its network, and gets
    the same refusal. From a known network a right password signs in."""
    is_known = levels.knows(attempt.mark) and levels.has_room(attempt.reserve)
    paying = _takes((*attempt.sources, *([attempt.reserve] if is_known else [])))
    # The attempt is noted, so that the network does not count as new for ever; its own bucket is not filled.
    return Admission((*paying, Take(attempt.pair, 0)), _refusal(levels, whole), opens=is_known)


def _is_new(attempt: Attempt, levels: Levels) -> bool:
    """Has the network made no attempt at this account lately?"""
    return levels.tat_ms(attempt.pair) < levels.at_ms - NEW_AFTER_MS


def _with_room(levels: Levels, *buckets: Bucket) -> tuple[Bucket, ...]:
    """The buckets, where each has room. Raises RateLimited with the longest wait of those without room."""
    refusals = [_refusal(levels, bucket) for bucket in buckets if not levels.has_room(bucket)]
    if refusals:
        raise max(refusals, key=lambda refusal: refusal.retry_after_s)
    return buckets


def _refusal(levels: Levels, bucket: Bucket) -> RateLimited:
    limit = bucket.limit
    return RateLimited(limit.retry_after_s(levels.tat_ms(bucket), levels.at_ms), limit.name)


def _takes(buckets: tuple[Bucket, ...]) -> tuple[Take, ...]:
    return tuple(Take(bucket, bucket.limit.interval_ms) for bucket in buckets)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A bucket after a success: set to `tat_ms`, or reduced by one attempt (`refund_ms`)."""

    bucket: Bucket
    tat_ms: int
    refund_ms: int = 0


def settlements(attempt: Attempt, admitted: Admission, at_ms: int) -> tuple[Settlement, ...]:
    """A success clears the failures of its network and device at this account (NIST SP 800-63B §3.2.2), refunds what it
    took from the account's bucket, and makes the network known. Failures of others stay counted: otherwise each sign-in
    of the owner would clear those of a guesser."""
    cleared = at_ms - NEW_AFTER_MS - 1
    forgotten = [attempt.pair, attempt.reserve, *([attempt.own_device] if attempt.device else [])]
    given_back = [
        Settlement(take.bucket, cleared, take.step_ms)
        for take in admitted.takes
        if take.bucket in (attempt.whole, attempt.first)
    ]
    known = [Settlement(attempt.mark, at_ms + KNOWN_FOR_MS)] if attempt.network else []
    return (*(Settlement(bucket, cleared) for bucket in forgotten), *given_back, *known)
