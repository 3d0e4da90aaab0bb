"""auth_user_tokens counted in slices, in the order of the primary key, from where the last run left off."""

import json
from dataclasses import asdict

from auth_tokens.adapters.mysql.analytics.rollups import NO_SUBJECT
from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.analytics.census import Census, Slice
from auth_tokens.domain.analytics.figures import ACTIVE_SESSIONS, DEVICES, REFRESHES

JOB = "census"

# Index: primary key range, at most LIMIT rows.
COUNT_SLICE = """
SELECT COUNT(*) AS tokens,
  MAX(s.id) AS last_id,
  SUM(s.type IN ('refresh', 'session') AND s.revoked_at IS NULL AND s.expires_at > %s) AS sessions,
  SUM(s.type = 'device' AND s.revoked_at IS NULL AND s.expires_at > %s) AS devices,
  SUM(IF(s.type IN ('refresh', 'session') AND s.expires_at > %s, s.generation, 0)) AS generations,
  SUM(IF(s.type IN ('refresh', 'session') AND s.expires_at > %s, s.generation, 0)) AS generations_then
FROM (
  SELECT id, type, revoked_at, expires_at, generation
  FROM auth_user_tokens
  WHERE id > %s
  ORDER BY id
  LIMIT %s
) AS s
"""

# Index: primary key.
SELECT_STATE = """
SELECT state
FROM auth_token_jobs
WHERE name = %s
"""

# Index: primary key.
KEEP_STATE = """
INSERT INTO auth_token_jobs (name, held_until_ms, state)
VALUES (%s, 0, %s)
ON DUPLICATE KEY UPDATE state = VALUES(state)
"""

# Index: primary key. A count of several censuses of an hour is their sum …
ADD_COUNT = """
INSERT INTO auth_token_rollups (hour_at, name, subject, amount)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE amount = amount + VALUES(amount)
"""

# … and a level the highest of them. Index: primary key.
RAISE_LEVEL = """
INSERT INTO auth_token_rollups (hour_at, name, subject, amount)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE amount = GREATEST(amount, VALUES(amount))
"""


class MySqlCensus:
    """Port ports.figures.CensusTaker."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begun(self) -> Census | None:
        rows = self._database.query(SELECT_STATE, (JOB,))
        if not rows or rows[0]["state"] is None:
            return None
        state = json.loads(rows[0]["state"])
        return Census(**{**state, "after": bytes.fromhex(state["after"])})

    def count(self, census: Census, limit: int) -> Slice:
        now, then = to_sql(census.began_at), to_sql(census.before_began_at)
        [row] = self._database.query(COUNT_SLICE, (now, now, now, then, census.after, limit))
        return Slice(
            tokens=int(row["tokens"]),
            last_id=row["last_id"],
            sessions=int(row["sessions"] or 0),
            devices=int(row["devices"] or 0),
            generations=int(row["generations"] or 0),
            generations_then=int(row["generations_then"] or 0),
        )

    def keep(self, census: Census) -> None:
        self._database.execute(KEEP_STATE, (JOB, _state(census)))

    def finish(self, census: Census, hour: int, following: Census) -> None:
        refreshes = census.refreshes

        def work(statements: Transaction) -> None:
            if statements.may_have_run and self._is_kept(statements, following):
                return
            statements.execute(RAISE_LEVEL, (hour, ACTIVE_SESSIONS, NO_SUBJECT, census.sessions))
            statements.execute(RAISE_LEVEL, (hour, DEVICES, NO_SUBJECT, census.devices))
            if refreshes is not None:
                statements.execute(ADD_COUNT, (hour, REFRESHES, NO_SUBJECT, refreshes))
            statements.execute(KEEP_STATE, (JOB, _state(following)))

        self._database.transaction(work)

    def _is_kept(self, statements: Transaction, census: Census) -> bool:
        rows = statements.query(SELECT_STATE, (JOB,))
        return bool(rows) and rows[0]["state"] == _state(census)


def _state(census: Census) -> bytes:
    return json.dumps({**asdict(census), "after": census.after.hex()}).encode()
