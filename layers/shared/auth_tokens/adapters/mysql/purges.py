"""Cleanup: each purge scans one table in the order of the index on what is due.

A batch is one short transaction. It locks the next rows without waiting and deletes them all by one statement. None of
the rows is sent to this process and back, which would halve the speed. Where that fails (another transaction holds one
of the rows, the database refuses to delete one, or fewer are left), it takes the rows that are not held and deletes
them, if need be one by one. So two cleanups share the work, a bad row stops nothing, and no batch waits for a login.

Only rows that are due are locked. A locking read that finds fewer rows than its LIMIT locks the first row behind them
as well, and on MySQL all that follow where it reads the whole index. So a read without locks says first whether
there are as many; where there are not, rows are locked by their primary keys.
"""

from dataclasses import dataclass
from typing import Any

import pymysql

from auth_tokens.adapters.mysql import index_scans
from auth_tokens.adapters.mysql.connection import Database, Row, Transaction, error_number
from auth_tokens.adapters.mysql.index_scans import (
    DATETIMES,
    MILLISECONDS,
    SECONDS,
    UUIDS,
    Encoding,
    IndexScan,
)
from auth_tokens.adapters.mysql.log_purge import LogPurge
from auth_tokens.domain.purges import Batch, Debt
from auth_tokens.ports.jobs import Purge

# A bucket whose time has passed is as good as none; the hour is for clocks that differ.
LIMIT_RETENTION_S = 3600
# An old log line's `kid` can be traced to its key for this long.
GONE_KEY_RETENTION_S = 90 * 86400
# Figures can be compared with those of a year before.
ROLLUP_RETENTION_S = 400 * 86400
# The order of a user's sign-ins matters while one of them is running: seconds. But a sign-in without the row takes four
# statements more, and most users come back within weeks.
USER_ORDER_RETENTION_S = 90 * 86400
# While tokens of the Portal are taken over, it matters that everything of a user has ended. No such token lives longer.
STOP_RETENTION_S = 400 * 86400
# A key in JSON is at most 42 characters long: a statement stays under the 16 KB that pin RDS Proxy.
IDS_PER_STATEMENT = 350
# Debts are counted up to this bound, which takes a few milliseconds of an index in memory.
COUNT_LIMIT = 10_000

TOKENS = IndexScan("auth_user_tokens", "ix_expires_at", place="expires_at", key="id")
LIMITS = IndexScan("auth_token_limits", "ix_tat_ms", place="tat_ms", key="bucket", encoding=MILLISECONDS)
EVENTS = IndexScan("auth_token_events", "PRIMARY", place="id", key="id", encoding=UUIDS)
USERS = IndexScan("auth_token_users", "ix_changed_at", place="changed_at", key="user_id", has_text_keys=True)
TAKEOVERS = IndexScan("auth_token_takeovers", "ix_keep_until", place="keep_until", key="token_key")

# Index: ux_purpose_epoch, of a few dozen rows. Signing keys only: the row of a data key keeps its epoch from
# being given out again.
DELETE_GONE_KEYS = """
DELETE FROM auth_token_keys
WHERE purpose = 'signing' AND state = 'gone' AND changed_at < %s
ORDER BY epoch
LIMIT %s
"""

# Index: ux_purpose_epoch.
COUNT_GONE_KEYS = """
SELECT COUNT(*) AS due_rows, MIN(changed_at) AS oldest
FROM auth_token_keys
WHERE purpose = 'signing' AND state = 'gone' AND changed_at < %s
"""

# Index: primary key, from its low end.
DELETE_OLD_ROLLUPS = """
DELETE FROM auth_token_rollups
WHERE hour_at < %s
ORDER BY hour_at, name, subject
LIMIT %s
"""

# Index: primary key, from its low end.
COUNT_OLD_ROLLUPS = f"""
SELECT COUNT(*) AS due_rows, MIN(hour_at) AS oldest
FROM (
  SELECT hour_at
  FROM auth_token_rollups
  WHERE hour_at < %s
  ORDER BY hour_at
  LIMIT {COUNT_LIMIT}
) AS due
"""

# Index: ix_newest, from its low end. A group goes with the event of its newest finding.
DELETE_OLD_GROUPS = """
DELETE FROM auth_token_finding_groups
WHERE newest_id < %s
ORDER BY newest_id
LIMIT %s
"""

# Index: ix_newest, from its low end.
COUNT_OLD_GROUPS = f"""
SELECT COUNT(*) AS due_rows, MIN(newest_id) AS oldest
FROM (
  SELECT newest_id
  FROM auth_token_finding_groups
  WHERE newest_id < %s
  ORDER BY newest_id
  LIMIT {COUNT_LIMIT}
) AS due
"""

# The errors of NOWAIT where somebody holds a row: MySQL, MariaDB. And the error of a trigger's SIGNAL.
_HELD = frozenset({3572, 1205})
_SIGNAL = 1644


@dataclass(frozen=True, slots=True)
class OldestRows:
    """A table of which few rows fall due at a time. delete, count: the statements, given the value that bounds them."""

    table: str
    delete: str
    count: str
    encoding: Encoding
    retention_s: int


GONE_KEYS = OldestRows("auth_token_keys", DELETE_GONE_KEYS, COUNT_GONE_KEYS, DATETIMES, GONE_KEY_RETENTION_S)
ROLLUPS = OldestRows("auth_token_rollups", DELETE_OLD_ROLLUPS, COUNT_OLD_ROLLUPS, SECONDS, ROLLUP_RETENTION_S)


def _finding_groups(retention_s: int) -> OldestRows:
    table = "auth_token_finding_groups"
    return OldestRows(table, DELETE_OLD_GROUPS, COUNT_OLD_GROUPS, UUIDS, retention_s)


class IndexScanPurge:
    """Port ports.jobs.Purge.

    Its position outlives a run that had no time to come to the end: the next one in the same execution
    environment goes on there, without reading again what was deleted but is still in the index. From the end,
    and in a new environment, the scan starts again at the low end, and so meets the rows that it had skipped.
    """

    def __init__(self, database: Database, scan: IndexScan, retention_s: int) -> None:
        self.name = scan.table
        self._database = database
        self._scan = scan
        self._retention_s = retention_s
        self._position = scan.start

    def delete_batch(self, now: int, rows: int) -> Batch:
        span = self._span(now, rows)
        batch, last = self._delete_all(span) or self._delete_free(span)
        self._position = self._scan.start if batch.is_last else (last["place"], last["id"])
        return batch

    def debt(self, now: int) -> Debt:
        [row] = self._database.query(self._scan.sql(index_scans.COUNT), self._span(now, COUNT_LIMIT))
        return _debt(row, now - self._retention_s, self._scan.encoding)

    def _span(self, now: int, rows: int) -> dict[str, Any]:
        """The next rows that are due, as parameters."""
        place, last_id = self._position
        bound = self._scan.encoding.write(now - self._retention_s)
        return {"place": place, "id": last_id, "bound": bound, "rows": rows, "offset": rows - 1}

    def _delete_all(self, span: dict[str, Any]) -> tuple[Batch, Row] | None:
        """With the last row. None: there are not as many, or they cannot be deleted together; nothing was deleted."""
        lock, delete = self._scan.sql(index_scans.LOCK), self._scan.sql(index_scans.DELETE_LOCKED)

        def work(statements: Transaction) -> tuple[Batch, Row] | None:
            try:
                locked = statements.query(lock, span)
                if not locked:  # another cleanup was here in the meantime
                    return None
                deleted = statements.execute(delete, {**span, "last": locked[0]["place"]})
                return Batch(deleted, refused=0, is_last=False), locked[0]
            except pymysql.err.Error as exc:
                if error_number(exc) in _HELD or _refuses_a_row(exc):
                    return None
                raise

        is_full = self._database.query(self._scan.sql(index_scans.FIND_LAST), span)
        return self._database.transaction(work) if is_full else None

    def _delete_free(self, span: dict[str, Any]) -> tuple[Batch, Row]:
        """Those that nobody holds, with the last row found."""
        found = self._database.query(self._scan.sql(index_scans.FIND), span)
        lock = self._scan.sql(index_scans.LOCK_FREE)

        def work(statements: Transaction) -> tuple[Batch, Row]:
            deleted = refused = 0
            for first in range(0, len(found), IDS_PER_STATEMENT):
                ids = [row["id"] for row in found[first : first + IDS_PER_STATEMENT]]
                free = statements.query(lock, {**span, "listed": index_scans.listed(ids)})
                kept = self._delete_listed(statements, [row["id"] for row in free])
                deleted, refused = deleted + len(free) - kept, refused + kept
            return Batch(deleted, refused, is_last=len(found) < span["rows"]), found[-1]

        return self._database.transaction(work) if found else (Batch(0, 0, is_last=True), {})

    def _delete_listed(self, statements: Transaction, ids: list[Any]) -> int:
        """Returns how many the database refused to delete: halving finds them, and the others go."""
        try:
            if ids:
                delete = self._scan.sql(index_scans.DELETE_LISTED)
                statements.execute(delete, {"listed": index_scans.listed(ids)})
            return 0
        except pymysql.err.Error as exc:
            if not _refuses_a_row(exc):
                raise
        if len(ids) == 1:
            return 1
        middle = len(ids) // 2
        return self._delete_listed(statements, ids[:middle]) + self._delete_listed(statements, ids[middle:])


class OldestRowsPurge:
    """Port ports.jobs.Purge, one statement a batch: nobody else holds these rows, and none is refused."""

    def __init__(self, database: Database, oldest: OldestRows) -> None:
        self.name = oldest.table
        self._database = database
        self._oldest = oldest

    def delete_batch(self, now: int, rows: int) -> Batch:
        deleted = self._database.execute(self._oldest.delete, (self._bound(now), rows))
        return Batch(deleted, refused=0, is_last=deleted < rows)

    def debt(self, now: int) -> Debt:
        [row] = self._database.query(self._oldest.count, (self._bound(now),))
        return _debt(row, now - self._oldest.retention_s, self._oldest.encoding)

    def _bound(self, now: int) -> Any:
        return self._oldest.encoding.write(now - self._oldest.retention_s)


def purges(
    database: Database, token_retention_s: int, event_retention_s: int, *, takes_over: bool = False
) -> tuple[Purge, ...]:
    """All of them. Revoked rows need no condition of their own: see domain.bounds.MIN_RETENTION_S. takes_over: tokens
    of the Portal are accepted, or were."""
    takeovers = (IndexScanPurge(database, TAKEOVERS, retention_s=0),) if takes_over else ()
    return (
        *takeovers,
        IndexScanPurge(database, TOKENS, token_retention_s),
        IndexScanPurge(database, LIMITS, LIMIT_RETENTION_S),
        IndexScanPurge(database, EVENTS, event_retention_s),
        IndexScanPurge(database, USERS, STOP_RETENTION_S if takes_over else USER_ORDER_RETENTION_S),
        OldestRowsPurge(database, GONE_KEYS),
        OldestRowsPurge(database, ROLLUPS),
        OldestRowsPurge(database, _finding_groups(event_retention_s)),
        LogPurge(database),
    )


def _debt(row: Row, due_before: int, encoding: Encoding) -> Debt:
    if row["oldest"] is None:
        return Debt(0, 0)
    return Debt(row["due_rows"], due_before - encoding.read(row["oldest"]))


def _refuses_a_row(exc: pymysql.err.Error) -> bool:
    """A foreign key that refers to the row, or a trigger that holds it: a matter of that row alone."""
    return isinstance(exc, pymysql.err.IntegrityError) or error_number(exc) == _SIGNAL
