"""Rows that were revoked without an entry in auth_token_revocations, as SQL by hand does: they get one."""

from collections.abc import Iterator

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.revocation_entries import RECORD_UNTOLD_ROWS
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S

# The newest ones: what a run leaves out was among the newest of the run before, up to 660 revocations a second.
MAX_ROWS = 200_000
# An id is at most some 50 characters in a statement, which stays under the 16 KB that pin RDS Proxy.
_IDS_PER_STATEMENT = 200
_ENTRIES_PER_STATEMENT = 5000

# Index: ix_revoked_at. Those of which an access token may be good. A browser session has none, and authorizers read its
# row again.
SELECT_REVOKED_LIVE = f"""
SELECT t.id
FROM auth_user_tokens AS t FORCE INDEX (ix_revoked_at)
WHERE t.revoked_at >= %(since)s
  AND t.type IN ('refresh', 'access')
  AND %(now)s < IF(
    t.type = 'access',
    t.expires_at,
    COALESCE(t.access_expires_at, t.revoked_at + INTERVAL {MAX_ACCESS_TTL_S} SECOND))
ORDER BY t.revoked_at DESC
LIMIT {MAX_ROWS}
"""

# Index: primary key. An entry is kept for longer than the access tokens of its ids live.
SELECT_ENTRIES = f"""
SELECT seq, ids
FROM auth_token_revocations
WHERE seq > %s
ORDER BY seq
LIMIT {_ENTRIES_PER_STATEMENT}
"""


class UntoldRevocations:
    """Port ports.jobs.RevocationAudit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_untold(self, since: int, now: int) -> int:
        span = {"since": to_sql(since), "now": to_sql(now)}
        # The rows are read first: whatever has an entry has it by the time that the log is read.
        untold = {row[0][8:]: row[0] for row in self._database.rows(SELECT_REVOKED_LIVE, span)}
        if untold:
            for half in self._recorded():
                untold.pop(half, None)
        ids = list(untold.values())
        for first in range(0, len(ids), _IDS_PER_STATEMENT):
            self._database.execute(RECORD_UNTOLD_ROWS, {"ids": ids[first : first + _IDS_PER_STATEMENT]})
        return len(ids)

    def _recorded(self) -> Iterator[bytes]:
        """The halves of all ids in the log."""
        entries = self._database.rows(SELECT_ENTRIES, (0,))
        while entries:
            for _, ids in entries:
                yield from (ids[place : place + 8] for place in range(0, len(ids), 8))
            entries = self._database.rows(SELECT_ENTRIES, (entries[-1][0],))
