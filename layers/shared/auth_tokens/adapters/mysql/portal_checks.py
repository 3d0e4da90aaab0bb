"""Checks of the Portal's tables against the mapping, for `doctor`: sentences that say what to do. Nothing here writes.

They read metadata, and a hundred users for their shape.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import takewhile

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.legacy_checks import LEGACY_CHECKS, legacy_columns
from auth_tokens.adapters.mysql.portal import PortalTables, id_value, literal
from auth_tokens.adapters.mysql.portal_facts import Check, Named, PortalFacts, PortalFinding, must, should
from auth_tokens.domain.portal_mapping import (
    JoinedLabels,
    PortalMapping,
    PreferenceColumns,
    PreferenceDocument,
    PreferenceRows,
)
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.domain.usernames import canonical_username

# Index: primary key, its first rows.
SELECT_SAMPLE = """
SELECT {sampled_name} AS name, ({is_active}) AS is_active
FROM {users} AS u
ORDER BY u.{id}
LIMIT 100
"""

# Index: primary key.
SELECT_SEEDED = f"""
SELECT u.{{id}} AS id
FROM {{users}} AS u
WHERE u.{{id}} IN %s
{EVERY_ROW}
"""

# By this row local mode knows a schema that it has made itself. Index: primary key.
LOCAL_MODE = "local-mode"
SELECT_LOCAL_MODE = "SELECT name FROM auth_token_jobs WHERE name = %s LIMIT 1"

# The users that local mode seeds, whose password is published. Before it asked, it did so in any database.
SEEDED_IDS = (
    "0a000000-0000-4000-8000-00000000a11c",
    "0b000000-0000-4000-8000-000000000b0b",
    "0c000000-0000-4000-8000-00000000ca01",
    "0d000000-0000-4000-8000-00000000da7e",
)

_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"})
_BYTES = frozenset({"binary", "varbinary"})
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_KINDS = {
    IdForm.TEXT: _TEXTS | _BYTES,
    IdForm.INTEGER: _INTEGERS,
    IdForm.UUID_BYTES: _BYTES,
    IdForm.UUID_BYTES_SWAPPED: _BYTES,
}
# An Argon2id hash by the settings' largest parameters has a few characters more than the usual 97.
HASH_ROOM = 100
_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0, 21)}


def portal_findings(database: Database, tables: PortalTables) -> list[dict[str, str]]:
    """Each finding as `level` and `sentence`. Where tables or columns are missing, nothing else is looked at. Raises
    Unavailable."""
    facts = PortalFacts(database, tables)
    found = [*missing(facts), *server(facts)]
    if not any(finding.level == "must" for finding in found):
        for check in CHECKS:
            found += check(facts)
    return [asdict(finding) for finding in found]


def named_columns(mapping: PortalMapping) -> Iterator[Named]:
    """All columns without which the service does not work."""
    users = mapping.users
    yield Named("users.id", users.table, users.id, is_id=True)
    yield Named("users.name", users.table, users.name)
    yield Named("users.password", users.table, users.password)
    for number, condition in enumerate(users.active):
        yield Named(f"users.active[{number}]", users.table, condition.column)
    if users.created:
        yield Named("users.created", users.table, users.created)
    if users.tokens_valid_after:
        yield Named("users.tokens_valid_after", users.table, users.tokens_valid_after.column)
    yield from _of_preferences(mapping)
    yield from _of_labels(mapping)
    if mapping.legacy_tokens:
        yield from legacy_columns(mapping.legacy_tokens)


def _of_preferences(mapping: PortalMapping) -> Iterator[Named]:
    if mapping.preferences is None:
        return
    table = mapping.preferences.table
    yield Named("preferences.user", table, mapping.preferences.user, is_id=True)
    match mapping.preferences.kept_as:
        case PreferenceDocument(column, _):
            yield Named("preferences.json", table, column)
        case PreferenceRows(key, value, _):
            yield Named("preferences.key", table, key)
            yield Named("preferences.value", table, value)


def _of_labels(mapping: PortalMapping) -> Iterator[Named]:
    if mapping.labels is None:
        return
    table, label = mapping.labels.table, mapping.labels.label
    yield Named("labels.user", table, mapping.labels.user, is_id=True)
    if isinstance(label, JoinedLabels):
        yield Named("labels.through.column", table, label.column)
        yield Named("labels.through.id", label.table, label.id)
        yield Named("labels.through.label", label.table, label.label)
    else:
        yield Named("labels.label", table, label)


def missing(facts: PortalFacts) -> Iterator[PortalFinding]:
    absent = [table for table in facts.mapping.tables if not facts.columns_of(table)]
    for table in absent:
        yield must(
            f"There is no table {facts.qualified(table)}, or this database user may not see it: look at `schema` and"
            " the names in the mapping, and at the user's rights."
        )
    for named in named_columns(facts.mapping):
        there = ", ".join(facts.columns_of(named.table))
        if there and facts.column(named) is None:
            yield must(
                f"{facts.qualified(named.table)} has no column {named.column}, which the mapping names as"
                f" {named.place}: it has {there}. Name one of these."
            )
    preferences = facts.mapping.preferences
    if preferences and isinstance(preferences.kept_as, PreferenceColumns) and preferences.table not in absent:
        lacking = facts.tables.missing_preferences(facts.columns_of(preferences.table))
        if lacking:
            yield PortalFinding(
                "ok",
                f"{facts.qualified(preferences.table)} has no column for {', '.join(sorted(lacking))}: the settings"
                " decide these.",
            )


def server(facts: PortalFacts) -> Iterator[PortalFinding]:
    """Version, isolation, mode, zone."""
    told = facts.server
    version = told["version"]
    kind = "MariaDB" if "MariaDB" in version else "MySQL"
    digits = takewhile(str.isdecimal, version.split("-")[0].split("."))
    numbers = tuple(map(int, digits))  # of Aurora two, at times
    if numbers < _OLDEST[kind][: len(numbers)]:
        oldest = ".".join(map(str, _OLDEST[kind]))
        yield must(f"The server is {kind} {version}: {oldest} is the oldest that the service works with.")
    isolation = told.get("transaction_isolation") or told.get("tx_isolation", "")
    if isolation != "REPEATABLE-READ":
        yield should(
            f"The server's isolation is {isolation}: with REPEATABLE-READ a sign-in and the Portal's disabling of the"
            " user wait for each other."
        )
    if "STRICT" not in told["sql_mode"]:
        yield should(
            "sql_mode is not strict, so the server cuts a value that is too long instead of refusing it: add"
            " STRICT_TRANS_TABLES."
        )
    yield PortalFinding(
        "ok",
        f"{kind} {version}, {isolation}, time_zone {told['time_zone']}: the service reads and writes UTC.",
    )


def ids(facts: PortalFacts) -> Iterator[PortalFinding]:
    """Each column of users' ids is of the kind that `as` says."""
    form = facts.mapping.users.id_form
    for named in named_columns(facts.mapping):
        if not named.is_id:
            continue
        about = facts.column(named) or {}
        is_kind = about["kind"] in _KINDS[form]
        is_short = form in (IdForm.UUID_BYTES, IdForm.UUID_BYTES_SWAPPED) and about["room"] != 16
        if not is_kind or is_short:
            fitting = [each.value for each in IdForm if about["kind"] in _KINDS[each]] or ["none"]
            yield must(
                f"{facts.qualified(named.table)}.{named.column} is {about['type']}, and users.id says `as`"
                f" {form.value}: that fits {', '.join(fitting)}."
            )


def indexes(facts: PortalFacts) -> Iterator[PortalFinding]:
    """Without them each sign-in and refresh reads a whole table; and a user with two rows of preferences is two."""
    users, preferences, labels = facts.mapping.users, facts.mapping.preferences, facts.mapping.labels
    wanted = [(users.table, users.id, True), (users.table, users.name, False)]
    if preferences:
        is_one = not isinstance(preferences.kept_as, PreferenceRows)
        wanted.append((preferences.table, preferences.user, is_one))
    if labels:
        wanted.append((labels.table, labels.user, False))
        if isinstance(labels.label, JoinedLabels):
            wanted.append((labels.label.table, labels.label.id, True))
    for table, column, alone in wanted:
        # An index of what a view reads is not seen.
        if not facts.is_view(table) and not facts.is_indexed(table, column, alone=alone):
            what = "unique index on" if alone else "index that begins with"
            yield must(f"{facts.qualified(table)} has no {what} {column}: make one.")


def conditions(facts: PortalFacts) -> Iterator[PortalFinding]:
    """A comparison of text with a number is true more often than it seems: 0 = 'active'."""
    users = facts.mapping.users
    found = [("users.active", users.table, condition) for condition in users.active]
    legacy = facts.mapping.legacy_tokens
    found += [("legacy_tokens.live", legacy.table, condition) for condition in legacy.live] if legacy else []
    for place, table, condition in found:
        about = facts.column(Named(place, table, condition.column)) or {}
        says = f"{place} compares {facts.qualified(table)}.{condition.column} ({about['type']})"
        is_text = about["kind"] in _TEXTS | _BYTES
        if isinstance(condition.value, str) and not is_text:
            yield must(f"{says} with a text: write a number.")
        elif isinstance(condition.value, int) and is_text:
            yield must(f"{says} with a number: write a text.")
        elif condition.value is None and about["nullable"] == "NO":
            yield must(f"{says} with null, which it never is.")


def times(facts: PortalFacts) -> Iterator[PortalFinding]:
    """A TIMESTAMP read as a DATETIME is wrong by the zone of the connection."""
    users, legacy = facts.mapping.users, facts.mapping.legacy_tokens
    found = [("users.tokens_valid_after", users.table, users.tokens_valid_after)]
    if legacy:
        found += [("legacy_tokens.ends", legacy.table, legacy.ends)]
        found += [("legacy_tokens.created", legacy.table, legacy.created)]
    for place, table, column in found:
        if column is None:
            continue
        about = facts.column(Named(place, table, column.column)) or {}
        if about["kind"] not in ({column.unit} if column.unit in ("datetime", "timestamp") else _INTEGERS):
            yield must(
                f"{facts.qualified(table)}.{column.column} is {about['type']}, and {place} says {column.unit}: write"
                " the time that the column has."
            )


def created(facts: PortalFacts) -> Iterator[PortalFinding]:
    users = facts.mapping.users
    if users.created is None:
        return
    about = facts.column(Named("users.created", users.table, users.created)) or {}
    column = f"{facts.qualified(users.table)}.{users.created}"
    if about["kind"] not in ("datetime", "timestamp"):
        yield must(f"{column} is {about['type']}: users.created needs a DATETIME or TIMESTAMP; leave it out.")
    elif "on update" in about["extra"].lower():
        yield must(
            f"{column} changes with each change of the row, and with it all of the user's sessions would end: leave"
            " users.created out."
        )


def passwords(facts: PortalFacts) -> Iterator[PortalFinding]:
    users = facts.mapping.users
    about = facts.column(Named("users.password", users.table, users.password)) or {}
    room = int(about["room"] or 0)
    column = f"{facts.qualified(users.table)}.{users.password}"
    if not users.upgrades_passwords:
        yield PortalFinding("ok", f"{column} has room for {room} characters, and no hash is upgraded.")
    elif room < HASH_ROOM:
        yield must(
            f'{column} has room for {room} characters, and an upgraded hash has about 97: say `"upgrade": false` in'
            " users.password, or give the column room."
        )
    elif facts.mapping.schema:
        yield should(
            f"Logins replace the hashes in {column} by Argon2id, which bcrypt of the older system cannot verify: say"
            ' `"upgrade": false` until nothing but this service verifies passwords.'
        )


def engines(facts: PortalFacts) -> Iterator[PortalFinding]:
    for row in facts.engines:
        if row["engine"] != "InnoDB":
            yield should(
                f"{facts.qualified(row['in_table'])} is {row['engine'] or 'a view'}: with InnoDB a sign-in and a change"
                " of the user wait for each other."
            )


def sample(facts: PortalFacts) -> Iterator[PortalFinding]:
    """A hundred users: is anybody active, and are the names found by the form that they are looked up in?"""
    users = facts.mapping.users
    rows = facts.database.query(facts.tables.sql(SELECT_SAMPLE))
    if rows and not any(row["is_active"] for row in rows):
        yield should(
            f"None of the first {len(rows)} users is active by users.active: look at the conditions."
        )
    about = facts.column(Named("users.name", users.table, users.name)) or {}
    is_exact = about["collation"] is None or about["collation"].endswith(("_bin", "_cs"))
    spelt = sum(canonical_username(row["name"] or "") != row["name"] for row in rows)
    if spelt and is_exact:
        yield must(
            f"{spelt} of the first {len(rows)} names are not in lower case, and {facts.qualified(users.table)}."
            f"{users.name} ({about['type']}, {about['collation']}) distinguishes case: these users cannot sign in. Give"
            " the column a collation that ends in _ci, or store names in lower case."
        )
    elif is_exact or not facts.is_indexed(users.table, users.name, alone=True):
        yield should(
            f"{facts.qualified(users.table)}.{users.name} may hold two names that differ in case alone, and neither"
            " user could sign in then: a unique index with a collation that ends in _ci prevents it."
        )


def seeded(facts: PortalFacts) -> Iterator[PortalFinding]:
    """What `make run` left, when it did not yet ask whose database it is."""
    mapping = facts.mapping
    form = mapping.users.id_form
    # It could not insert any where ids are numbers.
    if form is IdForm.INTEGER or facts.database.attempt_query(SELECT_LOCAL_MODE, (LOCAL_MODE,)):
        return
    values = {_as_literal(id_value(form, text)): id_value(form, text) for text in SEEDED_IDS}
    found = {
        row["id"] for row in facts.database.query(facts.tables.sql(SELECT_SEEDED), (list(values.values()),))
    }
    there = [shown for shown, value in values.items() if value in found]
    if not there:
        return
    owned = [(part.table, part.user) for part in (mapping.labels, mapping.preferences) if part]
    deletes = "".join(
        f"\n  DELETE FROM {facts.tables.table(table)} WHERE {facts.tables.name(column)} IN ({', '.join(there)});"
        for table, column in (*owned, (mapping.users.table, mapping.users.id))
    )
    yield must(
        f"{len(there)} users are there whose password is published; an earlier `make run` added them. Delete"
        f" them:{deletes}"
    )


def _as_literal(value: str | int | bytes) -> str:
    return f"X'{value.hex()}'" if isinstance(value, bytes) else literal(value)


CHECKS: Sequence[Check] = (
    *(ids, indexes, conditions, times, created, passwords, engines, sample, seeded),
    *LEGACY_CHECKS,
)
