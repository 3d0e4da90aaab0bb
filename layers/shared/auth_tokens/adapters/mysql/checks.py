"""Checks of the database and of the own rights, for `python -m deploy STACK doctor`. Nothing here writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import ER

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.migrations import SELECT_MIGRATIONS, Migration

# Of the user who asks. MariaDB shows the hash of its password in the row of GRANT USAGE: it is not handed on.
SHOW_GRANTS = "SHOW GRANTS"
_GRANT = re.compile(r"GRANT (?P<privileges>.+) ON (?P<object>\S+) TO ")

SELECT_CLOCK = "SELECT CAST(UNIX_TIMESTAMP() AS UNSIGNED) AS now_s LIMIT 1"

# Index: none needed; the table has at most a few dozen rows.
SELECT_KEY_AGES = f"""
SELECT kid, purpose, state, TIMESTAMPDIFF(SECOND, changed_at, UTC_TIMESTAMP(6)) AS age_s
FROM auth_token_keys
WHERE state <> 'gone'
ORDER BY purpose, epoch
{EVERY_ROW}
"""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Names of migrations, in their order. changed: applied, and edited since."""

    applied: list[str]
    pending: list[str]
    changed: list[str]


def own_grants(database: Database) -> list[dict[str, str]]:
    """What the database user at hand may do: privileges as the server writes them (with columns), on SCHEMA.TABLE.

    Rights from a role are not included. Raises Unavailable.
    """
    rows = (str(next(iter(row.values()))) for row in database.query(SHOW_GRANTS))
    found = (_GRANT.match(row) for row in rows)
    return [
        {"privileges": _bare(match["privileges"]), "on": _bare(match["object"])} for match in found if match
    ]


def schema_state(migrations: list[Migration], database: Database) -> SchemaState:
    """The migrations that a run of migrate would find and apply. Raises Unavailable."""
    applied = _applied(database)
    known = {migration.name: migration.checksum for migration in migrations}
    return SchemaState(
        applied=sorted(applied),
        pending=[name for name in known if name not in applied],
        changed=[name for name in known if name in applied and applied[name] != known[name]],
    )


def key_ages(database: Database, use_for_s: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each key that is not gone, with the seconds that it has been in its state. use_for_s: by purpose, how long it is
    used before another takes its turn; 0 where an operator decides. Empty without a table. Raises Unavailable."""
    rows = _or_nothing(database, SELECT_KEY_AGES)
    return [{**row, "use_for_s": use_for_s.get(row["purpose"], 0)} for row in rows]


def database_clock(database: Database) -> int:
    """Epoch seconds. Raises Unavailable."""
    [row] = database.query(SELECT_CLOCK)
    return int(row["now_s"])


def _applied(database: Database) -> dict[str, str]:
    return {row["name"]: row["checksum"] for row in _or_nothing(database, SELECT_MIGRATIONS)}


def _or_nothing(database: Database, sql: str) -> list[dict[str, Any]]:
    """The rows; none where the table is not made yet, or not ours to read before it is."""
    try:
        return database.query(sql)
    except pymysql.err.Error as exc:
        if exc.args[0] == ER.NO_SUCH_TABLE:
            return []
        raise


def _bare(text: str) -> str:
    """Without quotes, and without the backslash before the _ of a schema's name."""
    return text.replace("`", "").replace("\\", "")
