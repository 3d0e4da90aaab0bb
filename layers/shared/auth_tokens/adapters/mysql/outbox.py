"""auth_token_events as an outbox: which events the bus has yet to get (docs/adr/0015)."""

from collections.abc import Sequence

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.events import EVENT_COLUMNS, OpenDetail, recorded
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import first_uuid_at
from auth_tokens.domain.outbox import BATCH_EVENTS

# Index: ix_published, whose NULLs come in the order of ids.
SELECT_PENDING = f"""
SELECT {EVENT_COLUMNS}
FROM auth_token_events
WHERE published_at IS NULL
  AND id > %s
  AND id < %s
ORDER BY id
LIMIT %s
"""

# Index: ix_published, its first entry.
SELECT_OLDEST_PENDING = """
SELECT created_at
FROM auth_token_events
WHERE published_at IS NULL
ORDER BY id
LIMIT 1
"""

# Index: primary key. An event that went twice has the later time.
MARK_PUBLISHED = f"""
UPDATE auth_token_events
SET published_at = %s
WHERE id IN ({", ".join(["%s"] * BATCH_EVENTS)})
"""


MAX_PENDING = 10_000
# Index: ix_published, at most LIMIT entries.
COUNT_PENDING = """
SELECT COUNT(*) AS pending
FROM (SELECT 1 FROM auth_token_events WHERE published_at IS NULL LIMIT %s) AS p
"""

MAX_COUNTED = 1_000_000
# Index: primary key range, at most LIMIT rows.
COUNT_EVENTS_OF_SPAN = """
SELECT COUNT(*) AS events
FROM (SELECT 1 FROM auth_token_events WHERE id >= %s AND id < %s ORDER BY id LIMIT %s) AS e
"""

# Index: primary key range.
SELECT_SLICE_END = """
SELECT id
FROM auth_token_events
WHERE id >= %s
  AND id < %s
ORDER BY id
LIMIT 1 OFFSET %s
"""

# Index: primary key range, a slice of it.
REPLAY_SLICE = """
UPDATE auth_token_events
SET published_at = NULL
WHERE id >= %s
  AND id < %s
  AND published_at IS NOT NULL
"""

# Index: primary key. Row count 0: there is no such event, or it has gone.
SKIP_EVENT = """
UPDATE auth_token_events
SET published_at = %s
WHERE id = %s
  AND published_at IS NULL
"""


class MySqlOutbox:
    """Port ports.events.Outbox."""

    def __init__(self, database: Database, open_detail: OpenDetail) -> None:
        self._database = database
        self._open = open_detail

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        rows = self._database.query(SELECT_PENDING, (after, first_uuid_at(before), limit))
        return [recorded(row, self._open) for row in rows]

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        for start in range(0, len(ids), BATCH_EVENTS):
            batch = list(ids[start : start + BATCH_EVENTS])
            filled = batch + batch[-1:] * (BATCH_EVENTS - len(batch))
            self._database.execute(MARK_PUBLISHED, (to_sql(at), *filled))

    def oldest_pending_at(self) -> int | None:
        rows = self._database.query(SELECT_OLDEST_PENDING)
        return from_sql(rows[0]["created_at"]) if rows else None


class MySqlReplays:
    """Port ports.events.Replays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count_pending(self) -> int:
        [row] = self._database.query(COUNT_PENDING, (MAX_PENDING,))
        return int(row["pending"])

    def count(self, after: bytes, before: bytes) -> int:
        [row] = self._database.query(COUNT_EVENTS_OF_SPAN, (after, before, MAX_COUNTED))
        return int(row["events"])

    def replay(self, after: bytes, before: bytes, limit: int) -> bytes | None:
        rows = self._database.query(SELECT_SLICE_END, (after, before, limit))
        end: bytes | None = rows[0]["id"] if rows else None
        self._database.execute(REPLAY_SLICE, (after, end or before))
        return end

    def skip(self, event_id: bytes, at: int) -> bool:
        return self._database.execute(SKIP_EVENT, (to_sql(at), event_id)) == 1
