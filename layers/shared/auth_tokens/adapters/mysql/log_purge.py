"""Cleanup of auth_token_revocations: from the low end, and never the last row, by which readers know their place."""

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.domain.bounds import CLOCKS_DIFFER_S
from auth_tokens.domain.purges import Batch, Debt

# Longer than a transaction may be open: a reader that starts finds every number near one that is still to come.
LOG_RETENTION_S = 2 * CLOCKS_DIFFER_S
COUNT_LIMIT = 10_000

# Index: primary key, its low end. The first row that has to stay: one that is not due, or the last of the oldest. A
# DELETE that looked for it would lock whatever it steps over.
SELECT_FIRST_TO_STAY = """
SELECT COALESCE(MIN(IF(oldest.keep_until >= %s, oldest.seq, NULL)), MAX(oldest.seq)) AS seq
FROM (SELECT l.seq, l.keep_until FROM auth_token_revocations AS l ORDER BY l.seq LIMIT %s) AS oldest
"""

# Index: primary key, from its low end.
DELETE_LOG_BEFORE = """
DELETE FROM auth_token_revocations
WHERE seq < %s
ORDER BY seq
LIMIT %s
"""

# Index: primary key, its low end.
COUNT_OLD_LOG = f"""
SELECT COUNT(*) AS due_rows, MIN(oldest.keep_until) AS oldest
FROM (
  SELECT l.seq, l.keep_until FROM auth_token_revocations AS l ORDER BY l.seq LIMIT {COUNT_LIMIT}
) AS oldest
WHERE oldest.keep_until < %s AND oldest.seq < (SELECT MAX(n.seq) FROM auth_token_revocations AS n)
"""


class LogPurge:
    """Port ports.jobs.Purge. A row is kept while one before it has to stay."""

    name = "auth_token_revocations"

    def __init__(self, database: Database) -> None:
        self._database = database

    def delete_batch(self, now: int, rows: int) -> Batch:
        [first] = self._database.query(SELECT_FIRST_TO_STAY, (now - LOG_RETENTION_S, rows))
        if first["seq"] is None:
            return Batch(deleted=0, refused=0, is_last=True)
        deleted = self._database.execute(DELETE_LOG_BEFORE, (first["seq"], rows))
        return Batch(deleted, refused=0, is_last=deleted < rows - 1)

    def debt(self, now: int) -> Debt:
        due_before = now - LOG_RETENTION_S
        [row] = self._database.query(COUNT_OLD_LOG, (due_before,))
        return Debt(0, 0) if row["oldest"] is None else Debt(row["due_rows"], due_before - row["oldest"])
