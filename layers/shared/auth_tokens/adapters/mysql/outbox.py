"""auth_token_events as an outbox: which events the bus has yet to get (docs/adr/0015)."""

from collections.abc import Sequence

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.events import EVENT_COLUMNS, OpenDetail, first_id_at, recorded
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.events import RecordedEvent
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


class MySqlOutbox:
    """Port ports.events.Outbox."""

    def __init__(self, database: Database, open_detail: OpenDetail) -> None:
        self._database = database
        self._open = open_detail

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        rows = self._database.query(SELECT_PENDING, (after, first_id_at(before), limit))
        return [recorded(row, self._open) for row in rows]

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        for start in range(0, len(ids), BATCH_EVENTS):
            batch = list(ids[start : start + BATCH_EVENTS])
            filled = batch + batch[-1:] * (BATCH_EVENTS - len(batch))
            self._database.execute(MARK_PUBLISHED, (to_sql(at), *filled))

    def oldest_pending_at(self) -> int | None:
        rows = self._database.query(SELECT_OLDEST_PENDING)
        return from_sql(rows[0]["created_at"]) if rows else None
