"""How many tokens of the Portal are still to come, counted in short slices of its table."""

from collections.abc import Callable

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.legacy_table import LegacyTable

SLICE = 5000
# A larger table is counted as far as this.
MAX_SLICES = 200
RESERVE_MS = 5000

# Index: primary key, a range.
COUNT_UNCLAIMED = f"""
SELECT COUNT(*) AS looked_at, COALESCE(SUM(is_in_force), 0) AS unclaimed, MAX(id) AS last
FROM (
  SELECT {{old_id}} AS id, {{old_is_of_a_kind}} AND {{old_is_in_force}} AS is_in_force
  FROM {{old_table}} AS old
  WHERE %(after)s IS NULL OR {{old_id}} > %(after)s
  ORDER BY {{old_id}}
  LIMIT {SLICE}
) AS slice
"""


def count_unclaimed(database: Database, table: LegacyTable, now: int, remaining_ms: Callable[[], int]) -> int:
    """Tokens of the types that are taken over, in force at the Portal. Raises Unavailable."""
    sql, after, unclaimed = table.tables.sql(COUNT_UNCLAIMED), None, 0
    for _ in range(MAX_SLICES):
        [row] = database.query(sql, {"after": after, **table.now_values(now)})
        unclaimed += int(row["unclaimed"])
        after = row["last"]
        if row["looked_at"] < SLICE or remaining_ms() < RESERVE_MS:
            break
    return unclaimed
