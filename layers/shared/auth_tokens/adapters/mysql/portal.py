"""The Portal's tables: how auth_users, user_config and auth_user_label map to a User.

A deployment whose Portal names its tables or columns otherwise changes this module only (docs/reference/portal.md).
The service reads them, and writes nothing but an upgraded password hash.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Parameters, UnknownColumn
from auth_tokens.adapters.mysql.keys_version import KEYS_VERSION, KeysVersion
from auth_tokens.adapters.mysql.times import clock_us_of
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.sessions import User, UserConfig
from auth_tokens.domain.sign_ins import Account
from auth_tokens.domain.usernames import canonical_username

ACTIVE = "active"
# Of one row, in the order of the SELECT's columns.
Values = tuple[Any, ...]

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

# The user and the preferences in one column, since each costs the driver more than all values of this one
# (docs/adr/0035); NULL without a user.
_OWNER = [_as_utf8("u.id"), _as_utf8("u.username"), _as_utf8("u.status"), CREATED_AT]
_PREFERENCES = [_as_utf8(f"c.{column}") for column in CONFIG_COLUMNS.values()]
OWNER_COLUMNS = f"""IF(u.id IS NULL, NULL, JSON_ARRAY({", ".join(_OWNER + _PREFERENCES)})) AS owner,
  {_LABELS} AS labels"""

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
SELECT {KEYS_VERSION}, {_as_utf8("u.password_hash")} AS password_hash, {_STOP_NUMBER}, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.username = %s
{EVERY_ROW}
"""

# Index: primary key.
SELECT_ACCOUNT_BY_ID = f"""
SELECT {KEYS_VERSION}, {_as_utf8("u.password_hash")} AS password_hash, {_STOP_NUMBER}, {OWNER_COLUMNS}
FROM auth_users AS u
{CONFIG_JOIN}
WHERE u.id = %s
"""

# The columns of user_config that are there.
SHOW_PREFERENCES = "SHOW COLUMNS FROM user_config"

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


class OwnerReads:
    """Runs SELECTs with KEYS_VERSION first and OWNER_COLUMNS last, on a user_config that may lack preferences: what one
    statement finds missing is NULL in this environment from then on. version: gets the state of the keys with each row.
    """

    def __init__(self, database: Database, version: KeysVersion) -> None:
        self._database = database
        self._version = version
        self._missing: frozenset[str] = frozenset()

    def rows(self, sql: str, parameters: Parameters) -> list[Values]:
        """Each row's values but for the first. Raises Unavailable."""
        return self._seen(sql, lambda fitting: self._database.rows(fitting, parameters))

    def look_up(self, sql: str, text: str) -> list[Values]:
        """The same by a text of a caller's (Database.look_up)."""
        return self._seen(sql, lambda fitting: self._database.look_up(fitting, text))

    def _seen(self, sql: str, read: Callable[[str], list[Values]]) -> list[Values]:
        try:
            rows = read(_without(self._missing, sql))
        except UnknownColumn:
            there = {row["Field"] for row in self._database.query(SHOW_PREFERENCES)}
            self._missing = frozenset(CONFIG_COLUMNS.values()) - there
            rows = read(_without(self._missing, sql))
        if rows:
            self._version.see(rows[0][0])
        return [row[1:] for row in rows]


def _without(missing: Iterable[str], sql: str) -> str:
    for column in missing:
        sql = sql.replace(_as_utf8(f"c.{column}"), "NULL")
    return sql


class MySqlPortal:
    """Port ports.accounts.Portal on the Portal's own tables. version: gets the state of the keys with each account."""

    def __init__(self, database: Database, version: KeysVersion | None = None) -> None:
        self._database = database
        self._owners = OwnerReads(database, version or KeysVersion())

    def account_by_name(self, canonical_name: str) -> Account | None:
        accounts = _accounts_from(self._owners.look_up(SELECT_ACCOUNT_BY_NAME, canonical_name))
        named = [a for a in accounts if canonical_username(a.user.username) == canonical_name]
        # Two accounts of one name (a case-sensitive collation): neither, rather than the wrong one.
        return named[0] if len(named) == 1 else None

    def account_by_id(self, user_id: str) -> Account | None:
        accounts = _accounts_from(self._owners.rows(SELECT_ACCOUNT_BY_ID, (user_id,)))
        # The comparison again, exactly: a collation may ignore case and trailing spaces.
        return next((a for a in accounts if a.user.id == user_id), None)

    def kinds_of_hashes(self) -> list[str]:
        """The heads of password hashes in use, of a sample: what comes before their salts."""
        return [row["head"] for row in self._database.query(SELECT_KINDS_OF_HASHES)]

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        return self._database.execute(UPGRADE_PASSWORD_HASH, (new_hash, user_id, old_hash)) == 1


def _accounts_from(rows: Sequence[Values]) -> list[Account]:
    """The rows of one of the account queries, without those whose id is no text."""
    owned = [(password_hash, stop_number, owner_from(*owner)) for password_hash, stop_number, *owner in rows]
    return [Account(user, password_hash, number) for password_hash, number, user in owned if user]


def owner_from(owner: str | None, labels: str | None) -> User | None:
    """The user in OWNER_COLUMNS; None where the Portal has none, or one whose id is no text. Raises Unavailable."""
    if owner is None:
        return None
    user_id, username, status, created_at, *preferences = json.loads(owner)
    if user_id is None:
        return None
    return User(
        id=user_id,
        username=username or "",
        is_active=status == ACTIVE,
        labels=_labels_from(labels),
        config=_config_from(preferences),
        created_us=clock_us_of(created_at),
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


def _config_from(preferences: Sequence[str | None]) -> UserConfig:
    """The preferences in the order of CONFIG_COLUMNS, as texts of whatever type the Portal keeps them in."""
    stored = {name: text for name, text in zip(CONFIG_COLUMNS, preferences, strict=True) if text is not None}
    if not stored:
        return _SETTINGS_DECIDE
    values = {name: _READERS[PREFERENCES[name].column](value) for name, value in stored.items()}
    return UserConfig(
        {name: value for name, value in values.items() if value is not None},
        unreadable=tuple(name for name, value in values.items() if value is None),
    )


def _whole(stored: str) -> int | None:
    match = _WHOLE.fullmatch(stored)
    return int(match[1]) if match else None


def _flag(stored: str) -> bool | None:
    if stored in ("\0", "\1"):  # BIT(1)
        return stored == "\1"
    whole = _whole(stored)
    return bool(whole) if whole in (0, 1) else None


# An integer, or a decimal that is one.
_WHOLE = re.compile(r"(-?\d{1,18})(?:\.0+)?", re.ASCII)
# By the type of a preference's values.
_READERS: dict[type[int | str], Callable[[str], int | str | None]] = {
    int: _whole,
    str: str,
    bool: _flag,
}
_SETTINGS_DECIDE = UserConfig()
