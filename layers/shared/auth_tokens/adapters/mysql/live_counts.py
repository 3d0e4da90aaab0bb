"""How many live sessions and devices a user has, for operators."""

from collections.abc import Callable

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.lists import LiveCounts

# Index: ix_user_type.
COUNT_LIVE = """
SELECT COALESCE(SUM(type <> 'device'), 0) AS sessions, COALESCE(SUM(type = 'device'), 0) AS devices
FROM auth_user_tokens
WHERE user_id = %s
  AND type IN ('refresh', 'session', 'device')
  AND revoked_at IS NULL
  AND expires_at > %s
"""


def live_counts(database: Database) -> Callable[[str, int], LiveCounts]:
    """Of a user's id at an instant. Raises Unavailable."""

    def count(user_id: str, now: int) -> LiveCounts:
        [row] = database.query(COUNT_LIVE, (user_id, to_sql(now)))
        return LiveCounts(int(row["sessions"]), int(row["devices"]))

    return count
