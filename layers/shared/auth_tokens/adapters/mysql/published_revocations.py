"""auth_token_revocations and auth_token_cutoffs, as they are published for verifiers outside API Gateway."""

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.published_revocations import MEMORY_S, Entry
from auth_tokens.ports.published_revocations import LogState

# Index: primary key, its two ends and one row.
SELECT_STATE = """
SELECT
  UNIX_TIMESTAMP() AS now_s,
  (SELECT COALESCE(MAX(seq) - MIN(seq), 0) FROM auth_token_revocations) AS width,
  (SELECT SUBSTR(ids, 1, 8) FROM auth_token_revocations WHERE seq = %s) AS anchor
"""

# Index: none needed; a row a client at most.
SELECT_CUTOFFS = f"""
SELECT
  client_id,
  TIMESTAMPDIFF(SECOND, '1970-01-01', before_at) AS before_s,
  TIMESTAMPDIFF(SECOND, '1970-01-01', decided_at) AS decided_s
FROM auth_token_cutoffs
WHERE decided_at > %s
{EVERY_ROW}
"""

# Index: primary key. Of what is past only the number counts.
SELECT_AFTER = """
SELECT seq, written_at, SUBSTR(ids, 1, 8) AS first_id, IF(keep_until > UNIX_TIMESTAMP(), ids, '') AS ids
FROM auth_token_revocations
WHERE seq > %s
ORDER BY seq
LIMIT %s
"""


class PublishedRevocations:
    """Port ports.published_revocations.RevocationEntries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, number: int) -> LogState:
        [row] = self._database.query(SELECT_STATE, (number,))
        cutoffs = self._database.query(SELECT_CUTOFFS, (to_sql(row["now_s"] - MEMORY_S),))
        return LogState(
            row["now_s"],
            row["width"],
            row["anchor"],
            tuple(Cutoff(c["client_id"], c["before_s"], c["decided_s"]) for c in cutoffs),
        )

    def after(self, number: int, limit: int) -> list[Entry]:
        rows = self._database.query(SELECT_AFTER, (number, limit))
        return [Entry(row["seq"], row["written_at"], row["first_id"], bytes(row["ids"])) for row in rows]
