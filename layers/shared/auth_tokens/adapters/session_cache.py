"""The session cache of the authorizer: rows of browser sessions, so that most cookies need no SELECT.

Revocations come from the feed, within its own stated delay (docs/adr/0005).
"""

from dataclasses import dataclass, replace

from auth_tokens.adapters.lru import Lru
from auth_tokens.domain.ages import is_within
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.tokens import TokenStore

# Changes without a revocation are noticed after at most this long: a user disabled in the Portal's table alone,
# labels, preferences, and a rotation of the cookie in another environment.
MAX_AGE_S = 30
MAX_ROWS = 10_000
# While the store is down, not every request should wait for a connection attempt.
RETRY_INTERVAL_S = 1


@dataclass(frozen=True, slots=True)
class _Row:
    record: TokenRecord
    read_at: int


class SessionCache:
    """Port ports.tokens.SessionRows. fail_after_s: how long a row is used while the store is out of reach."""

    def __init__(
        self, store: TokenStore, clock: Clock, *, fail_after_s: int, max_rows: int = MAX_ROWS
    ) -> None:
        self._store = store
        self._clock = clock
        self._fail_after_s = fail_after_s
        self._rows: Lru[bytes, _Row] = Lru(max_rows)
        self._failed_at: int | None = None

    def load(self, session_id: bytes, generation: int) -> TokenRecord | None:
        now = self._clock()
        row = self._rows.get(session_id)
        if (
            row is not None
            and is_within(now, row.read_at, MAX_AGE_S)
            and _is_conclusive(row, generation, now)
        ):
            return row.record
        try:
            record = self._read(session_id, now)
        except Unavailable:
            serves = row is not None and is_within(now, row.read_at, self._fail_after_s)
            if row is None or not serves or not _is_conclusive(row, generation, now):
                raise
            return row.record
        if record is None:
            self._rows.forget(session_id)
        else:
            self._rows.put(session_id, _Row(record, now))
        return record

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        row = self._rows.get(record.id)
        if row is not None:
            touched = replace(row.record, last_used_at=at, expires_at=expires_at)
            self._rows.put(record.id, replace(row, record=touched))
        if is_within(at, self._failed_at, RETRY_INTERVAL_S):
            return
        try:
            self._store.touch(record, at, expires_at)
        except Unavailable:  # a lost update of last_used_at refuses nobody; the next minute writes another
            self._failed_at = self._clock()

    def _read(self, session_id: bytes, now: int) -> TokenRecord | None:
        if is_within(now, self._failed_at, RETRY_INTERVAL_S):
            raise Unavailable("session row")
        try:
            return self._store.load(session_id)
        except Unavailable:
            self._failed_at = self._clock()
            raise


def _is_conclusive(row: _Row, generation: int, now: int) -> bool:
    """Can this row decide about the token? Not if the row is older than the token. Nor if the row was live when it was
    read and its idle timeout passed since: another environment may have extended it."""
    has_ended_since = row.record.is_live(row.read_at) and not row.record.is_live(now)
    return row.record.generation >= generation and not has_ended_since
