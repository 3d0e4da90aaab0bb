"""auth_user_tokens: sessions, devices and access tokens end, each with its events."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.adapters.mysql.cutoffs import began_at
from auth_tokens.adapters.mysql.revocation_entries import RECORD_DEVICE_ROWS, RECORD_ROW, RECORD_USER_ROWS
from auth_tokens.adapters.mysql.rows import INSERT_COLUMNS, places, row_from
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.adapters.mysql.token_table import MAX_INSTANT, TokenTable
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.ends import EVERYTHING, RevocationScope
from auth_tokens.domain.events import RevokeReason, SecurityEvent
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind

# Index: primary key. Holds the user's row, so that a start of a session and this come one after the other.
TAKE_ORDER = """
INSERT INTO auth_token_users (user_id, changed_at)
VALUES (%(user_id)s, %(at)s)
ON DUPLICATE KEY UPDATE changed_at = VALUES(changed_at)
"""

# Index: primary key. The same; a sign-in that is running and began at `stopped_at` or before is refused
# (Standing.admits). The number is the time in milliseconds, or more: it grows also where cleanup took the row, and a
# sign-in that has not read it knows whether it is of later than its own beginning.
STOP_USER = """
INSERT INTO auth_token_users (user_id, stop_number, stopped_at, changed_at)
VALUES (%(user_id)s, %(stop_number)s, %(stopped_at)s, %(at)s)
ON DUPLICATE KEY UPDATE
  stop_number = GREATEST(stop_number + 1, VALUES(stop_number)),
  stopped_at = GREATEST(COALESCE(stopped_at, VALUES(stopped_at)), VALUES(stopped_at)),
  changed_at = VALUES(changed_at)
"""

# Index: primary key. Row count: how many ended now; a row that ended before keeps its reason.
REVOKE_ROW = """
UPDATE auth_user_tokens
SET revoked_at = %(at)s, revoke_reason = %(reason)s
WHERE id = %(id)s AND revoked_at IS NULL
"""

# Index: ix_device. A device's own row has its id as device_id, too.
REVOKE_DEVICE_ROWS = """
UPDATE auth_user_tokens
SET revoked_at = %(at)s, revoke_reason = %(reason)s
WHERE device_id = %(device_id)s AND user_id = %(user_id)s AND revoked_at IS NULL
"""


def _revoke_rows_of_user(types: str) -> str:
    return f"""
UPDATE auth_user_tokens
SET revoked_at = %(at)s, revoke_reason = %(reason)s
WHERE user_id = %(user_id)s
  AND type IN ({types})
  AND revoked_at IS NULL
  AND id NOT IN (%(keep_session)s, %(keep_device)s)
  AND {began_at("auth_user_tokens")} <= %(began_by)s
"""


# Index: ix_user_type.
REVOKE_USER_ROWS = _revoke_rows_of_user("'refresh', 'session', 'device'")
# Index: ix_user_type. The same without the devices.
REVOKE_USER_SESSIONS = _revoke_rows_of_user("'refresh', 'session'")

# Index: primary key of auth_users; ix_user_type.
SELECT_USER_KNOWN = """
SELECT {user_exists}
  OR EXISTS (SELECT 1 FROM auth_user_tokens AS t WHERE t.user_id = %(user_id)s) AS is_known
"""

# A unit of work may run twice: the second insert of the same id changes nothing.
INSERT_DENIAL = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({places()})
ON DUPLICATE KEY UPDATE id = VALUES(id)
"""


class Ends(TokenTable):
    """The methods of TokenStore that end rows."""

    def revoke(self, token_id: bytes, reason: RevokeReason, event: SecurityEvent) -> bool:
        parameters = {"at": to_sql(event.at), "reason": reason.value, "id": token_id}
        revoke = partial(_execute, REVOKE_ROW, parameters)
        return self._revoke_with([event], revoke, partial(_execute, RECORD_ROW, parameters)) > 0

    def revoke_device(
        self, device_id: bytes, user_id: str, reason: RevokeReason, *events: SecurityEvent
    ) -> int:
        at = events[0].at
        parameters = {"at": to_sql(at), "reason": reason.value, "device_id": device_id, "user_id": user_id}

        def revoke(statements: Transaction) -> int:
            _take_order(statements, user_id, at)
            return statements.execute(REVOKE_DEVICE_ROWS, parameters)

        return self._revoke_with(events, revoke, partial(_execute, RECORD_DEVICE_ROWS, parameters))

    def revoke_user(
        self, user_id: str, reason: RevokeReason, event: SecurityEvent, extent: RevocationScope = EVERYTHING
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
            "began_by": to_sql(MAX_INSTANT if extent.began_by is None else extent.began_by),
        }

        def revoke(statements: Transaction) -> int:
            _stop_user(statements, user_id, stopped_at, event.at, self._events.now_ms())
            return statements.execute(statement, parameters)

        return self._revoke_with([event], revoke, partial(_execute, RECORD_USER_ROWS, parameters))

    def knows_user(self, user_id: str) -> bool:
        [row] = self._database.query(self._portal.sql(SELECT_USER_KNOWN), {"user_id": user_id})
        return bool(row["is_known"])

    def deny_access_token(self, claims: AccessClaims, event: SecurityEvent) -> None:
        denial = row_from(_denial(claims, event.at))
        recorded = {"id": denial["id"], "at": denial["revoked_at"]}
        revoke, record = partial(_execute, INSERT_DENIAL, denial), partial(_execute, RECORD_ROW, recorded)
        self._revoke_with([event], revoke, record)

    def _revoke_with(
        self,
        events: Sequence[SecurityEvent],
        revoke: Callable[[Transaction], int],
        record: Callable[[Transaction], int],
    ) -> int:
        """Rows end, are recorded for authorizers, and their events are written, in one commit; nothing where no row
        ended."""
        rows = self._events.rows(events)
        counted: list[int] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> int:
            ended = revoke(statements)
            if ended:
                record(statements)
                self._events.write(statements, rows)
            counted.append(ended)
            return max(counted)

        return self._database.transaction(work)


def _execute(statement: str, parameters: Mapping[str, object], statements: Transaction) -> int:
    return statements.execute(statement, parameters)


def _take_order(statements: Transaction, user_id: str, now: int) -> None:
    """Locks the user's row: until the commit no other transaction starts or ends sessions of this user. Must come
    first."""
    statements.execute(TAKE_ORDER, {"user_id": user_id, "at": to_sql(now)})


def _stop_user(statements: Transaction, user_id: str, stopped_at: int, now: int, now_ms: int) -> None:
    """The same, and sign-ins that are running and began at `stopped_at` or before are refused."""
    parameters = {
        "user_id": user_id,
        "stop_number": now_ms,
        "stopped_at": to_sql(stopped_at),
        "at": to_sql(now),
    }
    statements.execute(STOP_USER, parameters)


def _denial(claims: AccessClaims, now: int) -> TokenRecord:
    """The row that stands for one revoked access token until it would have expired anyway."""
    return TokenRecord(
        id=claims.token_id,
        kind=TokenKind.ACCESS,
        user_id=claims.sub,
        device_id=None,
        client_id=claims.client_id,
        created_at=claims.iat,
        last_used_at=now,
        auth_time=claims.auth_time,
        expires_at=claims.exp,
        absolute_expires_at=claims.exp,
        revoked_at=now,
        revoke_reason=RevokeReason.REVOKED.value,
    )
