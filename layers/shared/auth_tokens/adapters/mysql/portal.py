"""The Portal's tables: how auth_users, user_config and auth_user_label map to a User.

A deployment whose Portal names its tables or columns otherwise changes this module only (docs/portal.md).
The service reads them, and writes nothing but an upgraded password hash.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.key_stamp import KEY_STAMP, KeyStamp
from auth_tokens.adapters.mysql.times import clock_us
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.sessions import User, UserConfig
from auth_tokens.domain.sign_ins import Account
from auth_tokens.domain.usernames import canonical_username

ACTIVE = "active"

# A Portal whose user_config names a column otherwise: preference → column. None may be named as a column of
# auth_user_tokens.
_OTHERWISE_NAMED: dict[str, str] = {}
# preference → column. A Portal may lack any of them: the setting decides then.
CONFIG_COLUMNS = {name: _OTHERWISE_NAMED.get(name, name) for name in PREFERENCES}

# When the user's row was made, whatever the zone (domain.sessions.is_same_account). A Portal without such a column, or
# whose column moves, puts NULL here: only UserDeleted separates two users of one id then.
CREATED_AT = "u.created_at"


def is_same_id(column: str, other: str) -> str:
    """Two ids are the same to the byte, whatever character sets and collations they are kept in. The first comparison
    goes by the column's index: what is converted to ASCII can be compared with all of them. The second one
    distinguishes case where the column's collation does not."""
    ascii_id = f"CONVERT({other} USING ascii)"
    return f"{column} = {ascii_id} AND CONVERT({column} USING ascii) COLLATE ascii_bin = {ascii_id}"


def _as_utf8(column: str) -> str:
    """Also of a column of bytes, which would come as such. NULL, or with question marks: they are no UTF-8."""
    return f"CONVERT({column} USING utf8mb4)"


# How many labels, and the labels, as the names of an object: MariaDB cuts an array at group_concat_max_len. In
# hexadecimal, as MariaDB leaves names unescaped. Beyond max_allowed_packet they are NULL, or no JSON any more.
_LABELS = f"""(SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE({_as_utf8("l.label")}, '')), 1))
    FROM auth_user_label AS l
    WHERE {is_same_id("l.user_id", "u.id")})"""

# Deviates: `c.*` instead of named columns, since a column that is named and missing would fail the statement.
OWNER_COLUMNS = f"""{_as_utf8("u.id")} AS owner_id,
  {_as_utf8("u.username")} AS owner_username,
  {_as_utf8("u.status")} AS owner_status,
  {CREATED_AT} AS owner_created_at,
  {_LABELS} AS owner_labels,
  c.*"""

# Index: primary keys of both. At most one row, as user_config is keyed by user_id.
CONFIG_JOIN = f"LEFT JOIN user_config AS c ON {is_same_id('c.user_id', 'u.id')}"
OWNER_JOIN = f"LEFT JOIN auth_users AS u ON {is_same_id('u.id', 't.user_id')}\n{CONFIG_JOIN}"


def is_user(user_id: str) -> str:
    """The Portal has the user of this id, active or not."""
    return f"EXISTS (SELECT 1 FROM auth_users AS u WHERE {is_same_id('u.id', user_id)})"


def is_active(user_id: str) -> str:
    """For a write: the user in a column is active now, not just when the row was read. MySQL takes a shared lock
    on the user's row, so a disable and a rotation come one after the other, and the later one sees the earlier."""
    return f"""EXISTS (
    SELECT 1 FROM auth_users AS u WHERE {is_same_id("u.id", user_id)} AND u.status = '{ACTIVE}')"""


# For a start of a session: the user, if active and, where a password was verified, with that very hash.
# Index: primary key.
FROM_USER_AS_VERIFIED = f"""FROM auth_users AS u
WHERE u.id = %(user_id)s
  AND u.status = '{ACTIVE}'
  AND (%(password_hash)s IS NULL OR u.password_hash = %(password_hash)s)"""

# The user's id is converted, not ours, so that the primary key of auth_token_users serves whatever the Portal's
# character set.
_STOP_NUMBER = """COALESCE(
  (SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = CONVERT(u.id USING ascii)), 0) AS stop_number"""

# Index: ux_username. The collation may find several spellings; canonical_username decides.
SELECT_ACCOUNT_BY_NAME = f"""
SELECT {_as_utf8("u.password_hash")} AS password_hash, {KEY_STAMP}, {_STOP_NUMBER}, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.username = %s
{EVERY_ROW}
"""

# Index: primary key.
SELECT_ACCOUNT_BY_ID = f"""
SELECT {_as_utf8("u.password_hash")} AS password_hash, {KEY_STAMP}, {_STOP_NUMBER}, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.id = %s
"""

# Index: primary key, its first rows: a sample. A kind that one user in 200 has is missing in one of 150
# samples. Heads alone leave the database.
SELECT_KINDS_OF_HASHES = f"""
SELECT DISTINCT IF(
  LEFT(sample.password_hash, 2) = '$2',
  LEFT(sample.password_hash, 7),
  SUBSTRING_INDEX(sample.password_hash, '$', 4)) AS head
FROM (
  SELECT {_as_utf8("u.password_hash")} AS password_hash FROM auth_users AS u ORDER BY u.id LIMIT 1000
) AS sample
WHERE LEFT(sample.password_hash, 2) = '$2' OR LEFT(sample.password_hash, 7) = '$argon2'
{EVERY_ROW}
"""

# Index: primary key. Row count 0: the password was changed meanwhile, whose hash must stay.
UPGRADE_PASSWORD_HASH = """
UPDATE auth_users
SET password_hash = %s
WHERE id = %s AND password_hash = %s
"""


class MySqlPortal:
    """Port ports.accounts.Portal on the Portal's own tables. stamp: gets the state of the keys with each account."""

    def __init__(self, database: Database, stamp: KeyStamp | None = None) -> None:
        self._database = database
        self._stamp = stamp or KeyStamp()

    def account_by_name(self, canonical_name: str) -> Account | None:
        rows = self._database.look_up(SELECT_ACCOUNT_BY_NAME, canonical_name)
        self._stamp.see(rows)
        accounts = _accounts_from(rows)
        named = [a for a in accounts if canonical_username(a.user.username) == canonical_name]
        # Two accounts of one name (a case-sensitive collation): neither, rather than the wrong one.
        return named[0] if len(named) == 1 else None

    def account_by_id(self, user_id: str) -> Account | None:
        rows = self._database.query(SELECT_ACCOUNT_BY_ID, (user_id,))
        self._stamp.see(rows)
        accounts = _accounts_from(rows)
        # The comparison again, exactly: a collation may ignore case and trailing spaces.
        return next((a for a in accounts if a.user.id == user_id), None)

    def kinds_of_hashes(self) -> list[str]:
        """The heads of password hashes in use, of a sample: what comes before their salts."""
        return [row["head"] for row in self._database.query(SELECT_KINDS_OF_HASHES)]

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        return self._database.execute(UPGRADE_PASSWORD_HASH, (new_hash, user_id, old_hash)) == 1


def _accounts_from(rows: Sequence[dict[str, Any]]) -> list[Account]:
    """The rows of one of the account queries, without those whose id is no text."""
    owned = [(row, owner_from(row)) for row in rows]
    return [Account(user, row["password_hash"], row["stop_number"]) for row, user in owned if user]


def owner_from(row: dict[str, Any]) -> User | None:
    """The user in a row with OWNER_COLUMNS; None where the Portal has none. Raises Unavailable."""
    if row["owner_id"] is None:
        return None
    return User(
        id=row["owner_id"],
        username=row["owner_username"] or "",
        is_active=row["owner_status"] == ACTIVE,
        labels=_labels_from(row["owner_labels"]),
        config=_config_from(row),
        created_us=clock_us(row["owner_created_at"]),
    )


def _labels_from(stored: str | None) -> tuple[str, ...]:
    """Sorted, each once, without NULL. Raises Unavailable where the server cut them: they decide about scopes."""
    try:
        count, names = json.loads(stored or "")
    except ValueError as exc:
        raise Unavailable("labels cut at max_allowed_packet") from exc
    if names is None and count > 0:
        raise Unavailable("labels beyond max_allowed_packet")
    return tuple(sorted(bytes.fromhex(name).decode(errors="replace") for name in names or () if name))


def _config_from(row: dict[str, Any]) -> UserConfig:
    """The preferences in a row with `c.*`, of whatever type the Portal keeps them."""
    stored = {name: row[column] for name, column in CONFIG_COLUMNS.items() if row.get(column) is not None}
    values = {name: _READERS[PREFERENCES[name].column](value) for name, value in stored.items()}
    return UserConfig(
        {name: value for name, value in values.items() if value is not None},
        unreadable=tuple(name for name, value in values.items() if value is None),
    )


def _whole(stored: object) -> int | None:
    stored = _decoded(stored)
    if isinstance(stored, int | Decimal) and stored == int(stored):
        return int(stored)
    return int(stored) if isinstance(stored, str) and _WHOLE.fullmatch(stored) else None


def _flag(stored: object) -> bool | None:
    if stored in (b"\0", b"\1"):  # BIT(1)
        return stored == b"\1"
    whole = _whole(stored)
    return bool(whole) if whole in (0, 1) else None


def _text(stored: object) -> str | None:
    stored = _decoded(stored)
    return stored if isinstance(stored, str) else None


def _decoded(stored: object) -> object:
    """A text that is kept as bytes."""
    return stored.decode(errors="replace") if isinstance(stored, bytes) else stored


_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
# By the type of a preference's values.
_READERS: dict[type[int | str], Callable[[object], int | str | None]] = {
    int: _whole,
    str: _text,
    bool: _flag,
}
