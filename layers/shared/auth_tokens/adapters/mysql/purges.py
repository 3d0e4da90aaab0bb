"""Cleanup: each purge scans one table in the order of the index on what is due.

A batch is one short transaction. It locks the next rows without waiting and deletes them all by one statement. None of
the rows is sent to this process and back, which would halve the speed. Where that fails (another transaction holds one
of the rows, the database refuses to delete one, or fewer are left), it takes the rows that are not held and deletes
them, if need be one by one. So two cleanups share the work, a bad row stops nothing, and no batch waits for a login.

Only rows that are due are locked. A locking read that finds fewer rows than its LIMIT locks the first row behind them
as well, and on MySQL all that follow where it reads the whole index. So a read without locks says first whether
there are as many; where there are not, rows are locked by their primary keys.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymysql

from auth_tokens.adapters.mysql.connection import Database, Row, Transaction
from auth_tokens.adapters.mysql.index_scans import IndexScan
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.ids import uuid7, uuid_time
from auth_tokens.domain.purges import Batch, Debt
from auth_tokens.ports.jobs import Purge

# A bucket whose time has passed is as good as none; the hour is for clocks that differ.
LIMIT_RETENTION_S = 3600
# An old log line's `kid` can be traced to its key for this long.
GONE_KEY_RETENTION_S = 90 * 86400
# Figures can be compared with those of a year before.
ROLLUP_RETENTION_S = 400 * 86400
# The order of a user's sign-ins matters while one of them is running: seconds.
USER_ORDER_RETENTION_S = 86400
# A key in JSON is at most 42 characters long: a statement stays under the 16 KB that pin RDS Proxy.
IDS_PER_STATEMENT = 350
# Debts are counted up to this bound, which takes a few milliseconds of an index in memory.
COUNT_LIMIT = 10_000
# As many new rows in five minutes are 333 sign-ins a second.
CREATED_LIMIT = 100_000

TOKENS = IndexScan(
    table="auth_user_tokens",
    index="ix_expires_at",
    place="expires_at",
    key="id",
    start=(to_sql(0), b""),
    bound=to_sql,
    ended=from_sql,
    retention_s=0,
)
LIMITS = IndexScan(
    table="auth_token_limits",
    index="ix_tat_ms",
    place="tat_ms",
    key="bucket",
    start=(0, b""),
    bound=lambda instant: instant * 1000,
    ended=lambda tat_ms: int(tat_ms) // 1000,
    retention_s=LIMIT_RETENTION_S,
)
# UUIDv7, so in time order.
EVENTS = IndexScan(
    table="auth_token_events",
    index="PRIMARY",
    place="id",
    key="id",
    start=(b"", b""),
    bound=lambda instant: uuid7(instant * 1000, bytes(10)),
    ended=uuid_time,
    retention_s=0,
)
USERS = IndexScan(
    table="auth_token_users",
    index="ix_changed_at",
    place="changed_at",
    key="user_id",
    start=(to_sql(0), ""),
    bound=to_sql,
    ended=from_sql,
    retention_s=USER_ORDER_RETENTION_S,
    # In the collation of the column, or its index would not be used.
    listed_key="CONVERT(listed.id USING ascii) COLLATE ascii_bin",
)

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

# Index: primary key (UUIDv7, so the newest are at its end).
COUNT_CREATED_TOKENS = """
SELECT COUNT(*) AS created
FROM (
  SELECT id
  FROM auth_user_tokens FORCE INDEX (PRIMARY)
  WHERE id >= %s
  ORDER BY id
  LIMIT %s
) AS newest
"""

# What NOWAIT answers where somebody holds a row: MySQL, MariaDB. And what a trigger's SIGNAL answers.
_HELD = frozenset({3572, 1205})
_SIGNAL = 1644


@dataclass(frozen=True, slots=True)
class OldestRows:
    """A table of which few rows fall due at a time. delete, count: by an instant as the index has it; bound, ended:
    there and back."""

    table: str
    delete: str
    count: str
    bound: Callable[[int], Any]
    ended: Callable[[Any], int]
    retention_s: int


GONE_KEYS = OldestRows(
    "auth_token_keys", DELETE_GONE_KEYS, COUNT_GONE_KEYS, to_sql, from_sql, GONE_KEY_RETENTION_S
)
ROLLUPS = OldestRows(
    "auth_token_rollups", DELETE_OLD_ROLLUPS, COUNT_OLD_ROLLUPS, int, int, ROLLUP_RETENTION_S
)


@dataclass(slots=True)
class _Outcome:
    """last: the last row read, None at the end of the scan."""

    deleted: int = 0
    refused: int = 0
    last: Row | None = None


class IndexScanPurge:
    """Port ports.jobs.Purge.

    Its position outlives a run that had no time to come to the end: the next one in the same execution
    environment goes on there, without reading again what was deleted but is still in the index. From the end,
    and in a new environment, the scan starts again at the low end, and so meets the rows that it had skipped.
    """

    def __init__(self, database: Database, scan: IndexScan) -> None:
        self.name = scan.table
        self._database = database
        self._scan = scan
        self._position = scan.start

    def delete_batch(self, now: int, rows: int) -> Batch:
        parameters = self._parameters(now, rows)
        outcome = self._all_at_once(parameters) or self._as_far_as_free(parameters)
        last = outcome.last
        self._position = (last["place"], last["id"]) if last else self._scan.start
        return Batch(outcome.deleted, outcome.refused, is_last=last is None)

    def debt(self, now: int) -> Debt:
        [row] = self._database.query(self._scan.count, self._parameters(now, COUNT_LIMIT))
        return _debt(row, now - self._scan.retention_s, self._scan.ended)

    def _parameters(self, now: int, rows: int) -> dict[str, Any]:
        place, last_id = self._position
        bound = self._scan.bound(now - self._scan.retention_s)
        return {"place": place, "id": last_id, "bound": bound, "rows": rows, "offset": rows - 1}

    def _all_at_once(self, parameters: dict[str, Any]) -> _Outcome | None:
        """None: it cannot be done so, and nothing was deleted."""

        def work(statements: Transaction) -> _Outcome | None:
            try:
                locked = statements.query(self._scan.lock, parameters)
                if not locked:  # another cleanup was here in the meantime
                    return None
                last = {"last": locked[0]["place"]}
                return _Outcome(
                    statements.execute(self._scan.delete_locked, parameters | last), last=locked[0]
                )
            except pymysql.err.MySQLError as exc:
                if _number(exc) in _HELD or _refuses_a_row(exc):
                    return None
                raise

        return self._database.transaction(work) if self._is_full(parameters) else None

    def _is_full(self, parameters: dict[str, Any]) -> bool:
        """Are there rows for a whole batch?"""
        return bool(self._database.query(self._scan.find_last, parameters))

    def _as_far_as_free(self, parameters: dict[str, Any]) -> _Outcome:
        found = self._database.query(self._scan.find, parameters)
        keys = [row["id"] for row in found]

        def work(statements: Transaction) -> _Outcome:
            outcome = _Outcome(last=found[-1] if len(found) == parameters["rows"] else None)
            for first in range(0, len(keys), IDS_PER_STATEMENT):
                due = {
                    "listed": listed(keys[first : first + IDS_PER_STATEMENT]),
                    "bound": parameters["bound"],
                }
                free = statements.query(self._scan.lock_free, due)
                self._delete_listed(statements, [row["id"] for row in free], outcome)
            return outcome

        return self._database.transaction(work) if found else _Outcome()

    def _delete_listed(self, statements: Transaction, ids: list[Any], outcome: _Outcome) -> None:
        """All of them but those that the database refuses: halving finds them, and the others go."""
        if not ids:
            return
        try:
            outcome.deleted += statements.execute(self._scan.delete_listed, {"listed": listed(ids)})
        except pymysql.err.MySQLError as exc:
            if not _refuses_a_row(exc):
                raise
            if len(ids) == 1:
                outcome.refused += 1
                return
            middle = len(ids) // 2
            self._delete_listed(statements, ids[:middle], outcome)
            self._delete_listed(statements, ids[middle:], outcome)


class OldestRowsPurge:
    """Port ports.jobs.Purge, one statement a batch: nobody else holds these rows, and none is refused."""

    def __init__(self, database: Database, end: OldestRows) -> None:
        self.name = end.table
        self._database = database
        self._end = end

    def delete_batch(self, now: int, rows: int) -> Batch:
        deleted = self._database.execute(self._end.delete, (self._bound(now), rows))
        return Batch(deleted, refused=0, is_last=deleted < rows)

    def debt(self, now: int) -> Debt:
        [row] = self._database.query(self._end.count, (self._bound(now),))
        return _debt(row, now - self._end.retention_s, self._end.ended)

    def _bound(self, now: int) -> Any:
        return self._end.bound(now - self._end.retention_s)


def purges(database: Database, token_retention_s: int, event_retention_s: int) -> tuple[Purge, ...]:
    """All of them. Revoked rows need no condition of their own: see domain.bounds.MIN_RETENTION_S."""
    return (
        IndexScanPurge(database, replace(TOKENS, retention_s=token_retention_s)),
        IndexScanPurge(database, LIMITS),
        IndexScanPurge(database, replace(EVENTS, retention_s=event_retention_s)),
        IndexScanPurge(database, USERS),
        OldestRowsPurge(database, GONE_KEYS),
        OldestRowsPurge(database, ROLLUPS),
    )


def created_tokens(database: Database) -> Callable[[int], int]:
    """How many rows of auth_user_tokens were made at or after an instant, counted up to CREATED_LIMIT."""

    def created_since(instant: int) -> int:
        [row] = database.query(COUNT_CREATED_TOKENS, (uuid7(instant * 1000, bytes(10)), CREATED_LIMIT))
        return int(row["created"])

    return created_since


def listed(keys: Sequence[bytes | str]) -> str:
    """Keys as IndexScan.lock_free and IndexScan.delete_listed take them."""
    return json.dumps([key if isinstance(key, str) else key.hex() for key in keys])


def _debt(row: Row, due_before: int, ended: Callable[[Any], int]) -> Debt:
    if row["oldest"] is None:
        return Debt(0, 0)
    return Debt(row["due_rows"], due_before - ended(row["oldest"]))


def _number(exc: pymysql.err.MySQLError) -> int:
    return int(exc.args[0]) if exc.args else 0


def _refuses_a_row(exc: pymysql.err.MySQLError) -> bool:
    """A foreign key that refers to the row, or a trigger that holds it: a matter of that row alone."""
    return isinstance(exc, pymysql.err.IntegrityError) or _number(exc) == _SIGNAL
