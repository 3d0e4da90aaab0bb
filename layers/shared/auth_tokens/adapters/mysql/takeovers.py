"""auth_token_takeovers, and the Portal's own tokens: a session of the Portal becomes one of ours (docs/adr/0040)."""

from collections.abc import Mapping
from typing import Any, TypeVar

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.adapters.mysql.keys_version import KEYS_VERSION, KeysVersion
from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.portal import OwnerReads
from auth_tokens.adapters.mysql.rows import INSERT_COLUMNS, TOKEN, places, record_from, row_writer
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.sign_ins import SessionStart
from auth_tokens.domain.takeovers import Claim, LegacyFound, LegacyToken, TakeResult

# A token that so many rows of the Portal look like is nobody's.
MAX_FOUND = 8
_Result = TypeVar("_Result", bool, TakeResult)


def _select_legacy_token(row_id: str) -> str:
    return f"""
SELECT {KEYS_VERSION}, claim.token_key IS NOT NULL, IF(t.id IS NULL, NULL, {TOKEN}), t.metadata, {{old_columns}},
  {{owner_columns}}
FROM (SELECT 1 AS presented) AS p
LEFT JOIN auth_token_takeovers AS claim ON claim.token_key = %(token_key)s
LEFT JOIN auth_user_tokens AS t ON t.id = {row_id}
{{owner_join}}
LEFT JOIN {{old_table}} AS old ON {{old_token}} = %(stored)s
LIMIT {MAX_FOUND}
"""


# The statements with `old` are made for a mapping that has tokens of the Portal (adapters.mysql.legacy_table).
# Index: that on the Portal's token; primary key of each other table. One row at least.
SELECT_LEGACY_TOKEN = _select_legacy_token("%(row_id)s")
# The same by the claim, for a token whose kind is not known.
SELECT_CLAIMED_TOKEN = _select_legacy_token("claim.row_id")

# Index: primary key. Comes first in its transaction: of two calls, and of a call and the Portal's own rotation, one
# waits here before it holds anything else. Row count 0: no longer as it was read.
MARK_LEGACY_TOKEN = """
UPDATE {old_table} AS old
SET {old_mark}
WHERE {old_id} = %(old_id)s AND {old_token} = %(stored)s AND {old_is_in_force}
"""

_CLAIM_COLUMNS = "token_key, row_id, user_id, taken_at, keep_until"
_CLAIM = "%(token_key)s, %(row_id)s, %(user_id)s, %(at)s, %(keep_until)s"

# Index: primary key. Row count 0: taken over before.
INSERT_CLAIM = f"""
INSERT INTO auth_token_takeovers ({_CLAIM_COLUMNS})
VALUES ({_CLAIM})
ON DUPLICATE KEY UPDATE token_key = VALUES(token_key)
"""

# Index: primary key of both. Where the Portal's rows may not be written. Row count 0: taken over before, or no longer
# as it was read.
INSERT_CLAIM_OF_UNMARKED = f"""
INSERT INTO auth_token_takeovers ({_CLAIM_COLUMNS})
SELECT {_CLAIM}
FROM {{old_table}} AS old
WHERE {{old_id}} = %(old_id)s AND {{old_token}} = %(stored)s AND {{old_is_in_force}}
ON DUPLICATE KEY UPDATE token_key = VALUES(token_key)
"""

_NOT_STOPPED = "auth_token_users.stopped_at IS NULL OR auth_token_users.stopped_at < %(began_at)s"

# Index: primary key of each table. As ADMIT_SIGN_IN, for a session that began at the Portal: takes the user's row, so
# that it and an end of everything come one after the other. Row count 0: not active, or ended since the session began.
ADMIT_TAKE_OVER = f"""
INSERT INTO auth_token_users (user_id, sign_ins, changed_at)
SELECT %(user_id)s, 1, %(at)s
{{from_user_as_verified}}
  AND {{old_is_of_this_password}}
  AND NOT EXISTS (
    SELECT 1 FROM auth_token_cutoffs AS c
    WHERE c.client_id IN ('', %(client_id)s) AND c.before_at >= %(began_at)s)
ON DUPLICATE KEY UPDATE
  sign_ins = auth_token_users.sign_ins + IF({_NOT_STOPPED}, 1, 0),
  changed_at = IF({_NOT_STOPPED}, VALUES(changed_at), auth_token_users.changed_at)
"""

# The session's row and the device's, both new.
INSERT_TAKEN_OVER = f"""
INSERT INTO auth_user_tokens ({INSERT_COLUMNS})
VALUES ({places("session_")}), ({places("device_")})
"""
_session_from, _device_from = row_writer("session_"), row_writer("device_")


class MySqlTakeovers:
    """Ports Takeovers and LegacyEnds."""

    def __init__(
        self, database: Database, events: EventWriter, version: KeysVersion, table: LegacyTable
    ) -> None:
        self._database = database
        self._events = events
        self._owners = OwnerReads(database, version, table.tables)
        self._table = table

    def look_up(self, token: LegacyToken) -> LegacyFound:
        return self._found(SELECT_LEGACY_TOKEN, token)

    def look_up_claimed(self, token: LegacyToken) -> LegacyFound:
        return self._found(SELECT_CLAIMED_TOKEN, token)

    def _found(self, statement: str, token: LegacyToken) -> LegacyFound:
        values = {"token_key": token.key, "row_id": token.row_id, "stored": token.stored}
        found = self._owners.rows(statement, values)
        is_claimed, row, metadata, *_, owner, labels = found[0]
        record = (
            None if row is None else record_from(row, metadata, self._table.tables.owner_from(owner, labels))
        )
        rows = [self._table.row_from(each[3:-2]) for each in found]
        exact = [each for each in rows if each is not None and each.holds(token.stored)]
        return LegacyFound(bool(is_claimed), record, exact)

    def take(self, claim: Claim, start: SessionStart) -> TakeResult:
        values = self._values(claim, start.session.user_id)
        rows = _session_from(start.session) | _device_from(start.device)
        events = self._events.rows(start.events)

        admit = self._table.tables.sql(ADMIT_TAKE_OVER)

        def work(statements: Transaction) -> TakeResult:
            if not self._claim(statements, values):
                return _undone(statements, TakeResult.CHANGED)
            if not statements.execute(admit, values):
                return _undone(statements, TakeResult.OVER)
            statements.execute(INSERT_TAKEN_OVER, rows)
            self._events.write(statements, events)
            return TakeResult.TAKEN

        return self._database.transaction(work)

    def end_unclaimed(self, claim: Claim, event: SecurityEvent) -> bool:
        values = self._values(claim, claim.row.user_id)
        events = self._events.rows([event])

        def work(statements: Transaction) -> bool:
            if not self._claim(statements, values):
                return _undone(statements, False)
            self._events.write(statements, events)
            return True

        return self._database.transaction(work)

    def _claim(self, statements: Transaction, values: Mapping[str, Any]) -> bool:
        """End the Portal's row and claim its token. False where the transaction must be undone."""
        claims = [INSERT_CLAIM_OF_UNMARKED]
        if self._table.legacy.mark is not None:
            claims = [MARK_LEGACY_TOKEN, INSERT_CLAIM]
        return all(statements.execute(self._table.tables.sql(each), values) == 1 for each in claims)

    def _values(self, claim: Claim, user_id: str | None) -> dict[str, Any]:
        token, row, table = claim.token, claim.row, self._table
        return {
            "token_key": token.key,
            "row_id": token.row_id,
            "user_id": user_id,
            "client_id": table.legacy.client,
            "password_hash": None,
            "at": to_sql(claim.at),
            "keep_until": to_sql(claim.keep_until),
            "began_at": to_sql(claim.began_at),
            "old_id": row.id,
            "stored": row.stored,
            **table.now_values(claim.at),
            **table.made_values(row.created_at or 0),
            **table.mark_values(claim.at),
        }


def _undone(statements: Transaction, result: _Result) -> _Result:
    statements.execute("ROLLBACK")
    return result
