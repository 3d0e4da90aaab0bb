"""auth_token_revocations: what ended is recorded, in the transaction that ended it, by one statement.

Only what a live access token can be refused for is recorded: no session whose access tokens have expired, no device.
"""

from auth_tokens.domain.bounds import BROWSER_SESSION_RECORDED_S, CLOCKS_DIFFER_S, MAX_ACCESS_TTL_S

# Each has its place in the statement below, and the column takes 1024 bytes. GROUP_CONCAT would need no places, but a
# server may cut it (group_concat_max_len), silently where its sql_mode is not strict.
IDS_PER_ENTRY = 32
_IDS = ", ".join(f"MAX(IF(ended.place = {place}, ended.tail, NULL))" for place in range(IDS_PER_ENTRY))


def _record(index: str, rows: str, at: str = "%(at)s") -> str:
    """For the rows that ended at `at`, by the index that they were ended by: the one on revoked_at would lock those
    that others end in the same second. Row count 0: none has a live access token.

    Each entry is a number, and a statement that inserts several rows takes more numbers than it needs.
    """
    return f"""
INSERT INTO auth_token_revocations (written_at, keep_until, ids)
SELECT
  UNIX_TIMESTAMP(),
  TIMESTAMPDIFF(SECOND, '1970-01-01', MAX(ended.until_at)) + {CLOCKS_DIFFER_S},
  CONCAT_WS('', {_IDS})
FROM (
  SELECT SUBSTR(t.id, 9) AS tail,
    (ROW_NUMBER() OVER (ORDER BY t.id) - 1) DIV {IDS_PER_ENTRY} AS entry,
    (ROW_NUMBER() OVER (ORDER BY t.id) - 1) MOD {IDS_PER_ENTRY} AS place,
    LEAST(
      {at} + INTERVAL {MAX_ACCESS_TTL_S} SECOND,
      CASE t.type
        WHEN 'session' THEN {at} + INTERVAL {BROWSER_SESSION_RECORDED_S} SECOND
        WHEN 'access' THEN t.expires_at
        ELSE COALESCE(t.access_expires_at, {at} + INTERVAL {MAX_ACCESS_TTL_S} SECOND)
      END) AS until_at
  FROM auth_user_tokens AS t FORCE INDEX ({index})
  WHERE {rows}
    AND t.revoked_at = {at}
    AND t.type <> 'device'
    AND (t.type <> 'refresh'
      OR t.access_expires_at IS NULL
      OR t.access_expires_at > {at} - INTERVAL {CLOCKS_DIFFER_S} SECOND)
) AS ended
GROUP BY ended.entry
"""


RECORD_ROW = _record("PRIMARY", "t.id = %(id)s")
RECORD_ROWS = _record("PRIMARY", "t.id IN %(ids)s")
RECORD_DEVICE_ROWS = _record("ix_device", "t.device_id = %(device_id)s AND t.user_id = %(user_id)s")
RECORD_USER_ROWS = _record("ix_user_type", "t.user_id = %(user_id)s AND t.type IN ('refresh', 'session')")
# Of rows that ended at any time.
RECORD_UNTOLD_ROWS = _record("PRIMARY", "t.id IN %(ids)s", at="t.revoked_at")
