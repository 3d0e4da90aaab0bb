"""auth_user_tokens: starts of sessions, serialised for each user (docs/adr/0019)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from auth_tokens.adapters.mysql import standing
from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.adapters.mysql.revocation_entries import RECORD_ROWS, RECORD_USER_ROWS
from auth_tokens.adapters.mysql.rows import INSERT_COLUMNS, places, row_writer
from auth_tokens.adapters.mysql.standing import Standing, make_user_row, read_under_lock
from auth_tokens.adapters.mysql.times import to_clock, to_sql
from auth_tokens.adapters.mysql.token_table import SINCE_READ, TokenTable
from auth_tokens.domain.errors import TokenServiceError
from auth_tokens.domain.event_kinds import earlier_account_revoked
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.sign_ins import KeysChanged, LiveRows, SessionStart, SignIn, SignInOvertaken

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

# Not bound, or bound once for both rows, as each value costs the driver. A device is last used as its session starts.
_OF_BOTH = {name: f"%({name})s" for name in ("user_id", "device_id", "client_id")} | {
    "last_used_at": "%(at)s",
    "revoked_at": "NULL",
    "revoke_reason": "NULL",
}
_NEW = {"generation": "0", "rotated_at": "NULL", "created_at": "%(at)s"}
_OF_A_NEW_SESSION = {**_OF_BOTH, **_NEW}
_OF_ITS_DEVICE = {**_OF_BOTH, "id": "%(device_id)s", "type": "'device'", "access_expires_at": "NULL"}
_OF_ITS_NEW_DEVICE = {
    **_OF_ITS_DEVICE,
    **_NEW,
    "retry_key_hash": "NULL",
    "acr": "''",
    "amr": "''",
    "user_created_at": "%(session_user_created_at)s",
}

# Two rows: the session's and the device's. An existing session is not changed.
INSERT_SESSION_AND_NEW_DEVICE = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({places("session_", _OF_A_NEW_SESSION)}), ({places("device_", _OF_ITS_NEW_DEVICE)})
ON DUPLICATE KEY UPDATE id = VALUES(id)
"""

# The same with a known device, of which created_at, user_id and revoked_at are kept. rotated_at of a spent device token
# is the time at which the device's row is locked, as in ROTATE_TOKEN.
INSERT_SESSION_AND_DEVICE = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({places("session_", _OF_A_NEW_SESSION)}), ({places("device_", _OF_ITS_DEVICE)})
ON DUPLICATE KEY UPDATE
  rotated_at = IF(
    type <> 'device' OR VALUES(generation) = generation,
    rotated_at,
    VALUES(rotated_at) + {SINCE_READ}),
  {", ".join(f"{name} = IF(type = 'device', VALUES({name}), {name})" for name in _DEVICE_COLUMNS)}
"""

_session_from = row_writer("session_", _OF_A_NEW_SESSION)
_device_from = row_writer("device_", _OF_ITS_DEVICE)
_new_device_from = row_writer("device_", _OF_ITS_NEW_DEVICE)

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

# Index: primary key. Only where the answer to a commit was lost.
SELECT_DEVICE_OF_SESSION = "SELECT device_id FROM auth_user_tokens WHERE id = %s"


class _NoUserRow(Exception):
    """There is none to take yet."""


_Result = SessionStart | TokenServiceError | SignInOvertaken | KeysChanged | _NoUserRow | None


class Starts(TokenTable):
    """The method of TokenStore that inserts rows."""

    def start_session(
        self, sign_in: SignIn, plan: Callable[[LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        def planned(statements: Transaction, found: Standing) -> _Result:
            return self._planned(statements, found, sign_in, plan, sign_in.user_created_us)

        return self._started(sign_in, self._portal.sql(standing.read_of(sign_in)), planned)

    def start_session_of(
        self, sign_in: SignIn, plan: Callable[[User, LiveRows], SessionStart | None]
    ) -> SessionStart | None:
        def planned(statements: Transaction, found: Standing) -> _Result:
            user_values, key_stamp, preferences, labels = found.more
            if self._owners.version.see(key_stamp):
                return KeysChanged()
            user = self._portal.owner_by_order_from(user_values, preferences, labels)
            if user is None or user.id != sign_in.user_id:
                return SignInOvertaken()
            return self._planned(statements, found, sign_in, partial(plan, user), user.created_us)

        user_id = self._portal.mapping.users.id_form.canonical(sign_in.user_id)
        if user_id is None:
            raise SignInOvertaken
        if user_id != sign_in.user_id:
            sign_in = replace(sign_in, user_id=user_id)
        read = standing.read_of(sign_in, with_user=True)
        return self._owners.fitted(read, lambda sql: self._started(sign_in, sql, planned))

    def _started(
        self, sign_in: SignIn, sql: str, planned: Callable[[Transaction, Standing], _Result]
    ) -> SessionStart | None:
        made: list[SessionStart] = []  # by an earlier run of this unit, whose commit went unanswered

        def work(statements: Transaction) -> _Result:
            found = read_under_lock(statements, sql, sign_in)
            # A commit whose answer was lost counts, even if the session or the user has ended since.
            if made and (there := statements.query(SELECT_DEVICE_OF_SESSION, (sign_in.session_id,))):
                is_ours = there[0]["device_id"] == made[-1].session.device_id
                return made[-1] if is_ours else None
            if found is None:
                return _NoUserRow()
            if not found.admits(sign_in):
                return SignInOvertaken()
            start = planned(statements, found)
            if isinstance(start, SessionStart):
                made.append(start)
            return start

        result = self._database.transaction(work)
        if isinstance(result, _NoUserRow):
            make_user_row(self._database, self._portal, sign_in)
            result = self._database.transaction(work)
        if isinstance(result, _NoUserRow):
            raise SignInOvertaken
        if isinstance(result, Exception):
            raise result
        return result

    def _planned(
        self,
        statements: Transaction,
        found: Standing,
        sign_in: SignIn,
        plan: Callable[[LiveRows], SessionStart | None],
        user_created_us: int | None,
    ) -> _Result:
        """What `plan` makes of the user's live rows, written; or its refusal."""
        live, former = found.rows_of(user_created_us)
        if former:
            self._end_earlier_accounts(statements, sign_in, former)
        if any(session.id == sign_in.session_id for session in live.sessions):
            return None
        try:
            start = plan(live)
        except TokenServiceError as refusal:
            return refusal
        if start is not None:
            self._write(statements, start, live.device)
        return start

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
        session = start.session
        values = {
            **_session_from(session),
            "user_id": session.user_id,
            "device_id": session.device_id,
            "client_id": session.client_id,
            "at": to_sql(session.created_at),
        }
        if known is None or known.id != session.device_id:
            statements.execute(INSERT_SESSION_AND_NEW_DEVICE, values | _new_device_from(start.device))
        else:
            values |= {**_device_from(start.device), "read_at": known.read_at}
            statements.execute(INSERT_SESSION_AND_DEVICE, values)
        self._events.write(statements, self._events.rows(start.events))


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
