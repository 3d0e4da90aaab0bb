"""Numbered SQL files, applied once each and in order; safe to run twice and from two places at once.

The run is serialised by a row lock on a second connection: it ends with its holder, unlike a lease, and
unlike GET_LOCK it does not pin RDS Proxy. MySQL commits DDL implicitly, so each statement must be one that
may run again: a run that died half-way is simply repeated. CREATE TABLE says IF NOT EXISTS. ALTER TABLE … ADD has
no such words in MySQL; it adds one thing, and a column or key that is there already counts as added.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.constants import ER

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Transaction
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.portal_mapping import OWN_TABLES, PortalMapping

# Another run may hold the lock for long, and one wait for it is as short as any other lock's.
MAX_WAITS = 8

_ALREADY_ADDED = frozenset({ER.DUP_FIELDNAME, ER.DUP_KEYNAME})

CREATE_MIGRATIONS = """
CREATE TABLE IF NOT EXISTS auth_token_migrations (
  name VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
    COMMENT 'File name; the empty name is the row that a run locks',
  checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 of the file as applied',
  applied_at DATETIME(6) NOT NULL
) ENGINE=InnoDB
"""

INSERT_LOCK_ROW = """
INSERT INTO auth_token_migrations (name, checksum, applied_at)
VALUES ('', '', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE name = VALUES(name)
"""

# Index: primary key.
LOCK_MIGRATIONS = "SELECT name FROM auth_token_migrations WHERE name = '' FOR UPDATE"

SELECT_MIGRATIONS = f"SELECT name, checksum FROM auth_token_migrations WHERE name <> '' {EVERY_ROW}"

INSERT_MIGRATION = """
INSERT INTO auth_token_migrations (name, checksum, applied_at)
VALUES (%s, %s, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE name = VALUES(name)
"""

# The columns of tables in the service's own schema.
SELECT_COLUMNS = f"""
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS in_table, COLUMN_NAME AS name, COLUMN_TYPE AS type
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN %s
ORDER BY TABLE_NAME, ORDINAL_POSITION
{EVERY_ROW}
"""

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (?P<name>\w+) \((?P<body>.*)\)", re.DOTALL)
# Keys and constraints begin with a word in upper case.
_COLUMN = re.compile(r"^  (?P<name>[a-z]\w*) [A-Z]", re.MULTILINE)
_SHOWN = 3


class MigrationError(Exception):
    """A migration that was applied has been edited since, or a table of another owner has the name of one of ours;
    nothing was run."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, its statements separated by `;` at a line's end."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        parts = ("\n".join(lines) + "\n").split(";\n")
        return [part.strip() for part in parts if part.strip()]

    @property
    def tables(self) -> dict[str, list[str]]:
        """The tables that it makes, with the columns that they have then."""
        return dict(_tables_in(self.statements))


def migrations_in(folder: Path) -> list[Migration]:
    """The folder's *.sql, in the order of their numbers."""
    return [Migration(path.name, path.read_text("utf-8")) for path in sorted(folder.glob("*.sql"))]


def wanted(migrations: Sequence[Migration], mapping: PortalMapping) -> list[Migration]:
    """Those that apply: a Portal that has its own tables gets none that stand in for them."""
    if mapping.is_of_own_tables:
        return list(migrations)
    return [each for each in migrations if not each.tables or not set(each.tables) <= set(OWN_TABLES.tables)]


def migrate(migrations: list[Migration], lock: Database, database: Database) -> list[str]:
    """Apply what is not applied yet; answers the names. Raises MigrationError, Unavailable.

    lock, database: two connections to the same schema.
    """
    refuse_foreign_tables(migrations, database)
    database.execute(CREATE_MIGRATIONS)
    database.execute(INSERT_LOCK_ROW)

    def locked(statements: Transaction) -> list[str]:
        statements.query(LOCK_MIGRATIONS)
        return _apply(migrations, database)

    for _ in range(MAX_WAITS - 1):
        try:
            return lock.transaction(locked)
        except Unavailable as exc:
            if not exc.is_contention:
                raise
    return lock.transaction(locked)


def refuse_foreign_tables(migrations: Iterable[Migration], database: Database) -> None:
    """Raises MigrationError for a table that has the name of one of ours and lacks columns with which ours begins: an
    earlier run that died has made none such. (The register does not tell: a run that died on such a table may have
    registered the migration that was to make it.) Raises Unavailable."""
    made = [table for migration in migrations for table in migration.tables.items()]
    ours = {**dict(_tables_in([CREATE_MIGRATIONS])), **dict(made)}
    names = [name for name in ours if name not in OWN_TABLES.tables]
    found: dict[str, list[dict[str, str]]] = {}
    for row in database.query(SELECT_COLUMNS, (names,)):
        found.setdefault(row["in_table"], []).append(row)
    for name, columns in found.items():
        if missing := [column for column in ours[name] if column not in {row["name"] for row in columns}]:
            raise MigrationError(_foreign(columns, missing))


def _foreign(columns: Sequence[dict[str, str]], missing: Sequence[str]) -> str:
    has = ", ".join(f"{row['name']} {row['type']}" for row in columns[:_SHOWN])
    lacks = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if missing[_SHOWN:] else "")
    name = f"{columns[0]['in_schema']}.{columns[0]['in_table']}"
    return (
        f"Stopped before any change. `{name}` exists and is not this service's: it has {has}"
        f"{', …' if columns[_SHOWN:] else ''}; {lacks} {'are' if missing[1:] else 'is'} missing."
        " Ways out: (1) recommended: give the service a schema of its own (DB_NAME), and say in the mapping where the"
        " Portal's tables are (`schema`); (2) if the table is no longer used, rename it yourself. This service never"
        " renames, changes or drops it."
    )


def _tables_in(statements: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for match in filter(None, map(_TABLE.match, (statement.strip() for statement in statements))):
        yield match["name"], _COLUMN.findall(match["body"])


def _apply(migrations: list[Migration], database: Database) -> list[str]:
    applied = {row["name"]: row["checksum"] for row in database.query(SELECT_MIGRATIONS)}
    _check(migrations, applied)
    pending = [migration for migration in migrations if migration.name not in applied]
    for migration in pending:
        for statement in migration.statements:
            _run(statement, database)
        database.execute(INSERT_MIGRATION, (migration.name, migration.checksum))
    return [migration.name for migration in pending]


def _run(statement: str, database: Database) -> None:
    try:
        database.execute(statement)
    except pymysql.err.OperationalError as exc:
        if exc.args[0] not in _ALREADY_ADDED:
            raise


def _check(migrations: list[Migration], applied: dict[str, str]) -> None:
    known = {migration.name: migration.checksum for migration in migrations}
    for name, checksum in applied.items():
        # A name this code does not know was applied by a newer deployment: rollbacks must work.
        if name in known and known[name] != checksum:
            raise MigrationError(f"{name} was changed after it had been applied")
