"""Recent revocations by looking back over the rows: what earlier releases revoke is in no log.

To go, with REVOCATION_FEED=both, once no environment of such a release can be left (docs/adr/0036).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from auth_tokens.adapters.recent_ids import RecentIds
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from collections.abc import Sequence

    from auth_tokens.adapters.revocation_feed import Revocations
    from auth_tokens.domain.cutoffs import Cutoff

# A revocation has its writer's clock and is visible once committed, so each read starts this far before the last
# one. A writer commits within its function's time (10 s), the rest is for clocks that differ. A longer overlap is
# expensive in a mass revocation: all of it is read again at each read for this long.
OVERLAP_S = 60
# An access token issued just before a revocation lives at most this long after it.
MEMORY_S = MAX_ACCESS_TTL_S + OVERLAP_S
# About 3 MB of ids, and half a second to read them all. Beyond it each validation queries the table.
MAX_ENTRIES = 200_000


class RevocationSource(Protocol):
    def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
        """(id, revoked_at) of the rows revoked at or after an instant, at most `limit`."""

    def exceeds(self, instant: int, limit: int) -> bool:
        """Are more than `limit` rows revoked since an instant? Cheap, whatever the answer."""

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        """The table's own word on one or two ids."""


class RevokedRows:
    """Port adapters.revocation_feed.Revocations."""

    def __init__(self, source: RevocationSource, max_entries: int = MAX_ENTRIES) -> None:
        self.cutoffs: Sequence[Cutoff] = ()
        self._source = source
        self._max_entries = max_entries
        self._revoked = RecentIds()
        self._read_at: int | None = None

    def __contains__(self, identifier: bytes) -> bool:
        return identifier in self._revoked

    def read(self, now: int) -> bool:
        """Read what was revoked since the last read; after a long pause, since before any live token was issued."""
        horizon = now - MEMORY_S
        # A clock that was set back must not leave a gap.
        since = horizon if self._read_at is None else min(self._read_at, now) - OVERLAP_S
        found = self._source.revoked_since(max(since, horizon), self._max_entries + 1)
        self._revoked.add(found, horizon)
        self._read_at = now
        if len(self._revoked) > self._max_entries:
            self._revoked, self._read_at = RecentIds(), None
            return False
        return True

    def fits(self, now: int) -> bool:
        return not self._source.exceeds(now - MEMORY_S, self._max_entries)

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        return self._source.any_revoked(ids)


class RowsAndLog:
    """Port adapters.revocation_feed.Revocations: what either of the two knows, while releases that write no log may be
    running."""

    def __init__(self, rows: Revocations, log: Revocations) -> None:
        self._rows = rows
        self._log = log

    @property
    def cutoffs(self) -> Sequence[Cutoff]:
        return self._log.cutoffs

    def __contains__(self, identifier: bytes) -> bool:
        return identifier in self._log or identifier in self._rows

    def read(self, now: int) -> bool:
        return self._log.read(now) and self._rows.read(now)

    def fits(self, now: int) -> bool:
        return self._log.fits(now) and self._rows.fits(now)

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        return self._log.any_revoked(ids)
