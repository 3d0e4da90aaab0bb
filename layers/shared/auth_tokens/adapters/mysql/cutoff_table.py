"""auth_token_cutoffs: cut-offs are put in force, and the rows that they cover are marked."""

from collections.abc import Sequence

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Row, Transaction
from auth_tokens.adapters.mysql.cutoffs import began_at
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.adapters.mysql.index_scans import listed
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.bounds import CLOCKS_DIFFER_S
from auth_tokens.domain.cutoff_marks import MarkedCutoff
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.events import RevokeReason, SecurityEvent
from auth_tokens.domain.ids import MAX_UUID, uuid7

# An id in JSON is 35 characters long: a statement stays under the 16 KB that pin RDS Proxy.
IDS_PER_STATEMENT = 350

# Index: primary key. Locks the client's row, or its place: two calls come one after the other.
SELECT_CUTOFF = """
SELECT client_id, before_at, decided_at, marked_to
FROM auth_token_cutoffs
WHERE client_id = %s
FOR UPDATE
"""

# Index: none needed; a row a client at most.
SELECT_CUTOFFS = f"""
SELECT client_id, before_at, decided_at, marked_to
FROM auth_token_cutoffs
{EVERY_ROW}
"""

# Index: primary key.
PUT_CUTOFF = """
INSERT INTO auth_token_cutoffs (client_id, before_at, decided_at, marked_to)
VALUES (%(client_id)s, %(before_at)s, %(decided_at)s, '')
ON DUPLICATE KEY UPDATE
  before_at = VALUES(before_at), decided_at = VALUES(decided_at), marked_to = VALUES(marked_to)
"""

# Index: primary key. A repeated call: what it ends is the same, and what has been marked stays so.
RENEW_DECISION = """
UPDATE auth_token_cutoffs
SET decided_at = %(decided_at)s
WHERE client_id = %(client_id)s AND before_at = %(before_at)s
"""

# Index: primary key. Row count 0: a newer cut-off has taken its place.
NOTE_MARKED = """
UPDATE auth_token_cutoffs
SET marked_to = %(marked_to)s
WHERE client_id = %(client_id)s AND before_at = %(before_at)s
"""

_SPAN = "t.id > %(after)s AND t.id < %(bound)s"
# Index: primary key. The last of the next rows; no row: there are not as many left.
SELECT_LAST = f"""
SELECT t.id
FROM auth_user_tokens AS t FORCE INDEX (PRIMARY)
WHERE {_SPAN}
ORDER BY t.id
LIMIT 1 OFFSET %(offset)s
"""

_COVERED = f"""t.revoked_at IS NULL
  AND t.type <> 'access'
  AND (%(client_id)s = '' OR t.client_id = %(client_id)s)
  AND {began_at("t")} <= %(before_at)s"""
# Index: primary key, a range of it. Without locks: an UPDATE of the range would lock all of its rows, also those of
# sessions that go on.
SELECT_COVERED = f"""
SELECT t.id
FROM auth_user_tokens AS t FORCE INDEX (PRIMARY)
WHERE t.id > %(after)s AND t.id <= %(last)s
  AND {_COVERED}
{EVERY_ROW}
"""

# Index: primary key, each row by itself.
MARK_ROWS = f"""
UPDATE JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$')) AS listed
STRAIGHT_JOIN auth_user_tokens AS t FORCE INDEX (PRIMARY) ON t.id = UNHEX(listed.id)
SET t.revoked_at = %(decided_at)s, t.revoke_reason = '{RevokeReason.CUT_OFF.value}'
WHERE {_COVERED}
"""


class CutoffTable:
    """Port ports.cutoffs.Cutoffs."""

    def __init__(self, database: Database, events: EventWriter) -> None:
        self._database = database
        self._events = events

    def decide(self, cutoff: Cutoff, event: SecurityEvent) -> Cutoff | None:
        rows = self._events.rows([event])
        put: list[bool] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> Cutoff | None:
            found = statements.query(SELECT_CUTOFF, (cutoff.client_id,))
            there = _cutoff_from(found[0]) if found else None
            if there == cutoff and put:
                return None
            if there is not None and there.before > cutoff.before:
                return there
            if there is not None and there.before == cutoff.before:
                statements.execute(RENEW_DECISION, _parameters(cutoff))
                return cutoff
            statements.execute(PUT_CUTOFF, _parameters(cutoff))
            self._events.write(statements, rows)
            put.append(True)
            return None

        return self._database.transaction(work)

    def in_force(self) -> Sequence[MarkedCutoff]:
        return _cutoffs(self._database)


class CutoffMarking:
    """Port ports.cutoffs.CutoffMarks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unmarked(self, decided_by: int) -> Sequence[MarkedCutoff]:
        return [
            marked
            for marked in _cutoffs(self._database)
            if marked.cutoff.decided_at <= decided_by and not marked.is_marked
        ]

    def mark(self, cutoff: Cutoff, after: bytes, rows: int) -> tuple[int, bytes]:
        # Later rows are of sessions that began later; one that a device token opened may have been under way.
        bound = uuid7((cutoff.decided_at + CLOCKS_DIFFER_S) * 1000, bytes(10))
        span = {**_parameters(cutoff), "after": after, "bound": bound, "offset": rows - 1}
        found = self._database.query(SELECT_LAST, span)
        last = found[0]["id"] if found else bound
        covered = [row["id"] for row in self._database.query(SELECT_COVERED, {**span, "last": last})]
        marked = sum(
            self._database.execute(MARK_ROWS, {**span, "listed": listed(covered[first:][:IDS_PER_STATEMENT])})
            for first in range(0, len(covered), IDS_PER_STATEMENT)
        )
        return marked, last if found else MAX_UUID

    def note(self, cutoff: Cutoff, marked_to: bytes) -> None:
        self._database.execute(NOTE_MARKED, {**_parameters(cutoff), "marked_to": marked_to})


def _cutoffs(database: Database) -> list[MarkedCutoff]:
    return [MarkedCutoff(_cutoff_from(row), row["marked_to"]) for row in database.query(SELECT_CUTOFFS)]


def _cutoff_from(row: Row) -> Cutoff:
    return Cutoff(str(row["client_id"]), from_sql(row["before_at"]), from_sql(row["decided_at"]))


def _parameters(cutoff: Cutoff) -> dict[str, object]:
    return {
        "client_id": cutoff.client_id,
        "before_at": to_sql(cutoff.before),
        "decided_at": to_sql(cutoff.decided_at),
    }
