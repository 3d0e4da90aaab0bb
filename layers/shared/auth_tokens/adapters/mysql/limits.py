"""auth_token_limits: GCRA in one statement and no read on the good path (docs/adr/0006)."""

from collections.abc import Callable

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.domain.errors import RateLimited, Unavailable
from auth_tokens.domain.limits import Limit
from auth_tokens.observability import Telemetry
from auth_tokens.usecases.ports import Keys

# Index: primary key. Row count 0: the row was left as it is, so the attempt is refused;
# 1 or 2 (new, changed): let through. Atomic, so parallel attempts cannot slip through.
HIT_BUCKET = """
INSERT INTO auth_token_limits (bucket, tat_ms)
VALUES (%s, %s)
ON DUPLICATE KEY UPDATE
  tat_ms = IF(tat_ms <= %s, GREATEST(tat_ms, %s) + %s, tat_ms)
"""

# Index: primary key.
RESET_BUCKET = """
INSERT INTO auth_token_limits (bucket, tat_ms)
VALUES (%s, %s)
ON DUPLICATE KEY UPDATE tat_ms = VALUES(tat_ms)
"""

# Index: primary key. Only on refusal, for Retry-After.
SELECT_BUCKET = """
SELECT tat_ms
FROM auth_token_limits
WHERE bucket = %s
"""


class MySqlLimiter:
    """Port usecases.ports.AccountLimiter. Fails open: its table being unwritable costs the limit, not the login."""

    def __init__(
        self, database: Database, keys: Keys, telemetry: Telemetry, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._keys = keys
        self._telemetry = telemetry
        self._now_ms = now_ms

    def hit(self, limit: Limit, key: str) -> None:
        now = self._now_ms()
        try:
            bucket = self._bucket(limit, key)
        except Unavailable:
            self._telemetry.count("LimiterFailedOpen")
            return
        latest = now + limit.burst_ms
        parameters = (bucket, now + limit.interval_ms, latest, now, limit.interval_ms)
        rows_changed = self._database.attempt(HIT_BUCKET, parameters)
        if rows_changed is None:
            self._telemetry.count("LimiterFailedOpen")
        if rows_changed != 0:
            return
        raise RateLimited(limit.retry_after_s(self._tat_ms(bucket, latest), now), limit.name)

    def clear(self, limit: Limit, key: str) -> None:
        try:
            bucket = self._bucket(limit, key)
        except Unavailable:
            self._telemetry.count("LimiterFailedOpen")
            return
        if self._database.attempt(RESET_BUCKET, (bucket, self._now_ms())) is None:
            self._telemetry.count("LimiterFailedOpen")

    def _tat_ms(self, bucket: bytes, default: int) -> int:
        rows = self._database.query(SELECT_BUCKET, (bucket,))
        return int(rows[0]["tat_ms"]) if rows else default

    def _bucket(self, limit: Limit, key: str) -> bytes:
        return self._keys.pseudonym(limit.name, key)
