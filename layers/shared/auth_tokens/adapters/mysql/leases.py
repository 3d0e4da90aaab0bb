"""auth_token_jobs: one run of a job at a time, without a connection held and without a pinned proxy."""

from auth_tokens.adapters.mysql.connection import Database, Transaction

# Index: primary key. Row count 0: another run holds it.
TAKE_LEASE = """
INSERT INTO auth_token_jobs (name, held_until_ms)
VALUES (%s, %s)
ON DUPLICATE KEY UPDATE
  held_until_ms = IF(held_until_ms <= %s, VALUES(held_until_ms), held_until_ms)
"""

# Index: primary key. Only where the answer to the statement above was lost.
SELECT_LEASE = """
SELECT name
FROM auth_token_jobs
WHERE name = %s AND held_until_ms = %s
"""

# Index: primary key. Row count 0: it ran out, and may be another's by now.
RELEASE_LEASE = """
UPDATE auth_token_jobs
SET held_until_ms = 0
WHERE name = %s AND held_until_ms = %s
"""


class MySqlLeases:
    """Port ports.jobs.Leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, job: str, until_ms: int, now_ms: int) -> bool:
        def is_held(statements: Transaction) -> bool:
            return bool(statements.query(SELECT_LEASE, (job, until_ms)))

        return self._database.execute_once(TAKE_LEASE, (job, until_ms, now_ms), is_held)

    def release(self, job: str, until_ms: int) -> None:
        self._database.execute(RELEASE_LEASE, (job, until_ms))
