"""What the revocation feed asks of auth_user_tokens."""

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.times import from_sql, to_sql

# Index: ix_revoked_at, which holds the primary key: no row is read.
SELECT_REVOKED_SINCE = """
SELECT id, revoked_at
FROM auth_user_tokens
WHERE revoked_at >= %s
ORDER BY revoked_at
LIMIT %s
"""

# Index: primary key.
SELECT_ANY_REVOKED = """
SELECT 1
FROM auth_user_tokens
WHERE id IN (%s, %s) AND revoked_at IS NOT NULL
LIMIT 1
"""


class MySqlRevocations:
    """Port adapters.revocation_feed.RevocationSource."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
        rows = self._database.query(SELECT_REVOKED_SINCE, (to_sql(instant), limit))
        return [(row["id"], from_sql(row["revoked_at"])) for row in rows]

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        first, last = ids[0], ids[-1]
        return bool(self._database.query(SELECT_ANY_REVOKED, (first, last)))
