"""What the revocation feed asks: auth_token_revocations and auth_token_cutoffs, and auth_user_tokens."""

from collections.abc import Sequence

from auth_tokens.adapters.ids_by_span import SPAN_S
from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.cutoffs import IS_CUT_OFF
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.adapters.revocation_log import LogAnswer, LogGroup
from auth_tokens.domain.cutoffs import Cutoff

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

# Index: primary key of both; auth_token_cutoffs has a row a client at most.
SELECT_ANY_REVOKED = f"""
SELECT 1
FROM auth_user_tokens AS t
WHERE t.id IN (%s, %s) AND (t.revoked_at IS NOT NULL OR {IS_CUT_OFF})
LIMIT 1
"""


def _select_log(rows: str, ids: str, apart: str) -> str:
    """One result row for the rows of 64 numbers that are kept equally long and are not `apart`. And one for each
    cut-off."""
    return f"""
SELECT
  MAX(l.seq) AS last,
  BIT_OR(1 << (l.seq MOD 64)) AS seen,
  MAX(l.written_at) AS written_at,
  MAX(l.keep_until) AS keep_until,
  {ids} AS ids,
  CAST(SUM(LENGTH(l.ids)) AS UNSIGNED) AS bytes,
  (SELECT MIN(n.seq) FROM auth_token_revocations AS n WHERE n.seq >= %(end)s) AS next_number,
  UNIX_TIMESTAMP() AS now_s
FROM auth_token_revocations AS l
WHERE {rows}
GROUP BY l.seq DIV 64, l.keep_until DIV {SPAN_S}, {apart}
UNION ALL
SELECT
  CAST(0 AS UNSIGNED),
  CAST(0 AS UNSIGNED),
  TIMESTAMPDIFF(SECOND, '1970-01-01', c.decided_at),
  TIMESTAMPDIFF(SECOND, '1970-01-01', c.before_at),
  CAST(c.client_id AS BINARY),
  CAST(LENGTH(c.client_id) AS UNSIGNED),
  (SELECT MIN(n.seq) FROM auth_token_revocations AS n WHERE n.seq >= %(end)s),
  UNIX_TIMESTAMP()
FROM auth_token_cutoffs AS c
{EVERY_ROW}
"""


_NEW = "l.seq >= %(start)s AND l.seq < %(end)s"
_NEW_AND_MISSING = f"{_NEW} OR l.seq IN %(missing)s"
# Most rows have one id: those of 64 numbers are one result row. One with several ids is a result row of its own, as
# MySQL cuts GROUP_CONCAT at 1024 bytes.
_PACKED = ("GROUP_CONCAT(l.ids ORDER BY l.seq SEPARATOR '')", "IF(LENGTH(l.ids) > 8, l.seq, 0)")
_ALONE = ("MAX(l.ids)", "l.seq")

# Index: primary key, a range of it and single numbers.
SELECT_LOG = _select_log(_NEW, *_PACKED)
SELECT_LOG_AND_MISSING = _select_log(_NEW_AND_MISSING, *_PACKED)
# The same for a server that cuts GROUP_CONCAT sooner.
SELECT_LOG_UNPACKED = _select_log(_NEW, *_ALONE)
SELECT_LOG_AND_MISSING_UNPACKED = _select_log(_NEW_AND_MISSING, *_ALONE)

# Index: primary key, its two ends.
SELECT_LOG_WIDTH = "SELECT COALESCE(MAX(seq) - MIN(seq) + 1, 0) AS width FROM auth_token_revocations"

# Index: primary key, its low end.
SELECT_NEXT_NUMBER = "SELECT MIN(seq) AS next_number FROM auth_token_revocations WHERE seq >= %s"


class _PointQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        first, last = ids[0], ids[-1]
        return bool(self._database.query(SELECT_ANY_REVOKED, (first, last)))


class MySqlRevocations(_PointQueries):
    """Port adapters.revoked_rows.RevocationSource."""

    def revoked_since(self, instant: int, limit: int) -> list[tuple[bytes, int]]:
        rows = self._database.query(SELECT_REVOKED_SINCE, (to_sql(instant), limit))
        return [(row["id"], row["revoked_at_s"]) for row in rows]

    def exceeds(self, instant: int, limit: int) -> bool:
        return bool(self._database.query(SELECT_ONE_PAST_LIMIT, (to_sql(instant), limit)))


class MySqlRevocationLog(_PointQueries):
    """Port adapters.revocation_log.LogSource."""

    def read(self, start: int, end: int, missing: Sequence[int]) -> LogAnswer:
        packed, unpacked = (
            (SELECT_LOG_AND_MISSING, SELECT_LOG_AND_MISSING_UNPACKED)
            if missing
            else (SELECT_LOG, SELECT_LOG_UNPACKED)
        )
        span = {"start": start, "end": end, "missing": missing}
        rows = self._database.query(packed, span)
        if any(len(row["ids"]) != row["bytes"] for row in rows):  # cut at group_concat_max_len
            rows = self._database.query(unpacked, span)
        groups = [
            LogGroup(row["last"] // 64, row["seen"], row["written_at"], row["keep_until"], row["ids"])
            for row in rows
            if row["last"]
        ]
        cutoffs = [
            Cutoff(row["ids"].decode("ascii"), row["keep_until"], row["written_at"])
            for row in rows
            if not row["last"]
        ]
        if rows:
            return LogAnswer(groups, cutoffs, rows[0]["next_number"], rows[0]["now_s"])
        [row] = self._database.query(SELECT_NEXT_NUMBER, (end,))
        return LogAnswer(groups, cutoffs, row["next_number"], 0)

    def width(self) -> int:
        [row] = self._database.query(SELECT_LOG_WIDTH)
        return int(row["width"])
