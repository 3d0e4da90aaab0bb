"""The Portal's tables: the SQL that a mapping makes (docs/reference/portal.md), and how their rows become a User.

The service reads them, and writes nothing but an upgraded password hash. All names and constants of a mapping come into
SQL here, and quoted.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Parameters, UnknownColumn
from auth_tokens.adapters.mysql.keys_version import KEYS_VERSION, KeysVersion
from auth_tokens.adapters.mysql.times import clock_us_of
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.ids import uuid_bytes
from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.portal_columns import Condition
from auth_tokens.domain.portal_mapping import (
    OWN_TABLES,
    JoinedLabels,
    PortalMapping,
    PreferenceColumns,
    PreferenceDocument,
    PreferenceRows,
)
from auth_tokens.domain.sessions import User, UserConfig
from auth_tokens.domain.sign_ins import Account
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.domain.usernames import canonical_username

T = TypeVar("T")
# Of one row, in the order of the SELECT's columns.
Values = tuple[Any, ...]
# An array of JSON: a column, or part of one.
Packed = str | list[Any] | None

# The statements below are made for a mapping by PortalTables.sql, as are those of other modules that name its
# fragments. Index: ux_username. The collation may find several spellings; canonical_username decides.
SELECT_ACCOUNT_BY_NAME = f"""
SELECT {KEYS_VERSION}, {{password_hash}}, {{stop_number}}, {{owner_columns}}
FROM {{users}} AS u
{{preferences_join}}
WHERE u.{{name}} = %s
{EVERY_ROW}
"""

# Index: primary key.
SELECT_ACCOUNT_BY_ID = f"""
SELECT {KEYS_VERSION}, {{password_hash}}, {{stop_number}}, {{owner_columns}}
FROM {{users}} AS u
{{preferences_join}}
WHERE u.{{id}} = %s
"""

# The columns of the table of preferences that are there.
SHOW_PREFERENCES = "SHOW COLUMNS FROM {preferences}"

# Index: primary key, its first rows: a sample. A kind that one user in 200 has is missing in one of 150
# samples. Heads alone leave the database.
SELECT_KINDS_OF_HASHES = f"""
SELECT DISTINCT IF(
  LEFT(sample.password_hash, 2) = '$2',
  LEFT(sample.password_hash, 7),
  SUBSTRING_INDEX(sample.password_hash, '$', 4)) AS head
FROM (
  SELECT {{password_hash}} FROM {{users}} AS u ORDER BY u.{{id}} LIMIT 1000
) AS sample
WHERE LEFT(sample.password_hash, 2) = '$2' OR LEFT(sample.password_hash, 7) = '$argon2'
{EVERY_ROW}
"""

# How many characters the column of hashes has room for; no row without a right to it.
SELECT_HASH_ROOM = """
SELECT CHARACTER_MAXIMUM_LENGTH AS room
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = {schema_name} AND TABLE_NAME = {users_name} AND COLUMN_NAME = {password_name}
LIMIT 1
"""

# Index: primary key. Row count 0: the password was changed meanwhile, whose hash must stay.
UPGRADE_PASSWORD_HASH = """
UPDATE {users}
SET {password} = %s
WHERE {id} = %s AND {password} = %s
"""

# For a start of a session: the user, if active and, where a password was verified, with that very hash.
# Index: primary key.
_FROM_USER_AS_VERIFIED = """FROM {users} AS u
WHERE u.{id} = {id_by_name}
  AND {is_active}
  AND ({is_verified})"""

# The user's id is converted, not ours, so that the primary key of auth_token_users serves whatever the Portal's
# character set.
_STOP_NUMBER = """COALESCE(
  (SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = {ascii_id}), 0) AS stop_number"""


def quoted(name: str) -> str:
    """A name of a mapping in SQL."""
    return f"`{name.replace('`', '``').replace('%', '%%')}`"


def literal(value: str | int) -> str:
    """A constant of a mapping in SQL."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")
    return f"'{escaped}'"


def is_same_id(column: str, other: str) -> str:
    """Two ids are the same to the byte, whatever character sets and collations they are kept in. The first comparison
    goes by the column's index: what is converted to ASCII can be compared with all of them. The second one
    distinguishes case where the column's collation does not."""
    ascii_id = _as_ascii(other)
    return f"{column} = {ascii_id} AND {_as_ascii(column)} COLLATE ascii_bin = {ascii_id}"


def id_key(form: IdForm, text: str) -> str:
    """The service's text of a user's id, as the Portal keeps it. Ours is converted, so that the Portal's key serves."""
    if form is IdForm.INTEGER:
        return f"CAST({text} AS UNSIGNED)"
    if form is IdForm.UUID_BYTES:
        return f"UNHEX(REPLACE({text}, '-', ''))"
    if form is IdForm.UUID_BYTES_SWAPPED:
        parts = ((15, 4), (10, 4), (1, 8), (20, 4), (25, 12))
        return f"UNHEX(CONCAT({', '.join(f'SUBSTR({text}, {at}, {length})' for at, length in parts)}))"
    return text


def id_value(form: IdForm, user_id: str) -> str | int | bytes:
    """The same for a value to be bound: MySQL would take the text '5abc' for the number 5. user_id: canonical."""
    if form is IdForm.TEXT:
        return user_id
    if form is IdForm.INTEGER:
        return int(user_id)
    identifier = uuid_bytes(user_id)
    if form is IdForm.UUID_BYTES:
        return identifier
    return identifier[6:8] + identifier[4:6] + identifier[:4] + identifier[8:]


def id_text(form: IdForm, column: str) -> str:
    """A column of the Portal's ids as the service's text. An integer as a sum has no ZEROFILL."""
    if form is IdForm.TEXT:
        return column
    if form is IdForm.INTEGER:
        return f"{column} + 0"
    swapped = form is IdForm.UUID_BYTES_SWAPPED
    parts = (
        ((9, 8), (5, 4), (1, 4), (17, 4), (21, 12))
        if swapped
        else ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    digits = ", ".join(f"SUBSTR(HEX({column}), {at}, {length})" for at, length in parts)
    return f"LOWER(CONCAT_WS('-', {digits}))"


def _as_utf8(column: str) -> str:
    """Also of a column of bytes, which would come as such. NULL, or with question marks: they are no UTF-8."""
    return f"CONVERT({column} USING utf8mb4)"


def _as_ascii(column: str) -> str:
    return f"CONVERT({column} USING ascii)"


class PortalTables:
    """The SQL of a mapping, made once a cold start."""

    def __init__(self, mapping: PortalMapping = OWN_TABLES) -> None:
        self.mapping = mapping
        # These names need no quotes, and their statements are measured as they stand.
        self._are_own = mapping == OWN_TABLES
        self._id = f"u.{self.name(mapping.users.id)}"
        # preference → its value in SQL
        self.preferences = self._preferences()
        self._made: dict[str, str] = {}
        self._fragments = self._own_fragments()
        self._fragments["from_user_as_verified"] = self.sql(_FROM_USER_AS_VERIFIED)

    def sql(self, template: str) -> str:
        """A statement of this package, with the fragments of this mapping."""
        if template not in self._made:
            self._made[template] = template.format_map(self._fragments)
        return self._made[template]

    def add(self, fragments: Mapping[str, str]) -> None:
        """Fragments of another section of the mapping."""
        self._fragments |= fragments

    def name(self, name: str) -> str:
        """A name of the mapping, in SQL."""
        return name if self._are_own else quoted(name)

    def holds(self, condition: Condition, alias: str) -> str:
        """A condition of the mapping, in SQL."""
        column = f"{alias}.{self.name(condition.column)}"
        return f"{column} IS NULL" if condition.value is None else f"{column} = {literal(condition.value)}"

    def table(self, name: str) -> str:
        """A table of the Portal, in SQL."""
        schema = self.mapping.schema
        return f"{self.name(schema)}.{self.name(name)}" if schema else self.name(name)

    def missing_preferences(self, columns: Collection[str]) -> frozenset[str]:
        """Of preferences with a column each, those whose column is not among the table's."""
        kept = self.mapping.preferences.kept_as if self.mapping.preferences else None
        known = kept.columns if isinstance(kept, PreferenceColumns) else {}
        there = {column.lower() for column in columns}
        return frozenset(name for name, column in known.items() if column.lower() not in there)

    def owner_from(self, owner: Packed, labels: Packed) -> User | None:
        """The user in `owner` and `labels`; None where the Portal has none, or one whose id is no text of its form.
        Raises Unavailable."""
        users = self.mapping.users
        user_id, username, *values = parsed(owner)
        if user_id is None or (
            users.id_form is not IdForm.TEXT and users.id_form.canonical(user_id) != user_id
        ):
            return None
        count = len(users.active)
        states, created_at, preferences = values[:count], values[count], values[count + 1 :]
        return User(
            id=user_id,
            username=username or "",
            is_active=all(map(_is_met, users.active, states)),
            labels=_labels_from(labels),
            config=self._config_from(preferences),
            created_us=clock_us_of(created_at),
        )

    def owner_by_order_from(self, user: Sequence[Any], preferences: Packed, labels: Packed) -> User | None:
        """The user in `user_as_verified` but for its first value, `preferences_by_order` and `labels_by_order`, as
        owner_from. Raises Unavailable where the server cut the preferences: without them others would be in force."""
        if not user:
            return None
        try:
            kept = parsed("" if preferences is None else preferences)
        except ValueError as exc:
            raise Unavailable("preferences cut at max_allowed_packet") from exc
        return self.owner_from([*user, *kept], labels)

    def _config_from(self, preferences: Sequence[str | None]) -> UserConfig:
        """Preferences as texts of whatever type the Portal keeps them in."""
        if preferences.count(None) == len(self.preferences):
            return _SETTINGS_DECIDE
        given = dict(zip(self.preferences, preferences, strict=True))
        values = {
            name: _READERS[PREFERENCES[name].column](text) for name, text in given.items() if text is not None
        }
        return UserConfig(
            {name: value for name, value in values.items() if value is not None},
            unreadable=tuple(name for name, value in values.items() if value is None),
        )

    def is_user(self, ours: str) -> str:
        """`u` is the user of a column of the service's tables. Index: primary key."""
        return self._is_same_to_the_byte(self._id, ours)

    def _is_same_to_the_byte(self, column: str, ours: str) -> str:
        """As is_same_id, of a column of the service's tables: ascii_bin, which needs no COLLATE and no second
        conversion. CAST makes 5 of '5abc', and the Portal's collation may ignore case."""
        as_text = id_text(self.mapping.users.id_form, column)
        return f"{column} = {self._key_of(ours)} AND {_as_ascii(as_text)} = {ours}"

    def _key_of(self, ours: str) -> str:
        """A column of the service's tables, as the Portal keeps ids."""
        form = self.mapping.users.id_form
        return _as_ascii(ours) if form is IdForm.TEXT else id_key(form, ours)

    def _is_user_bound(self, text: str) -> str:
        """The same of a text that is bound, whose collation decides nothing."""
        form = self.mapping.users.id_form
        if form is IdForm.TEXT:
            return is_same_id(self._id, text)
        as_text = _as_ascii(id_text(form, self._id))
        return f"{self._id} = {id_key(form, text)} AND {as_text} COLLATE ascii_bin = {_as_ascii(text)}"

    def _own_fragments(self) -> dict[str, str]:
        users, id_form = self.mapping.users, self.mapping.users.id_form
        exists = f"SELECT 1 FROM {self.table(users.table)} AS u WHERE"
        is_active = " AND ".join(self.holds(condition, "u") for condition in users.active)
        preferences = self.mapping.preferences
        verified = f"%(password_hash)s IS NULL OR u.{self.name(users.password)} = %(password_hash)s"
        return {
            "users": self.table(users.table),
            "id": self.name(users.id),
            "name": self.name(users.name),
            "password": self.name(users.password),
            "sampled_name": _as_utf8(f"u.{self.name(users.name)}"),
            "password_hash": f"{_as_utf8(f'u.{self.name(users.password)}')} AS password_hash",
            "preferences": self.table(preferences.table) if preferences else "",
            "preferences_join": self._preferences_join(),
            "schema_name": literal(self.mapping.schema) if self.mapping.schema else "DATABASE()",
            "users_name": literal(users.table),
            "password_name": literal(users.password),
            "owner_columns": f"{self._owner()} AS owner,\n  {self._labels()} AS labels",
            # Of the row `t`.
            "owner": self._owner("t.user_id"),
            "labels": self._labels("t.user_id"),
            "owner_join": f"""LEFT JOIN {self.table(users.table)} AS u ON {self.is_user("t.user_id")}
{self._preferences_join("t.user_id")}""",
            # Of `o`, a row of auth_token_users, whose lock theirs shall not get. The user is compared to the byte
            # where it is read.
            "user_as_verified": f"""(SELECT JSON_ARRAY(
        {is_active} AND ({verified}),
        {", ".join(self._user())})
      FROM {self.table(users.table)} AS u
      WHERE {self._id} = {self._key_of("o.user_id")}
      LOCK IN SHARE MODE)""",
            "preferences_by_order": self._preferences_by_order(),
            "labels_by_order": self._labels("o.user_id"),
            "stop_number": _STOP_NUMBER.format(ascii_id=_as_ascii(id_text(id_form, self._id))),
            "id_by_name": id_key(id_form, "%(user_id)s"),
            "is_active": is_active,
            "is_verified": verified,
            # The Portal has the user of this id, active or not.
            "user_exists": f"EXISTS ({exists} {self._is_user_bound('%(user_id)s')})",
            # For a write: the user is active now, not just when the row was read. MySQL takes a shared lock on the
            # user's row, so a disable and a rotation come one after the other, and the later one sees the earlier.
            "owner_is_active": f"""EXISTS (
    {exists} {self.is_user("auth_user_tokens.user_id")} AND {is_active})""",
            # The same, and where a password was verified, it is still that very hash.
            "owner_is_as_verified": f"""EXISTS (
    {exists} {self.is_user("auth_user_tokens.user_id")} AND {is_active}
      AND ({verified}))""",
        }

    def _preferences_by_order(self) -> str:
        """Of one row at most, whose maxima are its values and are there without it: NULL is an array that the server
        cut."""
        kept, values = self.mapping.preferences, self._preferences("o.user_id").values()
        if kept is None or isinstance(kept.kept_as, PreferenceRows):
            return f"JSON_ARRAY({', '.join(values)})"
        return f"""(SELECT JSON_ARRAY({", ".join(f"MAX({value})" for value in values)})
      FROM {self.table(kept.table)} AS c
      WHERE {self._is_owned(f"c.{self.name(kept.user)}", "o.user_id")})"""

    def _owner(self, ours: str | None = None) -> str:
        """The user and the preferences in one column, since each costs the driver more than all values of this one
        (docs/adr/0035); without a user their id is NULL. ours: as in _is_owned."""
        return f"JSON_ARRAY({', '.join([*self._user(), *self._preferences(ours).values()])})"

    def _user(self) -> list[str]:
        """Values of `u`, without the preferences."""
        users = self.mapping.users
        return [
            _as_utf8(id_text(users.id_form, self._id)),
            _as_utf8(f"u.{self.name(users.name)}"),
            *(self._state(condition) for condition in users.active),
            # When the user's row was made, whatever the zone (domain.sessions.is_same_account).
            f"u.{self.name(users.created)}" if users.created else "NULL",
        ]

    def _state(self, condition: Condition) -> str:
        """What _is_met takes."""
        if isinstance(condition.value, str):
            return _as_utf8(f"u.{self.name(condition.column)}")
        return self.holds(condition, "u")

    def _is_owned(self, column: str, ours: str | None = None) -> str:
        """A row of another of the Portal's tables is of the user of `ours`, a column of the service's tables, or of the
        user `u`."""
        if self.mapping.users.id_form is IdForm.TEXT:
            return self._is_same_to_the_byte(column, ours) if ours else is_same_id(column, self._id)
        return f"{column} = {self._key_of(ours) if ours else self._id}"

    def _labels(self, ours: str | None = None) -> str:
        """How many labels, and the labels, as the names of an object: MariaDB cuts an array at group_concat_max_len.
        In hexadecimal, as MariaDB leaves names unescaped. Beyond max_allowed_packet they are NULL, or no JSON any
        more. ours: as in _is_owned."""
        labels = self.mapping.labels
        if labels is None:
            return "JSON_ARRAY(0, NULL)"
        label, joined = f"l.{self.name(labels.label)}" if isinstance(labels.label, str) else "", ""
        if isinstance(labels.label, JoinedLabels):
            through = labels.label
            label = f"g.{self.name(through.label)}"
            # Index: primary key of both.
            condition = f"g.{self.name(through.id)} = l.{self.name(through.column)}"
            joined = f"\n    JOIN {self.table(through.table)} AS g ON {condition}"
        return f"""(SELECT JSON_ARRAY(COUNT(*), JSON_OBJECTAGG(HEX(COALESCE({_as_utf8(label)}, '')), 1))
    FROM {self.table(labels.table)} AS l{joined}
    WHERE {self._is_owned(f"l.{self.name(labels.user)}", ours)})"""

    def _preferences_join(self, ours: str | None = None) -> str:
        """Index: primary keys of both. At most one row, as the table is keyed by the user's id. ours: as in
        _is_owned."""
        preferences = self.mapping.preferences
        if preferences is None or isinstance(preferences.kept_as, PreferenceRows):
            return ""
        owned = self._is_owned(f"c.{self.name(preferences.user)}", ours)
        return f"LEFT JOIN {self.table(preferences.table)} AS c ON {owned}"

    def _preferences(self, ours: str | None = None) -> dict[str, str]:
        """Each preference, and its value in SQL. ours: as in _is_owned."""
        preferences = self.mapping.preferences
        if preferences is None:
            return {}
        match preferences.kept_as:
            case PreferenceColumns(columns):
                return {name: _as_utf8(f"c.{self.name(column)}") for name, column in columns.items()}
            case PreferenceDocument(column, paths):
                document = _as_utf8(f"c.{self.name(column)}")
                return {
                    name: f"IF(JSON_VALID({document}), JSON_VALUE({document}, {literal(path)}), NULL)"
                    for name, path in paths.items()
                }
            case PreferenceRows(key, value, names):
                owned = self._is_owned(f"p.{self.name(preferences.user)}", ours)
                maximum = f"MAX({_as_utf8(f'p.{self.name(value)}')})"
                return {
                    name: f"""(SELECT {maximum} FROM {self.table(preferences.table)} AS p
    WHERE {owned} AND p.{self.name(key)} = {literal(text)})"""
                    for name, text in names.items()
                }


def _is_met(condition: Condition, state: object) -> bool:
    """Of a row that was read. A text is compared again, to the byte: a collation may ignore case."""
    return state == (condition.value if isinstance(condition.value, str) else 1)


class OwnerReads:
    """Runs SELECTs with the stamp of the keys first and the owner's columns last, on a table of preferences that may
    lack some: what one statement finds missing is NULL in this environment from then on. version: gets the state of the
    keys with each row.
    """

    def __init__(self, database: Database, version: KeysVersion, tables: PortalTables) -> None:
        self._database = database
        self.version = version
        self._tables = tables
        self._missing: frozenset[str] = frozenset()

    def rows(self, template: str, parameters: Parameters) -> list[Values]:
        """Each row's values but for the first. template: for PortalTables.sql. Raises Unavailable."""
        return self._seen(template, lambda sql: self._database.rows(sql, parameters))

    def arrays(self, template: str, parameters: Parameters) -> list[Values]:
        """The same of a SELECT whose one column is an array of its values."""
        return self._seen(
            template, lambda sql: [_values(*row) for row in self._database.rows(sql, parameters)]
        )

    def look_up(self, template: str, text: str) -> list[Values]:
        """The same by a text of a caller's (Database.look_up)."""
        return self._seen(template, lambda sql: self._database.look_up(sql, text))

    def fitted(self, template: str, run: Callable[[str], T]) -> T:
        """The result of `run` with the statement, as the table of preferences takes it. May run it twice."""
        try:
            return run(self._fitting(template))
        except UnknownColumn:
            shown = self._database.query(self._tables.sql(SHOW_PREFERENCES))
            self._missing = self._tables.missing_preferences({row["Field"] for row in shown})
            return run(self._fitting(template))

    def _seen(self, template: str, read: Callable[[str], list[Values]]) -> list[Values]:
        rows = self.fitted(template, read)
        if rows:
            self.version.see(rows[0][0])
        return [row[1:] for row in rows]

    def _fitting(self, template: str) -> str:
        sql = self._tables.sql(template)
        for name in self._missing:
            sql = sql.replace(self._tables.preferences[name], "NULL")
        return sql


class MySqlPortal:
    """Port ports.accounts.Portal on the Portal's own tables. version: gets the state of the keys with each account."""

    def __init__(
        self, database: Database, version: KeysVersion | None = None, tables: PortalTables | None = None
    ) -> None:
        self._database = database
        self._tables = tables or PortalTables()
        self._owners = OwnerReads(database, version or KeysVersion(), self._tables)
        self._hash_room: int | None = None

    @property
    def upgrades_hashes(self) -> bool:
        return self._tables.mapping.users.upgrades_passwords

    def account_by_name(self, canonical_name: str) -> Account | None:
        accounts = self._accounts(self._owners.look_up(SELECT_ACCOUNT_BY_NAME, canonical_name))
        named = [a for a in accounts if canonical_username(a.user.username) == canonical_name]
        # Two accounts of one name (a case-sensitive collation): neither, rather than the wrong one.
        return named[0] if len(named) == 1 else None

    def account_by_id(self, user_id: str) -> Account | None:
        form = self._tables.mapping.users.id_form
        known_by = form.canonical(user_id)
        if known_by is None:
            return None
        accounts = self._accounts(self._owners.rows(SELECT_ACCOUNT_BY_ID, (id_value(form, known_by),)))
        # The comparison again, exactly: a collation may ignore case and trailing spaces.
        return next((a for a in accounts if a.user.id == known_by), None)

    def kinds_of_hashes(self) -> list[str]:
        """The heads of password hashes in use, of a sample: what comes before their salts."""
        return [row["head"] for row in self._database.query(self._tables.sql(SELECT_KINDS_OF_HASHES))]

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        upgrade = self._tables.sql(UPGRADE_PASSWORD_HASH)
        stored_id = id_value(self._tables.mapping.users.id_form, user_id)
        if len(new_hash) > self._room():
            return False
        return self._database.attempt(upgrade, (new_hash, stored_id, old_hash)) == 1

    def _room(self) -> int:
        """Of the column of hashes, read at the first upgrade; 0 where it is not known. Without strict mode the server
        cuts a hash that is too long, and the user is locked out everywhere."""
        if self._hash_room is None:
            found = self._database.attempt_query(self._tables.sql(SELECT_HASH_ROOM))
            self._hash_room = int(found[0]["room"] or 0) if found else None
        return self._hash_room or 0

    def _accounts(self, rows: Sequence[Values]) -> list[Account]:
        """The rows of one of the account queries, without those whose id is no text."""
        owned = [
            (password_hash, stop_number, self._tables.owner_from(*owner))
            for password_hash, stop_number, *owner in rows
        ]
        return [Account(user, password_hash, number) for password_hash, number, user in owned if user]


def _values(array: str | None) -> Values:
    """Raises Unavailable where the server cut it."""
    try:
        return tuple(json.loads(array or ""))
    except ValueError as exc:
        raise Unavailable("a row cut at max_allowed_packet") from exc


def parsed(packed: Packed) -> Any:
    """Of an array within an array the server made a text, or none."""
    return json.loads(packed) if isinstance(packed, str) else packed


def _labels_from(stored: Packed) -> tuple[str, ...]:
    """Sorted, each once, without NULL. Raises Unavailable where the server cut them: they decide about scopes."""
    try:
        count, names = parsed(stored or "")
    except ValueError as exc:
        raise Unavailable("labels cut at max_allowed_packet") from exc
    if names is None and count > 0:
        raise Unavailable("labels beyond max_allowed_packet")
    return tuple(sorted(bytes.fromhex(name).decode(errors="replace") for name in names or () if name))


def _whole(stored: str) -> int | None:
    match = _WHOLE.fullmatch(stored)
    return int(match[1]) if match else None


def _flag(stored: str) -> bool | None:
    if stored in ("\0", "\1"):  # BIT(1)
        return stored == "\1"
    if stored in ("true", "false"):  # JSON, by MySQL
        return stored == "true"
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
