"""auth_user_tokens: load, rotate, start, revoke. Port usecases.ports.TokenStore."""

from collections.abc import Callable
from dataclasses import replace

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.adapters.mysql.limits import RESET_BUCKET
from auth_tokens.adapters.mysql.portal import IS_ACTIVE_OWNER, OWNER_JOIN
from auth_tokens.adapters.mysql.rows import (
    COLUMNS_WITH_OWNER,
    INSERT_COLUMNS,
    INSERT_PLACES,
    TOKEN_COLUMNS,
    record_from,
    row_from,
)
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import id_from
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.ports import Rotation, SessionStart

# Index: primary key, each join by primary key. At most one row.
SELECT_TOKEN = f"""
SELECT {COLUMNS_WITH_OWNER}
FROM auth_user_tokens AS t
{OWNER_JOIN}
WHERE t.id = %s
"""

# The same; no row also where the access token was revoked on its own.
SELECT_SESSION_UNLESS_DENIED = f"""{SELECT_TOKEN}
AND NOT EXISTS (SELECT 1 FROM auth_user_tokens AS d WHERE d.id = %s AND d.type = 'access')
"""

# Index: primary key, of both tables. Row count 1: spent by us; 0: someone else changed the row, or the
# Portal the user, look again.
ROTATE_TOKEN = f"""
UPDATE auth_user_tokens
SET generation = %s,
    token_hash = %s,
    key_epoch = %s,
    retry_key_hash = %s,
    rotated_at = %s,
    last_used_at = %s,
    expires_at = %s,
    metadata = %s
WHERE id = %s
  AND generation = %s
  AND token_hash = %s
  AND revoked_at IS NULL
  AND expires_at > %s
  AND {IS_ACTIVE_OWNER}
"""

# Index: primary key. Row count 0: revoked or rotated meanwhile, which needs no note.
TOUCH_SESSION = """
UPDATE auth_user_tokens
SET last_used_at = %s, expires_at = %s
WHERE id = %s AND generation = %s AND revoked_at IS NULL
"""

# A unit of work may run twice: the second insert of the same id changes nothing.
INSERT_SESSION = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({INSERT_PLACES})
ON DUPLICATE KEY UPDATE id = VALUES(id)
"""

# A device seen before keeps its birth, its owner and, if it was revoked meanwhile, its end.
UPSERT_DEVICE = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({INSERT_PLACES})
ON DUPLICATE KEY UPDATE
  generation = VALUES(generation),
  token_hash = VALUES(token_hash),
  key_epoch = VALUES(key_epoch),
  retry_key_hash = VALUES(retry_key_hash),
  rotated_at = VALUES(rotated_at),
  last_used_at = VALUES(last_used_at),
  auth_time = VALUES(auth_time),
  expires_at = VALUES(expires_at),
  absolute_expires_at = VALUES(absolute_expires_at),
  metadata = VALUES(metadata)
"""

# Index: primary key; holds the row until the session on it is committed.
LOCK_DEVICE = """
SELECT id
FROM auth_user_tokens
WHERE id = %s AND generation = %s AND revoked_at IS NULL
FOR UPDATE
"""

# Index: ix_user_type. Oldest use first: what gives way comes first.
SELECT_LIVE_SESSION_IDS = """
SELECT id
FROM auth_user_tokens
WHERE user_id = %s
  AND type IN ('refresh', 'session')
  AND revoked_at IS NULL
  AND expires_at > %s
ORDER BY last_used_at, id
"""

# Index: primary key. Row count: how many ended now; a row that ended before keeps its reason.
REVOKE_ROW = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = %s
WHERE id = %s AND revoked_at IS NULL
"""

# Index: ix_device. A device's own row has its id as device_id, too.
REVOKE_DEVICE_ROWS = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = %s
WHERE device_id = %s AND user_id = %s AND revoked_at IS NULL
"""

# Index: ix_device.
REVOKE_DEVICE_SESSIONS = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = %s
WHERE device_id = %s AND type IN ('refresh', 'session') AND revoked_at IS NULL
"""

# Index: ix_user_type.
REVOKE_USER_ROWS = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = %s
WHERE user_id = %s AND type IN ('refresh', 'session', 'device') AND revoked_at IS NULL
"""

# Index: ix_user_type. «Everywhere else» keeps the devices: forgetting one is its own wish.
REVOKE_OTHER_SESSIONS = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = %s
WHERE user_id = %s AND type IN ('refresh', 'session') AND revoked_at IS NULL AND id <> %s
"""

# Index: ix_user_type, then a filesort over one user's few live rows.
SELECT_LIVE_SESSIONS = f"""
SELECT {TOKEN_COLUMNS}
FROM auth_user_tokens AS t
WHERE t.user_id = %s
  AND t.type IN ('refresh', 'session')
  AND t.revoked_at IS NULL
  AND t.expires_at > %s
  AND (t.last_used_at < %s OR (t.last_used_at = %s AND t.id < %s))
ORDER BY t.last_used_at DESC, t.id DESC
LIMIT %s
"""

# Index: ix_user_type, as above.
SELECT_LIVE_DEVICES = f"""
SELECT {TOKEN_COLUMNS}
FROM auth_user_tokens AS t
WHERE t.user_id = %s AND t.type = 'device' AND t.revoked_at IS NULL AND t.expires_at > %s
ORDER BY t.last_used_at DESC, t.id DESC
LIMIT %s
"""

# Index: primary key. Row count 0: not this user's, revoked, or the same bytes again.
SET_DEVICE_METADATA = """
UPDATE auth_user_tokens
SET metadata = %s
WHERE id = %s AND user_id = %s AND type = 'device' AND revoked_at IS NULL
"""

_END_OF_TIME = 2**33
_AFTER_ALL = (_END_OF_TIME, b"\xff" * 16)


class MySqlTokenStore:
    """Port usecases.ports.TokenStore on auth_user_tokens."""

    def __init__(self, database: Database, events: EventWriter) -> None:
        self._database = database
        self._events = events

    def load(self, token_id: bytes) -> TokenRecord | None:
        rows = self._database.query(SELECT_TOKEN, (token_id,))
        return record_from(rows[0]) if rows else None

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        rows = self._database.query(SELECT_SESSION_UNLESS_DENIED, (session_id, jti))
        return record_from(rows[0]) if rows else None

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        return self._database.execute(ROTATE_TOKEN, _rotate_parameters(record, rotation)) == 1

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        parameters = (to_sql(at), to_sql(expires_at), record.id, record.generation)
        self._database.execute(TOUCH_SESSION, parameters)

    def start_session(self, start: SessionStart) -> bool:
        started = self._events.rows(start.events)

        def work(statements: Transaction) -> bool:
            # Taking the account's bucket first makes a user's logins queue up: the limit of
            # sessions then holds however many come at once. It also clears the failures.
            statements.execute(RESET_BUCKET, (start.account_bucket, start.session.created_at * 1000))
            if start.used_device and not _hold_device(statements, *start.used_device):
                return False
            if start.replaces:
                _end_device_sessions(statements, start.session)
            evicted = self._evict(statements, start)
            if start.device:
                statements.execute(UPSERT_DEVICE, row_from(start.device))
            statements.execute(INSERT_SESSION, row_from(start.session))
            self._events.write(statements, started + evicted)
            return True

        return self._database.transaction(work)

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        parameters = (to_sql(event.at), reason.value, token_id)
        return self._revoke_with(event, lambda statements: statements.execute(REVOKE_ROW, parameters)) > 0

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, event: SecurityEvent
    ) -> int:
        parameters = (to_sql(event.at), reason.value, device_id, user_id)
        return self._revoke_with(event, lambda s: s.execute(REVOKE_DEVICE_ROWS, parameters))

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, keep: bytes | None = None
    ) -> int:
        parameters = (to_sql(event.at), reason.value, user_id)
        if keep is None:
            return self._revoke_with(event, lambda s: s.execute(REVOKE_USER_ROWS, parameters))
        return self._revoke_with(event, lambda s: s.execute(REVOKE_OTHER_SESSIONS, (*parameters, keep)))

    def deny_access_token(self, claims: AccessClaims, event: SecurityEvent) -> None:
        denial = _denial(claims, event.at)

        def work(statements: Transaction) -> int:
            return statements.execute(INSERT_SESSION, row_from(denial))

        self._revoke_with(event, work)

    def live_sessions(
        self, user_id: str, now: int, limit: int, after: tuple[int, bytes] | None
    ) -> list[TokenRecord]:
        last_used_at, row_id = after or _AFTER_ALL
        bound = to_sql(last_used_at)
        rows = self._database.query(SELECT_LIVE_SESSIONS, (user_id, to_sql(now), bound, bound, row_id, limit))
        return [record_from(row) for row in rows]

    def live_devices(self, user_id: str, now: int, limit: int) -> list[TokenRecord]:
        rows = self._database.query(SELECT_LIVE_DEVICES, (user_id, to_sql(now), limit))
        return [record_from(row) for row in rows]

    def rename_device(self, device_id: bytes, user_id: str, metadata: bytes) -> bool:
        return self._database.execute(SET_DEVICE_METADATA, (metadata, device_id, user_id)) == 1

    def _revoke_with(self, event: SecurityEvent, revoke: Callable[[Transaction], int]) -> int:
        """Rows end and the event that tells it are one commit; no event where nothing ended."""
        rows = self._events.rows([event])

        def work(statements: Transaction) -> int:
            ended = revoke(statements)
            if ended:
                self._events.write(statements, rows)
            return ended

        return self._database.transaction(work)

    def _evict(self, statements: Transaction, start: SessionStart) -> list[tuple[object, ...]]:
        """Make room for one more session: the least recently used give way. Answers their events."""
        session, now = start.session, to_sql(start.session.created_at)
        live = statements.query(SELECT_LIVE_SESSION_IDS, (session.user_id, now))
        surplus = live[: max(0, len(live) + 1 - start.max_sessions)]
        for row in surplus:
            statements.execute(REVOKE_ROW, (now, RevokeReason.EVICTED.value, row["id"]))
        template = SecurityEvent(EventType.SESSION_EVICTED, session.created_at, session.user_id)
        return self._events.rows([replace(template, session_id=row["id"]) for row in surplus])


def _hold_device(statements: Transaction, record: TokenRecord, rotation: Rotation | None) -> bool:
    if rotation is None:
        return bool(statements.query(LOCK_DEVICE, (record.id, record.generation)))
    return statements.execute(ROTATE_TOKEN, _rotate_parameters(record, rotation)) == 1


def _end_device_sessions(statements: Transaction, session: TokenRecord) -> None:
    parameters = (to_sql(session.created_at), RevokeReason.REPLACED.value, session.device_id)
    statements.execute(REVOKE_DEVICE_SESSIONS, parameters)


def _rotate_parameters(record: TokenRecord, rotation: Rotation) -> tuple[object, ...]:
    at = to_sql(rotation.at)
    return (
        rotation.generation,
        rotation.token_hash,
        rotation.key_epoch,
        rotation.retry_key_hash,
        at,
        at,
        to_sql(rotation.expires_at),
        rotation.metadata,
        record.id,
        record.generation,
        record.token_hash,
        at,
    )


def _denial(claims: AccessClaims, now: int) -> TokenRecord:
    """The row that stands for one revoked access token until it would have expired anyway."""
    jti = id_from(claims.jti or "")
    assert jti is not None
    return TokenRecord(
        id=jti,
        kind=TokenKind.ACCESS,
        user_id=claims.sub,
        device_id=None,
        client_id=claims.client_id,
        scope="",
        generation=0,
        token_hash=None,
        key_epoch=0,
        retry_key_hash=None,
        rotated_at=None,
        created_at=claims.iat,
        last_used_at=now,
        auth_time=claims.auth_time,
        acr="",
        amr=(),
        expires_at=claims.exp,
        absolute_expires_at=claims.exp,
        revoked_at=now,
        revoke_reason=RevokeReason.REVOKED.value,
    )
