"""auth_token_limits: GCRA in one statement and no read on the good path (docs/adr/0006)."""

from collections.abc import Callable, Mapping, Sequence

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.domain.errors import RateLimited, Unavailable
from auth_tokens.domain.limits import Limit
from auth_tokens.domain.login_limits import Bucket, Levels, Settlement, Take
from auth_tokens.observability import Telemetry
from auth_tokens.ports.keys import Keys

# A row of each statement below for each bucket that it is about.
_ROWS = {
    "TAKE_BUCKETS": "SELECT %s AS bucket, %s AS fresh_ms, %s AS latest_ms, %s AS beyond_ms, %s AS now_ms,"
    " %s AS step_ms",
    "SETTLE_BUCKETS": "SELECT %s AS bucket, %s AS tat_ms, %s AS refund_ms",
}

# Index: primary key, in its order, so that parallel attempts wait for each other and do not deadlock. All or none
# of the buckets: where one has no room its sum overflows (error 1690), which undoes the whole statement.
TAKE_BUCKETS = f"""
INSERT INTO auth_token_limits (bucket, tat_ms)
SELECT b.bucket, b.fresh_ms
FROM ({_ROWS["TAKE_BUCKETS"]}) AS b
ON DUPLICATE KEY UPDATE
  tat_ms = IF(
    auth_token_limits.tat_ms <= b.latest_ms OR auth_token_limits.tat_ms > b.beyond_ms,
    LEAST(GREATEST(auth_token_limits.tat_ms, b.now_ms), b.latest_ms) + b.step_ms,
    auth_token_limits.tat_ms + 18446744073709551615)
"""
_OVERFLOW = 1690

# Index: primary key, in its order. Each bucket is set to tat_ms, or reduced by what one attempt took (refund_ms).
SETTLE_BUCKETS = f"""
INSERT INTO auth_token_limits (bucket, tat_ms)
SELECT b.bucket, b.tat_ms
FROM ({_ROWS["SETTLE_BUCKETS"]}) AS b
ON DUPLICATE KEY UPDATE
  tat_ms = IF(
    b.refund_ms = 0,
    b.tat_ms,
    GREATEST(auth_token_limits.tat_ms, b.refund_ms) - b.refund_ms)
"""

# Index: primary key.
SELECT_BUCKETS = f"""
SELECT bucket, tat_ms
FROM auth_token_limits
WHERE bucket IN (%s)
{EVERY_ROW}
"""

_MAX_INSTANT_MS = 2**53


class MySqlLimiter:
    """Port ports.limits.AccountLimiter. Fails open: its table being unwritable costs the limit, not the login."""

    def __init__(
        self, database: Database, keys: Keys, telemetry: Telemetry, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._keys = keys
        self._telemetry = telemetry
        self._now_ms = now_ms

    def hit(self, limit: Limit, key: str) -> None:
        bucket, now_ms = Bucket(limit, key), self._now_ms()
        if not self.take([Take(bucket, limit.interval_ms)], now_ms):
            levels = self.levels([bucket]) or Levels(now_ms, {})  # only on refusal, for Retry-After
            raise RateLimited(limit.retry_after_s(levels.tat_ms(bucket), now_ms), limit.name)

    def levels(self, buckets: Sequence[Bucket]) -> Levels | None:
        names = self._names(buckets)
        statement = _in(SELECT_BUCKETS, len(buckets))
        rows = self._database.attempt_query(statement, list(names.values())) if names else None
        if names is None or rows is None:
            self._telemetry.count("LimiterFailedOpen")
            return None
        tats = {bytes(row["bucket"]): int(row["tat_ms"]) for row in rows}
        return Levels(self._now_ms(), {each: tats[name] for each, name in names.items() if name in tats})

    def take(self, takes: Sequence[Take], at_ms: int) -> bool:
        rows = {
            take.bucket: (at_ms + take.step_ms, *_bounds_ms(take, at_ms), at_ms, take.step_ms)
            for take in takes
        }
        return self._write("TAKE_BUCKETS", TAKE_BUCKETS, rows, _OVERFLOW) != 0

    def settle(self, settlements: Sequence[Settlement]) -> None:
        rows = {each.bucket: (each.tat_ms, each.refund_ms) for each in settlements}
        self._write("SETTLE_BUCKETS", SETTLE_BUCKETS, rows)

    def _write(
        self,
        name: str,
        sql: str,
        rows: Mapping[Bucket, tuple[int, ...]],
        refuses_by: int | None = None,
    ) -> int | None:
        """The row count of a statement on several buckets; None, with the metric, where it could not be run."""
        names = self._names(list(rows))
        if names is None:
            self._telemetry.count("LimiterFailedOpen")
            return None
        ordered = sorted((names[bucket], *values) for bucket, values in rows.items())
        union = "\nUNION ALL ".join([_ROWS[name]] * len(ordered))
        parameters = [value for row in ordered for value in row]
        count = self._database.attempt(sql.replace(_ROWS[name], union), parameters, refuses_by)
        if count is None:
            self._telemetry.count("LimiterFailedOpen")
        return count

    def _names(self, buckets: Sequence[Bucket]) -> dict[Bucket, bytes] | None:
        """The keyed hashes of buckets; None where the keys are out of reach."""
        try:
            return {each: self._bucket(each.limit, each.key) for each in buckets}
        except Unavailable:
            return None

    def _bucket(self, limit: Limit, key: str) -> bytes:
        return self._keys.pseudonym(limit.name, key)


def _bounds_ms(take: Take, at_ms: int) -> tuple[int, int]:
    """The TAT up to which there is room for a take, and the one beyond which a bucket is not believed to be full;
    what only notes an attempt always has room."""
    if take.step_ms == 0:
        return _MAX_INSTANT_MS, _MAX_INSTANT_MS
    return at_ms + take.bucket.limit.burst_ms, take.bucket.limit.beyond_ms(at_ms)


def _in(sql: str, count: int) -> str:
    return sql.replace("(%s)", f"({', '.join(['%s'] * count)})")
