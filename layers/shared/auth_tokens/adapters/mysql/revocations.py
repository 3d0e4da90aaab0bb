"""What the revocation feed asks of auth_user_tokens."""

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.times import to_sql

# Index: ix_revoked_at, which holds the primary key: no row is read. The instant as a number: of 100,000
# rows the driver would make 100,000 datetimes.
SELECT_REVOKED_SINCE = """
SELECT id, TIMESTAMPDIFF(SECOND, '1970-01-01', revoked_at) AS revoked_at_s
FROM auth_user_tokens
WHERE revoked_at >= %s
ORDER BY revoked_at
LIMIT %s
"""

# Index: ix_revoked_at. Steps over the entries without sending them; a row if there is one more.
SELECT_ONE_PAST_LIMIT = """
SELECT 1
FROM auth_user_tokens
WHERE revoked_at >= %s
ORDER BY revoked_at
LIMIT 1 OFFSET %s
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
        return [(row["id"], row["revoked_at_s"]) for row in rows]

    def exceeds(self, instant: int, limit: int) -> bool:
        return bool(self._database.query(SELECT_ONE_PAST_LIMIT, (to_sql(instant), limit)))

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        first, last = ids[0], ids[-1]
        return bool(self._database.query(SELECT_ANY_REVOKED, (first, last)))
