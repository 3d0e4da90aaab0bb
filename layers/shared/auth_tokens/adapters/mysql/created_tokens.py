"""The count of new rows in auth_user_tokens, for the figures of cleanup."""

from collections.abc import Callable

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.domain.ids import uuid7

# As many new rows in five minutes are 333 sign-ins a second.
CREATED_LIMIT = 100_000

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


def created_tokens(database: Database) -> Callable[[int], int]:
    """How many rows of auth_user_tokens were made at or after an instant, counted up to CREATED_LIMIT."""

    def created_since(instant: int) -> int:
        [row] = database.query(COUNT_CREATED_TOKENS, (uuid7(instant * 1000, bytes(10)), CREATED_LIMIT))
        return int(row["created"])

    return created_since
