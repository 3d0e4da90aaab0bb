"""The revocation feed: the recently revoked `sid`s and `jti`s, in memory, brought up to date by one small query.

The cost is a query every few seconds an environment, however many tokens there are (docs/adr/0005).
"""

from typing import Protocol

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.policy import MAX_ACCESS_TTL_S
from auth_tokens.observability import Telemetry
from auth_tokens.usecases.ports import Clock

# A revocation carries its writer's clock and is seen only once committed: each look reaches back
# this far before the last one, so that a late commit or a slow clock is not missed.
OVERLAP_S = 60
# An access token issued just before a revocation lives at most this long after it.
MEMORY_S = MAX_ACCESS_TTL_S + OVERLAP_S
# About 20 MB of ids. Past it (a mass revocation) each validation asks the table instead.
MAX_ENTRIES = 200_000
# While the store is down, not every request should wait for a connection attempt.
RETRY_INTERVAL_S = 1


class RevocationSource(Protocol):
    def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
        """(id, revoked_at) of the rows revoked at or after an instant."""

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        """The table's own word on some ids."""


class PolledRevocationFeed:
    """Port usecases.ports.RevocationFeed.

    max_staleness_s: a look older than this is renewed before answering; fail_after_s: with the store
    out of reach, known state serves this long since the last good look, then Unavailable (fail closed).
    """

    def __init__(
        self,
        source: RevocationSource,
        clock: Clock,
        telemetry: Telemetry,
        *,
        max_staleness_s: int,
        fail_after_s: int,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._source = source
        self._clock = clock
        self._telemetry = telemetry
        self._max_staleness_s = max_staleness_s
        self._fail_after_s = fail_after_s
        self._max_entries = max_entries
        self._revoked: dict[bytes, int] = {}
        self._looked_at: int | None = None
        self._retry_at = 0
        self._overflowed = False

    def is_revoked(self, *ids: bytes) -> bool:
        now = self._clock()
        if self._looked_at is None or now - self._looked_at >= self._max_staleness_s:
            self._look(now)
        if self._overflowed:
            return self._source.any_revoked(ids)
        return any(identifier in self._revoked for identifier in ids)

    def _look(self, now: int) -> None:
        if now < self._retry_at:
            self._tolerate(now, Unavailable("revocation feed"))
            return
        horizon = now - MEMORY_S
        since = horizon if self._looked_at is None or self._overflowed else self._looked_at - OVERLAP_S
        try:
            found = self._source.revoked_since(max(since, horizon), self._max_entries + 1)
        except Unavailable as exc:
            self._retry_at = now + RETRY_INTERVAL_S
            self._tolerate(now, exc)
            return
        self._take(found, horizon)
        self._looked_at = now

    def _take(self, found: list[tuple[bytes, int]], horizon: int) -> None:
        kept = {key: at for key, at in self._revoked.items() if at >= horizon}
        kept.update(found)
        self._overflowed = len(found) > self._max_entries or len(kept) > self._max_entries
        self._revoked = {} if self._overflowed else kept
        if self._overflowed:
            self._telemetry.count("RevocationFeedOverflow")

    def _tolerate(self, now: int, error: Unavailable) -> None:
        if self._looked_at is None or now - self._looked_at >= self._fail_after_s:
            raise error
        self._telemetry.count("RevocationStaleness", now - self._looked_at, "Seconds")
