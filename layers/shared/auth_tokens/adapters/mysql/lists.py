"""auth_user_tokens: lists of a user's sessions and devices."""

from auth_tokens.adapters.mysql.connection import EVERY_ROW
from auth_tokens.adapters.mysql.cutoffs import IS_CUT_OFF
from auth_tokens.adapters.mysql.rows import TOKEN_COLUMNS, record_from
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.adapters.mysql.token_table import MAX_INSTANT, TokenTable
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.domain.lists import DevicePlace, SessionOnDevice
from auth_tokens.domain.sessions import TokenRecord

# Index: ix_user_type, then a filesort over one user's few rows; the devices by primary key. Two lists in one
# read: sessions that ended by reuse, at most max_reused, and a page of live ones.
SELECT_SESSIONS = f"""
(SELECT {TOKEN_COLUMNS}, d.metadata AS device_metadata, d.generation AS device_generation
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = t.device_id
WHERE t.user_id = %(user_id)s
  AND t.type IN ('refresh', 'session')
  AND t.revoke_reason = 'reuse'
  AND t.revoked_at >= %(reused_since)s
ORDER BY t.revoked_at DESC, t.id DESC
LIMIT %(max_reused)s)
UNION ALL
(SELECT {TOKEN_COLUMNS}, d.metadata AS device_metadata, d.generation AS device_generation
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = t.device_id
WHERE t.user_id = %(user_id)s
  AND t.type IN ('refresh', 'session')
  AND t.revoked_at IS NULL
  AND NOT {IS_CUT_OFF}
  AND t.expires_at > %(now)s
  AND (t.last_used_at < %(last_used_at)s OR (t.last_used_at = %(last_used_at)s AND t.id < %(id)s))
ORDER BY t.last_used_at DESC, t.id DESC
LIMIT %(limit)s)
{EVERY_ROW}
"""

# Index: ix_user_type, as above. Those that hold a token come first.
SELECT_LIVE_DEVICES = f"""
SELECT {TOKEN_COLUMNS}
FROM auth_user_tokens AS t
WHERE t.user_id = %(user_id)s
  AND t.type = 'device'
  AND t.revoked_at IS NULL
  AND NOT {IS_CUT_OFF}
  AND t.expires_at > %(now)s
  AND (
    (t.token_hash IS NULL) > %(without_token)s
    OR (t.token_hash IS NULL) = %(without_token)s
      AND (t.last_used_at < %(last_used_at)s OR t.last_used_at = %(last_used_at)s AND t.id < %(id)s))
ORDER BY t.token_hash IS NULL, t.last_used_at DESC, t.id DESC
LIMIT %(limit)s
"""

# Of the sessions that ended by reuse: evidence for their owner, not a history.
MAX_REUSED = 10
_FIRST_SESSION_PAGE = (MAX_INSTANT, MAX_UUID)
_FIRST_DEVICE_PAGE = DevicePlace(is_remembered=True, last_used_at=MAX_INSTANT, id=MAX_UUID)


class Lists(TokenTable):
    """The methods of TokenStore that list rows."""

    def session_list(
        self, user_id: str, now: int, limit: int, after: tuple[int, bytes] | None, reused_since: int
    ) -> list[SessionOnDevice]:
        last_used_at, row_id = after or _FIRST_SESSION_PAGE
        parameters = {
            "user_id": user_id,
            "reused_since": to_sql(reused_since),
            "max_reused": 0 if after else MAX_REUSED,
            "now": to_sql(now),
            "last_used_at": to_sql(last_used_at),
            "id": row_id,
            "limit": limit,
        }
        rows = self._database.rows(SELECT_SESSIONS, parameters)
        return [
            SessionOnDevice(record_from(token, metadata), *of_the_device)
            for token, metadata, *of_the_device in rows
        ]

    def live_devices(
        self, user_id: str, now: int, limit: int, after: DevicePlace | None
    ) -> list[TokenRecord]:
        place = after or _FIRST_DEVICE_PAGE
        parameters = {
            "user_id": user_id,
            "now": to_sql(now),
            "without_token": int(not place.is_remembered),
            "last_used_at": to_sql(place.last_used_at),
            "id": place.id,
            "limit": limit,
        }
        return [record_from(*row) for row in self._database.rows(SELECT_LIVE_DEVICES, parameters)]
