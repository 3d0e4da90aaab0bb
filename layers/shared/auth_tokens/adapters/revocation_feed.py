"""The revocation feed: the recently revoked `sid`s and `jti`s, in memory, brought up to date by one small query.

The cost is a query every few seconds an environment, however many tokens there are (docs/adr/0005). What it reads is a
matter of `Revocations`: the log (docs/adr/0036), or rows as earlier releases left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from auth_tokens.adapters.lru import Lru
from auth_tokens.domain.ages import is_within
from auth_tokens.domain.errors import Unavailable
from auth_tokens.observability import Telemetry

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for it
    from collections.abc import Sequence

    from auth_tokens.domain.cutoffs import Cutoff
    from auth_tokens.ports.clock import Clock

# After an overflow the table is queried for this long before it is counted whether the feed would fit again.
OVERFLOW_RECHECK_S = 60
# Answers of the table that are cached meanwhile.
MAX_CACHED_ANSWERS = 10_000
# While the store is down, not every request should wait for a connection attempt. Counted from the end
# of an attempt: one that hangs takes longer than this.
RETRY_INTERVAL_S = 1


class Revocations(Protocol):
    """What is kept in memory. Every method but `in` raises Unavailable."""

    @property
    def cutoffs(self) -> Sequence[Cutoff]:
        """As of the last read."""

    def read(self, now: int) -> bool:
        """Bring it up to date. False: there is more than may be kept, and nothing is."""

    def fits(self, now: int) -> bool:
        """Might it fit again? Cheap, whatever the answer."""

    def __contains__(self, identifier: bytes) -> bool: ...

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        """The table's own word on one or two ids."""


class PolledRevocationFeed:
    """Port ports.tokens.RevocationFeed.

    max_staleness_s: the feed is read again before an answer where the last read is older; fail_after_s: while the store
    is out of reach, the known state is used for this long after the last good read, then Unavailable (fail closed).
    Each answer counts the age of the state behind it: metric RevocationStaleness.
    """

    def __init__(
        self,
        revocations: Revocations,
        clock: Clock,
        telemetry: Telemetry,
        *,
        max_staleness_s: int,
        fail_after_s: int,
    ) -> None:
        self._revocations = revocations
        self._clock = clock
        self._telemetry = telemetry
        self._max_staleness_s = max_staleness_s
        self._fail_after_s = fail_after_s
        self._polled_at: int | None = None
        self._failed_at: int | None = None
        self._overflowed_at: int | None = None
        self._answers: Lru[tuple[bytes, ...], int] = Lru(MAX_CACHED_ANSWERS)

    def is_revoked(self, *ids: bytes) -> bool:
        now = self._clock()
        if self._overflowed_at is not None and not is_within(now, self._overflowed_at, OVERFLOW_RECHECK_S):
            self._recheck_size(now)
        if self._overflowed_at is None and not is_within(now, self._polled_at, self._max_staleness_s):
            self._poll(now)
        if self._overflowed_at is not None:
            return self._query_table(ids, now)
        self._report_staleness(now, self._polled_at)
        return any(map(self._revocations.__contains__, ids))

    def cutoffs(self) -> Sequence[Cutoff]:
        return self._revocations.cutoffs

    def _poll(self, now: int) -> None:
        try:
            self._back_off(now)
            is_whole = self._revocations.read(now)
        except Unavailable as exc:
            self._tolerate_outage(self._polled_at, now, exc)
            return
        self._polled_at = now
        if not is_whole:
            self._overflow(now)

    def _overflow(self, now: int) -> None:
        self._polled_at = None
        self._answers.clear()
        self._overflowed_at = now
        self._telemetry.count("RevocationFeedOverflow")

    def _recheck_size(self, now: int) -> None:
        self._overflowed_at = now
        try:
            if not self._revocations.fits(now):
                self._telemetry.count("RevocationFeedOverflow")
                return
        except Unavailable:
            return
        self._overflowed_at = None

    def _query_table(self, ids: tuple[bytes, ...], now: int) -> bool:
        """The table's answer for these ids, cached as long as a read of the feed."""
        asked_at = self._answers.get(ids)
        if not is_within(now, asked_at, self._max_staleness_s):
            try:
                self._back_off(now)
                if self._revocations.any_revoked(ids):
                    self._answers.forget(ids)
                    return True
                asked_at = now
                self._answers.put(ids, now)
            except Unavailable as exc:
                self._tolerate_outage(asked_at, now, exc)
        self._report_staleness(now, asked_at)
        return False

    def _back_off(self, now: int) -> None:
        if is_within(now, self._failed_at, RETRY_INTERVAL_S):
            raise Unavailable("revocation feed")

    def _tolerate_outage(self, known_at: int | None, now: int, error: Unavailable) -> None:
        if not is_within(self._clock(), self._failed_at, RETRY_INTERVAL_S):
            self._failed_at = self._clock()
        if not is_within(now, known_at, self._fail_after_s):
            raise error

    def _report_staleness(self, now: int, known_at: int | None) -> None:
        age_s = 0 if known_at is None else max(0, now - known_at)
        self._telemetry.count("RevocationStaleness", age_s, "Seconds")
