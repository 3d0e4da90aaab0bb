"""The cleanup's deletions: bounded batches in the order of the index that finds them.

A batch that filters by one index and orders by another sorts all candidates every time
(measured 20 times slower); tests/integration reads EXPLAIN to keep it so.
"""

from collections.abc import Callable
from typing import Any

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.ids import uuid7
from auth_tokens.usecases.ports import Purge

# Long enough to be worth a commit, short enough that no refresh waits for it noticeably.
BATCH_ROWS = 1000

# Index: ix_expires_at, walked from its low end.
DELETE_EXPIRED_TOKENS = """
DELETE FROM auth_user_tokens
WHERE expires_at < %s
ORDER BY expires_at
LIMIT %s
"""

# Index: ix_tat_ms. A bucket whose time has passed is as good as none.
DELETE_IDLE_LIMITS = """
DELETE FROM auth_token_limits
WHERE tat_ms < %s
ORDER BY tat_ms
LIMIT %s
"""

# Index: primary key (UUIDv7, so in time order).
DELETE_OLD_EVENTS = """
DELETE FROM auth_token_events
WHERE id < %s
ORDER BY id
LIMIT %s
"""

EVENT_RETENTION_S = 90 * 86400


class BatchedPurge:
    """Port usecases.cleanup.Purge: one statement, one commit."""

    def __init__(self, database: Database, name: str, sql: str, bound: Callable[[int], Any]) -> None:
        self.name = name
        self._database = database
        self._sql = sql
        self._bound = bound

    def delete_batch(self, before: int) -> int:
        return self._database.execute(self._sql, (self._bound(before), BATCH_ROWS))


def purges(database: Database) -> tuple[Purge, ...]:
    """All of them, tokens first: theirs is the debt that grows fastest."""
    return (
        BatchedPurge(database, "auth_user_tokens", DELETE_EXPIRED_TOKENS, to_sql),
        BatchedPurge(database, "auth_token_limits", DELETE_IDLE_LIMITS, lambda before: before * 1000),
        BatchedPurge(database, "auth_token_events", DELETE_OLD_EVENTS, _event_bound),
    )


def _event_bound(before: int) -> bytes:
    return uuid7((before - EVENT_RETENTION_S) * 1000, bytes(10))
