"""A user as a start of a session finds them: their row in auth_token_users, taken until the commit, and what lives."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.cutoffs import CUTOFFS_BEHIND_LOCK, are_covering, cutoffs_from
from auth_tokens.adapters.mysql.keys_version import KEYS_STAMP_BEHIND_LOCK
from auth_tokens.adapters.mysql.portal import PortalTables, parsed
from auth_tokens.adapters.mysql.rows import TOKEN_BEHIND_LOCK, bytes_of, record_from
from auth_tokens.adapters.mysql.times import clock_us_of, from_text, from_text_or_null, to_sql
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, began_at, is_same_account
from auth_tokens.domain.sign_ins import LiveRows, SignIn
from auth_tokens.domain.tokens import TokenKind

# Index: primary key of each table. Makes the row that READ_UNDER_LOCK takes. Row count 0: it is there, or the user is
# not as verified.
MAKE_USER_ROW = """
INSERT INTO auth_token_users (user_id, changed_at)
SELECT %(user_id)s, %(now)s
{from_user_as_verified}
ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)
"""

# Of a live row, in the order in which Standing.rows_of takes them.
_LIVE_ROW = """t.type, HEX(t.device_id), t.created_at, t.last_used_at, t.user_created_at, t.token_hash IS NOT NULL,
      t.client_id, t.acr, t.auth_time"""
# The same where a device is named, which is whole.
_LIVE_ROW_OR_DEVICE = f"""{_LIVE_ROW},
      IF(t.id = %(device_id)s, CAST({TOKEN_BEHIND_LOCK} AS CHAR), NULL),
      IF(t.id = %(device_id)s, HEX(t.metadata), NULL)"""

# Index: primary keys, and ix_user_type. Takes the user's row (docs/adr/0019) and reads what the start rests on: is the
# user active, with the password hash that was verified (the Portal's row is held shared until the commit), the last end
# of everything, and what lives. No row: there is none to take yet.
#
# Each subquery uses a value of the locked row, so it is evaluated behind the wait for it: MariaDB would evaluate
# another one before, and lock what it reads. They are the transaction's first consistent read, so they see all that was
# committed by then (docs/adr/0044). They lock no session, as those are refreshed. All is one column, as each costs the
# driver more than what is in it (docs/adr/0035). Live rows are the names of an object: MariaDB cuts an array at
# group_concat_max_len. Which of them a cut-off covers is compared in Python: a subquery for each row takes longer than
# three values more of it.


def _read_under_lock(verified: str, live_row: str, more: str = "") -> str:
    return f"""
SELECT JSON_ARRAY(
    {verified},
    o.stop_number, o.stopped_at,
    {CUTOFFS_BEHIND_LOCK},
    (SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(t.id), JSON_ARRAY({live_row})))
      FROM auth_user_tokens AS t
      WHERE t.user_id = o.user_id
        AND t.type IN ('refresh', 'session', 'device')
        AND t.revoked_at IS NULL
        AND t.expires_at > %(now)s){more}) AS standing
FROM auth_token_users AS o
WHERE o.user_id = %(user_id)s
FOR UPDATE
"""


_IS_VERIFIED = "(SELECT COUNT(*) + 0 * o.stop_number {from_user_as_verified} LOCK IN SHARE MODE)"
# The same and the user, for a start that has not read the account. Neither their preferences nor labels are locked.
_USER = "{user_as_verified}"
_OF_THE_USER = f",\n    {KEYS_STAMP_BEHIND_LOCK},\n    {{preferences_by_order}},\n    {{labels_by_order}}"

READ_UNDER_LOCK = _read_under_lock(_IS_VERIFIED, _LIVE_ROW)
READ_UNDER_LOCK_WITH_DEVICE = _read_under_lock(_IS_VERIFIED, _LIVE_ROW_OR_DEVICE)
READ_USER_UNDER_LOCK = _read_under_lock(_USER, _LIVE_ROW, _OF_THE_USER)
READ_USER_UNDER_LOCK_WITH_DEVICE = _read_under_lock(_USER, _LIVE_ROW_OR_DEVICE, _OF_THE_USER)


@dataclass(frozen=True, slots=True)
class Standing:
    """stop_number, stopped_at: of the last end of everything, 0 and None before the first. more: the values of _USER
    but for its first, and of _OF_THE_USER, where the statement has them."""

    is_as_verified: bool
    stop_number: int
    stopped_at: int | None
    more: Sequence[Any]
    _rows: Sequence[tuple[str, Sequence[Any]]] = field(repr=False)
    _cutoffs: Mapping[str, int] = field(repr=False)

    def admits(self, sign_in: SignIn) -> bool:
        """Do the conditions of the sign-in still hold? An end of everything that it does not know of refuses it, unless
        that concerns only what began earlier."""
        is_known = self.stop_number <= sign_in.stop_number
        is_earlier = self.stopped_at is not None and self.stopped_at < sign_in.at
        return self.is_as_verified and (is_known or is_earlier)

    def rows_of(self, user_created_us: int | None) -> tuple[LiveRows, Sequence[int]]:
        """What the user has; and of rows that an earlier account of the same id has left, when that was made."""
        sessions: list[LiveSession] = []
        devices: list[LiveDevice] = []
        named: TokenRecord | None = None
        former: set[int] = set()
        for row_id, row in self._rows:
            if self._cutoffs and self._is_cut_off(row):
                continue
            kind, device_id, created_at, used_at, user_created_at, has_token, _, _, _, *whole = row
            made_us = clock_us_of(user_created_at)
            if made_us is not None and not is_same_account(made_us, user_created_us):
                former.add(made_us)
            elif kind == TokenKind.DEVICE.value:
                devices.append(LiveDevice(bytes.fromhex(row_id), bool(has_token), from_text(used_at)))
                named = _whole(*whole) or named
            else:
                on_device = bytes_of(device_id)
                sessions.append(
                    LiveSession(bytes.fromhex(row_id), on_device, from_text(created_at), from_text(used_at))
                )
        return LiveRows(sessions, devices, named), sorted(former)

    def _is_cut_off(self, row: Sequence[Any]) -> bool:
        kind, _, created_at, _, _, _, client_id, acr, auth_time, *_ = row
        began = began_at(TokenKind(kind), acr, from_text(created_at), from_text(auth_time))
        return are_covering(self._cutoffs, client_id, began)


def read_of(sign_in: SignIn, *, with_user: bool = False) -> str:
    """The statement for a sign-in: a device's whole row is read only where one is named."""
    if sign_in.device_id is None:
        return READ_USER_UNDER_LOCK if with_user else READ_UNDER_LOCK
    return READ_USER_UNDER_LOCK_WITH_DEVICE if with_user else READ_UNDER_LOCK_WITH_DEVICE


def read_under_lock(statements: Transaction, sql: str, sign_in: SignIn) -> Standing | None:
    """Takes the user's row until the commit: no other transaction starts sessions of this user, or ends several. None:
    there is none. sql: that of read_of, for a mapping. Raises Unavailable where the server cut what lives,
    UnknownColumn."""
    found = statements.rows(sql, _parameters(sign_in))
    return _standing(*found[0]) if found else None


def make_user_row(database: Database, portal: PortalTables, sign_in: SignIn) -> None:
    """The row that read_under_lock takes, if the Portal has such a user. A statement of its own: within the transaction
    that has found none, two users' first sign-ins would each wait for the gap that the other one holds."""
    database.execute(portal.sql(MAKE_USER_ROW), _parameters(sign_in))


def _parameters(sign_in: SignIn) -> dict[str, object]:
    return {
        "user_id": sign_in.user_id,
        "password_hash": sign_in.password_hash,
        "device_id": sign_in.device_id,
        "now": to_sql(sign_in.at),
    }


def _standing(packed: str) -> Standing:
    try:
        found, stop_number, stopped_at, cutoffs, rows, *more = json.loads(packed or "")
        verified = parsed(found)
        count, live = parsed(rows or "")
        before = cutoffs_from(parsed(cutoffs or ""))
    except ValueError as exc:
        raise Unavailable("what a start rests on was cut at max_allowed_packet") from exc
    named = list((live or {}).items())
    if len(named) != count:
        raise Unavailable("live rows beyond max_allowed_packet")
    is_as_verified, *user = verified if isinstance(verified, list) else [verified]
    ended_at = from_text_or_null(stopped_at)
    return Standing(bool(is_as_verified), stop_number, ended_at, [user, *more], named, before)


def _whole(token: str | None = None, metadata: str | None = None) -> TokenRecord | None:
    return record_from(token, bytes_of(metadata)) if token else None
