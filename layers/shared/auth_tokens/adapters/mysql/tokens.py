"""auth_user_tokens: load, rotate, start, revoke. Port ports.tokens.TokenStore."""

from collections.abc import Callable, Sequence

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Transaction
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.adapters.mysql.key_stamp import KEY_STAMP, KeyStamp
from auth_tokens.adapters.mysql.portal import FROM_USER_AS_VERIFIED, OWNER_JOIN, is_active, is_user
from auth_tokens.adapters.mysql.rows import (
    COLUMNS_WITH_OWNER,
    INSERT_COLUMNS,
    INSERT_PLACES,
    TOKEN_COLUMNS,
    live_device_from,
    live_session_from,
    record_from,
    row_from,
)
from auth_tokens.adapters.mysql.times import clock_us, to_clock, to_sql
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.ends import EVERYTHING, Extent
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import id_from
from auth_tokens.domain.lists import DevicePlace, SessionOnDevice
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import DEVICE_ACR, TokenRecord, is_same_account
from auth_tokens.domain.sign_ins import SessionStart, SignIn, SignInOvertaken, Standing
from auth_tokens.domain.tokens import TokenKind

# Index: primary key, each join by primary key. At most one row. read_at: by the server's clock, for ROTATE_TOKEN.
SELECT_TOKEN = f"""
SELECT {KEY_STAMP}, {COLUMNS_WITH_OWNER}, UNIX_TIMESTAMP(NOW(6)) AS read_at
FROM auth_user_tokens AS t
{OWNER_JOIN}
WHERE t.id = %s
"""

# The same; no row also where the access token was revoked on its own.
SELECT_SESSION_UNLESS_DENIED = f"""{SELECT_TOKEN}
AND NOT EXISTS (SELECT 1 FROM auth_user_tokens AS d WHERE d.id = %s AND d.type = 'access')
"""

# The time since a row was read, by the server's clock: what a statement, or a frozen function, has waited.
_SINCE_READ = "INTERVAL ROUND(1000000 * GREATEST(0, UNIX_TIMESTAMP(SYSDATE(6)) - %s)) MICROSECOND"

# Index: primary key, of both tables. Row count 1: spent by us; 0: someone else changed the row, the Portal the user, or
# the statement came too late, look again. A statement that waits for a lock outlives the client that gave it up.
# SYSDATE is when the row is looked at, behind the lock, and not when the statement came. So nothing is spent after the
# client's patience, and the retry window opens when the token is spent: as long after `at` as the row was read before.
ROTATE_TOKEN = f"""
UPDATE auth_user_tokens
SET generation = %s,
    token_hash = %s,
    key_epoch = %s,
    retry_key_hash = %s,
    rotated_at = %s + {_SINCE_READ},
    last_used_at = %s,
    expires_at = %s,
    metadata = %s
WHERE id = %s
  AND generation = %s
  AND token_hash = %s
  AND revoked_at IS NULL
  AND expires_at > %s
  AND absolute_expires_at > %s
  AND UNIX_TIMESTAMP(SYSDATE(6)) < %s
  AND {is_active("auth_user_tokens.user_id")}
"""

# Index: primary key. Row count 0: revoked or rotated meanwhile, or noted by another environment less than
# a minute ago, which needs no note.
TOUCH_SESSION = """
UPDATE auth_user_tokens
SET last_used_at = %s, expires_at = %s
WHERE id = %s AND generation = %s AND revoked_at IS NULL AND last_used_at <= %s
"""

_IN_SHORT = ("id", "type", "user_id", "device_id", "created_at", "last_used_at", "user_created_at")
_OF_THE_DEVICE_NAMED = ", ".join(
    f"IF(t.id = %(device_id)s, t.{name}, NULL) AS {name}"
    for name in INSERT_COLUMNS.replace("\n", "").replace(" ", "").split(",")
    if name not in _IN_SHORT
)

# A unit of work may run twice: the second insert of the same id changes nothing.
INSERT_SESSION = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({INSERT_PLACES})
ON DUPLICATE KEY UPDATE id = VALUES(id)
"""

_DEVICE_COLUMNS = (
    "scope",
    "generation",
    "token_hash",
    "key_epoch",
    "retry_key_hash",
    "last_used_at",
    "auth_time",
    "expires_at",
    "absolute_expires_at",
    "metadata",
    "user_created_at",
)

# Of two rows, one is the device's: seen before, it keeps its birth, its owner and, if it was revoked
# meanwhile, its end. A session that is there already is left as it is. A device token that is spent is so when the
# device's row is ours, as in ROTATE_TOKEN.
INSERT_SESSION_AND_DEVICE = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({INSERT_PLACES}), ({INSERT_PLACES})
ON DUPLICATE KEY UPDATE
  rotated_at = IF(
    type <> 'device' OR VALUES(generation) = generation,
    rotated_at,
    VALUES(rotated_at) + {_SINCE_READ}),
  {", ".join(f"{name} = IF(type = 'device', VALUES({name}), {name})" for name in _DEVICE_COLUMNS)}
"""

# Index: primary key. A session that ended before keeps its reason.
END_SESSIONS = """
UPDATE auth_user_tokens
SET revoke_reason = IF(device_id = %s OR id = %s, 'replaced', 'evicted'), revoked_at = %s
WHERE id IN (%s) AND revoked_at IS NULL
"""

# Index: ix_user_type. What an earlier account of the same user id has left.
END_EARLIER_ACCOUNTS = """
UPDATE auth_user_tokens
SET revoked_at = %s, revoke_reason = 'user_deleted'
WHERE user_id = %s
  AND type IN ('refresh', 'session', 'device')
  AND revoked_at IS NULL
  AND user_created_at IN (%s)
"""

_NOT_STOPPED = "auth_token_users.stop_number = %(stop_number)s OR auth_token_users.stopped_at < %(now)s"

# Index: primary key of both tables. Takes the user's row (docs/adr/0019), if what the sign-in relies on still holds: an
# active user, the password hash that was verified, and no end of everything since it began. Row count 0: it does not,
# and 1 or 2: the row is ours until the commit, and the Portal's row of the user is held shared.
ADMIT_SIGN_IN = f"""
INSERT INTO auth_token_users (user_id, sign_ins, changed_at)
SELECT %(user_id)s, 1, %(now)s
{FROM_USER_AS_VERIFIED}
ON DUPLICATE KEY UPDATE
  sign_ins = auth_token_users.sign_ins + IF({_NOT_STOPPED}, 1, 0),
  changed_at = IF({_NOT_STOPPED}, VALUES(changed_at), auth_token_users.changed_at)
"""

# Index: ix_user_type. A user's live sessions and devices in short, and the device named whole. read_at: as in
# SELECT_TOKEN.
SELECT_STANDING = f"""
SELECT t.id, t.type, t.user_id, t.device_id, t.created_at, t.last_used_at, t.user_created_at,
  t.token_hash IS NOT NULL AS is_remembered, UNIX_TIMESTAMP(NOW(6)) AS read_at,
  {_OF_THE_DEVICE_NAMED}
FROM auth_user_tokens AS t
WHERE t.user_id = %(user_id)s
  AND t.type IN ('refresh', 'session', 'device')
  AND t.revoked_at IS NULL
  AND t.expires_at > %(now)s
{EVERY_ROW}
"""

# Index: primary key, each join by primary key. At most one row.
SELECT_DEVICE = f"""
SELECT {KEY_STAMP}, {COLUMNS_WITH_OWNER},
  COALESCE((SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = t.user_id), 0) AS stop_number
FROM auth_user_tokens AS t
{OWNER_JOIN}
WHERE t.id = %s
"""

# Index: primary key. Holds the user's row, so that a start of a session and this come one after the other.
TAKE_ORDER = """
INSERT INTO auth_token_users (user_id, changed_at)
VALUES (%s, %s)
ON DUPLICATE KEY UPDATE changed_at = VALUES(changed_at)
"""

# Index: primary key. The same; a sign-in that is running and began at `stopped_at` or before is refused
# (ADMIT_SIGN_IN). The number starts at the time in milliseconds, so that it grows also where cleanup took the row.
STOP_USER = """
INSERT INTO auth_token_users (user_id, stop_number, stopped_at, changed_at)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE
  stop_number = GREATEST(stop_number + 1, VALUES(stop_number)),
  stopped_at = GREATEST(COALESCE(stopped_at, VALUES(stopped_at)), VALUES(stopped_at)),
  changed_at = VALUES(changed_at)
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


def _revoke_rows_of_user(types: str) -> str:
    """Began: a device with its latest remembering; a session that a device token opened with that device's, since
    the token is all it is founded on."""
    return f"""
UPDATE auth_user_tokens
SET revoked_at = %(at)s, revoke_reason = %(reason)s
WHERE user_id = %(user_id)s
  AND type IN ({types})
  AND revoked_at IS NULL
  AND id NOT IN (%(keep_session)s, %(keep_device)s)
  AND CASE
        WHEN type = 'device' THEN GREATEST(created_at, auth_time)
        WHEN acr = '{DEVICE_ACR}' THEN auth_time
        ELSE created_at
      END <= %(began_by)s
"""


# Index: ix_user_type.
REVOKE_USER_ROWS = _revoke_rows_of_user("'refresh', 'session', 'device'")
# Index: ix_user_type. The same without the devices.
REVOKE_USER_SESSIONS = _revoke_rows_of_user("'refresh', 'session'")

# Index: primary key of auth_users; ix_user_type.
SELECT_USER_KNOWN = f"""
SELECT {is_user("%(user_id)s")}
  OR EXISTS (SELECT 1 FROM auth_user_tokens AS t WHERE t.user_id = %(user_id)s) AS is_known
"""

# Index: ix_user_type, then a filesort over one user's few rows; the devices by primary key. Two lists in one
# look: what ended by reuse, at most so many, and a page of what is live.
SELECT_SESSIONS = f"""
(SELECT {TOKEN_COLUMNS}, d.metadata AS device_metadata, d.generation AS device_generation
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = t.device_id
WHERE t.user_id = %s
  AND t.type IN ('refresh', 'session')
  AND t.revoke_reason = 'reuse'
  AND t.revoked_at >= %s
ORDER BY t.revoked_at DESC, t.id DESC
LIMIT %s)
UNION ALL
(SELECT {TOKEN_COLUMNS}, d.metadata AS device_metadata, d.generation AS device_generation
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = t.device_id
WHERE t.user_id = %s
  AND t.type IN ('refresh', 'session')
  AND t.revoked_at IS NULL
  AND t.expires_at > %s
  AND (t.last_used_at < %s OR (t.last_used_at = %s AND t.id < %s))
ORDER BY t.last_used_at DESC, t.id DESC
LIMIT %s)
{EVERY_ROW}
"""

# Index: ix_user_type, as above. Those that hold a token come first.
SELECT_LIVE_DEVICES = f"""
SELECT {TOKEN_COLUMNS}
FROM auth_user_tokens AS t
WHERE t.user_id = %(user_id)s
  AND t.type = 'device'
  AND t.revoked_at IS NULL
  AND t.expires_at > %(now)s
  AND (
    (t.token_hash IS NULL) > %(without_token)s
    OR (t.token_hash IS NULL) = %(without_token)s
      AND (t.last_used_at < %(last_used_at)s OR t.last_used_at = %(last_used_at)s AND t.id < %(id)s))
ORDER BY t.token_hash IS NULL, t.last_used_at DESC, t.id DESC
LIMIT %(limit)s
"""

# Index: primary key. Row count 0: revoked, or used and so encrypted for another generation meanwhile.
SET_DEVICE_METADATA = """
UPDATE auth_user_tokens
SET metadata = %s
WHERE id = %s AND generation = %s AND type = 'device' AND revoked_at IS NULL
"""

# For the commit and its answer, within the client's patience.
ANSWER_S = 0.5
# Of the sessions that ended by reuse: evidence for their owner, not a history.
MAX_REUSED = 10
_END_OF_TIME = 2**33
_AFTER_ALL = (_END_OF_TIME, b"\xff" * 16)
_BEFORE_ALL_DEVICES = DevicePlace(is_remembered=True, last_used_at=_END_OF_TIME, id=b"\xff" * 16)


class MySqlTokenStore:
    """Port ports.tokens.TokenStore on auth_user_tokens. stamp: told with each row whether the keys have changed."""

    def __init__(self, database: Database, events: EventWriter, stamp: KeyStamp) -> None:
        self._database = database
        self._stamp = stamp
        self._events = events

    def load(self, token_id: bytes) -> TokenRecord | None:
        rows = self._database.query(SELECT_TOKEN, (token_id,))
        self._stamp.see(rows)
        return record_from(rows[0]) if rows else None

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        rows = self._database.query(SELECT_SESSION_UNLESS_DENIED, (session_id, jti))
        self._stamp.see(rows)
        return record_from(rows[0]) if rows else None

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        parameters = _rotate_parameters(record, rotation, self._database.patience_s)
        if not rotation.events:
            return self._database.execute(ROTATE_TOKEN, parameters) == 1
        rows = self._events.rows(rotation.events)

        def work(statements: Transaction) -> bool:
            is_ours = statements.execute(ROTATE_TOKEN, parameters) == 1
            if is_ours:
                self._events.write(statements, rows)
            return is_ours

        return self._database.transaction(work)

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        unless_noted_after = to_sql(at - TOUCH_INTERVAL_S)
        parameters = (to_sql(at), to_sql(expires_at), record.id, record.generation, unless_noted_after)
        self._database.execute(TOUCH_SESSION, parameters)

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        rows = self._database.query(SELECT_DEVICE, (device_id,))
        self._stamp.see(rows)
        return (record_from(rows[0]), rows[0]["stop_number"]) if rows else None

    def start_session(
        self, sign_in: SignIn, plan: Callable[[Standing], SessionStart | None]
    ) -> SessionStart | None:
        made: list[SessionStart] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> SessionStart | TokenServiceError | SignInOvertaken | None:
            is_admitted = statements.execute(ADMIT_SIGN_IN, _admission(sign_in)) > 0
            # Done is done, even if the session, or the user, has ended since.
            if made and (there := statements.query(SELECT_TOKEN, (sign_in.session_id,))):
                is_ours = there[0]["device_id"] == made[-1].session.device_id
                return made[-1] if is_ours else None
            if not is_admitted:
                return SignInOvertaken()
            standing, former = _standing(statements, sign_in)
            if former:
                self._end_earlier_accounts(statements, sign_in, former)
            if any(session.id == sign_in.session_id for session in standing.sessions):
                return None
            try:
                start = plan(standing)
            except TokenServiceError as refusal:
                return refusal
            if start is not None:
                made.append(start)
                self._write(statements, start, standing.device)
            return start

        result = self._database.transaction(work)
        if isinstance(result, Exception):
            raise result
        return result

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        parameters = (to_sql(event.at), reason.value, token_id)
        return self._revoke_with([event], lambda s: s.execute(REVOKE_ROW, parameters)) > 0

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, *events: SecurityEvent
    ) -> int:
        at = events[0].at
        parameters = (to_sql(at), reason.value, device_id, user_id)

        def revoke(statements: Transaction) -> int:
            _take_order(statements, user_id, at)
            return statements.execute(REVOKE_DEVICE_ROWS, parameters)

        return self._revoke_with(events, revoke)

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, extent: Extent = EVERYTHING
    ) -> int:
        stopped_at = event.at if extent.began_by is None else extent.began_by
        statement = REVOKE_USER_SESSIONS if extent.keep_devices else REVOKE_USER_ROWS
        parameters = {
            "at": to_sql(event.at),
            "reason": reason.value,
            "user_id": user_id,
            # No id is empty.
            "keep_session": extent.keep_session or b"",
            "keep_device": extent.keep_device or b"",
            "began_by": to_sql(_END_OF_TIME if extent.began_by is None else extent.began_by),
        }

        def revoke(statements: Transaction) -> int:
            _stop_user(statements, user_id, stopped_at, event.at)
            return statements.execute(statement, parameters)

        return self._revoke_with([event], revoke)

    def knows_user(self, user_id: str) -> bool:
        [row] = self._database.query(SELECT_USER_KNOWN, {"user_id": user_id})
        return bool(row["is_known"])

    def deny_access_token(self, claims: AccessClaims, event: SecurityEvent) -> None:
        denial = _denial(claims, event.at)

        def work(statements: Transaction) -> int:
            return statements.execute(INSERT_SESSION, row_from(denial))

        self._revoke_with([event], work)

    def session_list(
        self, user_id: str, now: int, limit: int, after: tuple[int, bytes] | None, reused_since: int
    ) -> list[SessionOnDevice]:
        reused = (user_id, to_sql(reused_since), 0 if after else MAX_REUSED)
        last_used_at, row_id = after or _AFTER_ALL
        bound = to_sql(last_used_at)
        live = (user_id, to_sql(now), bound, bound, row_id, limit)
        rows = self._database.query(SELECT_SESSIONS, (*reused, *live))
        return [
            SessionOnDevice(record_from(row), row["device_metadata"], row["device_generation"])
            for row in rows
        ]

    def live_devices(
        self, user_id: str, now: int, limit: int, after: DevicePlace | None
    ) -> list[TokenRecord]:
        place = after or _BEFORE_ALL_DEVICES
        parameters = {
            "user_id": user_id,
            "now": to_sql(now),
            "without_token": int(not place.is_remembered),
            "last_used_at": to_sql(place.last_used_at),
            "id": place.id,
            "limit": limit,
        }
        return [record_from(row) for row in self._database.query(SELECT_LIVE_DEVICES, parameters)]

    def rename_device(self, device: TokenRecord, metadata: bytes) -> bool:
        return self._database.execute(SET_DEVICE_METADATA, (metadata, device.id, device.generation)) == 1

    def _revoke_with(self, events: Sequence[SecurityEvent], revoke: Callable[[Transaction], int]) -> int:
        """Rows end and the events that tell it are one commit; no event where nothing ended."""
        rows = self._events.rows(events)
        counted: list[int] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> int:
            ended = revoke(statements)
            if ended:
                self._events.write(statements, rows)
            counted.append(ended)
            return max(counted)

        return self._database.transaction(work)

    def _end_earlier_accounts(self, statements: Transaction, sign_in: SignIn, former: Sequence[int]) -> None:
        """Who is signing in is another person than whom these rows were written for."""
        sql = _for_ids(END_EARLIER_ACCOUNTS, len(former))
        statements.execute(sql, (to_sql(sign_in.at), sign_in.user_id, *map(to_clock, former)))
        detail: dict[str, str | int] = {"reason": RevokeReason.USER_DELETED.value}
        event = SecurityEvent(EventType.USER_REVOKED, sign_in.at, sign_in.user_id, detail=detail)
        self._events.write(statements, self._events.rows([event]))

    def _write(self, statements: Transaction, start: SessionStart, known: TokenRecord | None) -> None:
        _end_sessions(statements, start)
        rows = (*row_from(start.session), *row_from(start.device))
        # A new device has spent nothing.
        statements.execute(INSERT_SESSION_AND_DEVICE, (*rows, known.read_at if known else 0))
        self._events.write(statements, self._events.rows(start.events))


def _admission(sign_in: SignIn) -> dict[str, object]:
    return {
        "user_id": sign_in.user_id,
        "password_hash": sign_in.password_hash,
        "stop_number": sign_in.stop_number,
        "now": to_sql(sign_in.at),
    }


def _standing(statements: Transaction, sign_in: SignIn) -> tuple[Standing, list[int]]:
    """What the user has; and of rows that an earlier account of the same id has left, when that was made."""
    parameters = {"user_id": sign_in.user_id, "device_id": sign_in.device_id, "now": to_sql(sign_in.at)}
    found = statements.query(SELECT_STANDING, parameters)
    made_us = {row["id"]: clock_us(row["user_created_at"]) for row in found}
    rows = [row for row in found if is_same_account(made_us[row["id"]], sign_in.user_created_us)]
    former = {made for row in found if row not in rows and (made := made_us[row["id"]]) is not None}
    devices = [row for row in rows if row["type"] == TokenKind.DEVICE.value]
    named = next((record_from(row) for row in devices if row["id"] == sign_in.device_id), None)
    standing = Standing(
        sessions=[live_session_from(row) for row in rows if row not in devices],
        devices=[live_device_from(row) for row in devices],
        device=named,
    )
    return standing, sorted(former)


def _take_order(statements: Transaction, user_id: str, now: int) -> None:
    """From here to the commit, nobody else starts or ends sessions of this user. Comes first in its transaction."""
    statements.execute(TAKE_ORDER, (user_id, to_sql(now)))


def _stop_user(statements: Transaction, user_id: str, stopped_at: int, now: int) -> None:
    """The same, and sign-ins that are running and began at `stopped_at` or before are refused."""
    statements.execute(STOP_USER, (user_id, now * 1000, to_sql(stopped_at), to_sql(now)))


def _end_sessions(statements: Transaction, start: SessionStart) -> None:
    ids = start.ended.ids
    if ids:
        at = to_sql(start.session.created_at)
        # No id is empty.
        parameters = (start.session.device_id, start.ended.replaced or b"", at, *ids)
        statements.execute(_for_ids(END_SESSIONS, len(ids)), parameters)


def _for_ids(sql: str, count: int) -> str:
    """A statement on one id as one on several: a place for each, as values are never formatted in."""
    return sql.replace("IN (%s)", f"IN ({', '.join(['%s'] * count)})")


def _rotate_parameters(record: TokenRecord, rotation: Rotation, patience_s: float) -> tuple[object, ...]:
    at = to_sql(rotation.at)
    assert record.read_at is not None
    return (
        rotation.generation,
        rotation.token_hash,
        rotation.key_epoch,
        rotation.retry_key_hash,
        at,
        record.read_at,
        at,
        to_sql(rotation.expires_at),
        rotation.metadata,
        record.id,
        record.generation,
        record.token_hash,
        at,
        at,
        record.read_at + patience_s - ANSWER_S,
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
