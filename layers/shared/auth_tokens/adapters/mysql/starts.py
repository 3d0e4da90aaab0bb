"""auth_user_tokens: starts of sessions, serialised for each user (docs/adr/0019)."""

from collections.abc import Callable, Sequence

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Transaction
from auth_tokens.adapters.mysql.cutoffs import IS_CUT_OFF
from auth_tokens.adapters.mysql.revocation_entries import RECORD_ROWS, RECORD_USER_ROWS
from auth_tokens.adapters.mysql.rows import (
    INSERT_COLUMNS,
    TOKEN,
    live_device_from,
    live_session_from,
    places,
    record_from,
    row_from,
)
from auth_tokens.adapters.mysql.times import clock_us, to_clock, to_sql
from auth_tokens.adapters.mysql.token_table import SINCE_READ, TokenTable
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.domain.event_kinds import earlier_account_revoked
from auth_tokens.domain.sessions import TokenRecord, is_same_account
from auth_tokens.domain.sign_ins import LiveRows, SessionStart, SignIn, SignInOvertaken
from auth_tokens.domain.tokens import TokenKind

_DEVICE_COLUMNS = (
    "scope",
    "generation",
    "token_hash",
    "key_epoch",
    "retry_key_hash",
    "last_used_at",
    "auth_time",
    "jkt",
    "expires_at",
    "absolute_expires_at",
    "metadata",
    "user_created_at",
)

# Two rows: the session's and the device's. Of a known device, created_at, user_id and revoked_at are kept. An existing
# session is not changed. rotated_at of a spent device token is the time at which the device's row is locked, as in
# ROTATE_TOKEN.
INSERT_SESSION_AND_DEVICE = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({places("session_")}), ({places("device_")})
ON DUPLICATE KEY UPDATE
  rotated_at = IF(
    type <> 'device' OR VALUES(generation) = generation,
    rotated_at,
    VALUES(rotated_at) + {SINCE_READ}),
  {", ".join(f"{name} = IF(type = 'device', VALUES({name}), {name})" for name in _DEVICE_COLUMNS)}
"""

# Index: primary key. A session that ended before keeps its reason.
END_SESSIONS = """
UPDATE auth_user_tokens
SET revoke_reason = IF(device_id = %(device_id)s OR id = %(replaced_id)s, 'replaced', 'evicted'), revoked_at = %(at)s
WHERE id IN %(ids)s AND revoked_at IS NULL
"""

# Index: ix_user_type. What an earlier account of the same user id has left.
END_EARLIER_ACCOUNTS = """
UPDATE auth_user_tokens
SET revoked_at = %(at)s, revoke_reason = 'user_deleted'
WHERE user_id = %(user_id)s
  AND type IN ('refresh', 'session', 'device')
  AND revoked_at IS NULL
  AND user_created_at IN %(made_at)s
"""

_NOT_STOPPED = "auth_token_users.stop_number = %(stop_number)s OR auth_token_users.stopped_at < %(now)s"

# Index: primary key of both tables. Takes the user's row (docs/adr/0019), if what the sign-in relies on still holds: an
# active user, the password hash that was verified, and no end of everything since it began. Row count 0: it does not,
# and 1 or 2: the row is ours until the commit, and the Portal's row of the user is held shared.
ADMIT_SIGN_IN = f"""
INSERT INTO auth_token_users (user_id, sign_ins, changed_at)
SELECT %(user_id)s, 1, %(now)s
{{from_user_as_verified}}
ON DUPLICATE KEY UPDATE
  sign_ins = auth_token_users.sign_ins + IF({_NOT_STOPPED}, 1, 0),
  changed_at = IF({_NOT_STOPPED}, VALUES(changed_at), auth_token_users.changed_at)
"""

# Index: ix_user_type. A user's live sessions and devices in short, and the device named whole.
SELECT_LIVE_ROWS = f"""
SELECT t.id, t.type, t.device_id, t.created_at, t.last_used_at, t.user_created_at,
  t.token_hash IS NOT NULL AS is_remembered,
  IF(t.id = %(device_id)s, {TOKEN}, NULL) AS token, IF(t.id = %(device_id)s, t.metadata, NULL) AS metadata
FROM auth_user_tokens AS t
WHERE t.user_id = %(user_id)s
  AND t.type IN ('refresh', 'session', 'device')
  AND t.revoked_at IS NULL
  AND NOT {IS_CUT_OFF}
  AND t.expires_at > %(now)s
{EVERY_ROW}
"""


# Index: primary key. Only where the answer to a commit was lost.
SELECT_DEVICE_OF_SESSION = "SELECT device_id FROM auth_user_tokens WHERE id = %s"


class Starts(TokenTable):
    """The method of TokenStore that inserts rows."""

    def start_session(
        self, sign_in: SignIn, plan: Callable[[LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        made: list[SessionStart] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> SessionStart | TokenServiceError | SignInOvertaken | None:
            is_admitted = statements.execute(self._portal.sql(ADMIT_SIGN_IN), _admission(sign_in)) > 0
            # A commit whose answer was lost counts, even if the session or the user has ended since.
            if made and (there := statements.query(SELECT_DEVICE_OF_SESSION, (sign_in.session_id,))):
                is_ours = there[0]["device_id"] == made[-1].session.device_id
                return made[-1] if is_ours else None
            if not is_admitted:
                return SignInOvertaken()
            live, former = _live_rows(statements, sign_in)
            if former:
                self._end_earlier_accounts(statements, sign_in, former)
            if any(session.id == sign_in.session_id for session in live.sessions):
                return None
            try:
                start = plan(live)
            except TokenServiceError as refusal:
                return refusal
            if start is not None:
                made.append(start)
                self._write(statements, start, live.device)
            return start

        result = self._database.transaction(work)
        if isinstance(result, Exception):
            raise result
        return result

    def _end_earlier_accounts(self, statements: Transaction, sign_in: SignIn, former: Sequence[int]) -> None:
        """Ends the rows that were written for an earlier account with the same user id."""
        parameters = {
            "at": to_sql(sign_in.at),
            "user_id": sign_in.user_id,
            "made_at": [to_clock(made_us) for made_us in former],
        }
        statements.execute(END_EARLIER_ACCOUNTS, parameters)
        statements.execute(RECORD_USER_ROWS, parameters)
        event = earlier_account_revoked(sign_in.user_id, sign_in.at)
        self._events.write(statements, self._events.rows([event]))

    def _write(self, statements: Transaction, start: SessionStart, known: TokenRecord | None) -> None:
        _end_sessions(statements, start)
        rows = row_from(start.session, "session_") | row_from(start.device, "device_")
        # A new device has spent nothing.
        read_at = known.read_at if known else 0
        statements.execute(INSERT_SESSION_AND_DEVICE, {**rows, "read_at": read_at})
        self._events.write(statements, self._events.rows(start.events))


def _admission(sign_in: SignIn) -> dict[str, object]:
    return {
        "user_id": sign_in.user_id,
        "password_hash": sign_in.password_hash,
        "stop_number": sign_in.stop_number,
        "now": to_sql(sign_in.at),
    }


def _live_rows(statements: Transaction, sign_in: SignIn) -> tuple[LiveRows, list[int]]:
    """What the user has; and of rows that an earlier account of the same id has left, when that was made."""
    parameters = {"user_id": sign_in.user_id, "device_id": sign_in.device_id, "now": to_sql(sign_in.at)}
    found = statements.query(SELECT_LIVE_ROWS, parameters)
    made_us = {row["id"]: clock_us(row["user_created_at"]) for row in found}
    rows = [row for row in found if is_same_account(made_us[row["id"]], sign_in.user_created_us)]
    former = {made for row in found if row not in rows and (made := made_us[row["id"]]) is not None}
    devices = [row for row in rows if row["type"] == TokenKind.DEVICE.value]
    named = next(
        (record_from(row["token"], row["metadata"]) for row in devices if row["id"] == sign_in.device_id),
        None,
    )
    live = LiveRows(
        sessions=[live_session_from(row) for row in rows if row not in devices],
        devices=[live_device_from(row) for row in devices],
        device=named,
    )
    return live, sorted(former)


def _end_sessions(statements: Transaction, start: SessionStart) -> None:
    ids = start.ended.ids
    if ids:
        parameters = {
            "device_id": start.session.device_id,
            "replaced_id": start.ended.replaced or b"",  # no id is empty
            "at": to_sql(start.session.created_at),
            "ids": ids,
        }
        if statements.execute(END_SESSIONS, parameters):
            statements.execute(RECORD_ROWS, parameters)
