"""A database that local mode did not make: it is looked at first, and changed with consent alone. `make doctor`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pymysql

from auth_tokens.adapters.mysql.checks import database_clock, schema_state
from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.migrations import (
    Migration,
    MigrationError,
    migrations_in,
    refuse_foreign_tables,
    wanted,
)
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.mysql.portal_checks import LOCAL_MODE, SELECT_LOCAL_MODE, portal_findings
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.portal_mapping import PortalMapping
from local.host.paths import ROOT
from local.servers.database.address import DatabaseAddress, connect, database_address

CREATE = "TOKENS_DB_CREATE"
_MIGRATIONS = ROOT / "functions" / "migrate" / "sql"
_MARKS = {"ok": "ok    ", "should": "should", "must": "MUST  "}
_TIMEOUT_S = 10
# Beyond the service's leeway for clocks, tokens are refused at once.
MAX_SKEW_S = 30


class Refused(Exception):
    """Nothing was changed. The text says what to do."""


@dataclass(frozen=True)
class ExistingDatabase:
    """A database that was there before local mode, and the mapping of the Portal's tables on it."""

    at: DatabaseAddress
    mapping: PortalMapping

    @property
    def is_own(self) -> bool:
        """Made by local mode, or still empty. Raises pymysql.err.MySQLError."""
        if not self.mapping.is_of_own_tables:
            return False
        with contextlib.closing(connect(self.at)) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TABLES")
            tables = {str(row[0]) for row in cursor.fetchall()}
            if "auth_token_jobs" not in tables:
                return not tables
            cursor.execute(SELECT_LOCAL_MODE, (LOCAL_MODE,))
            return cursor.fetchone() is not None

    def findings(self) -> Iterator[tuple[str, str]]:
        """(level, sentence) of each check. Raises Unavailable."""
        with contextlib.closing(self._database()) as database:
            try:
                refuse_foreign_tables(self._migrations, database)
            except MigrationError as exc:
                yield "must", str(exc)
            for name in schema_state(self._migrations, database).changed:
                yield "must", f"{name} was changed after it had been applied: restore it."
            apart_s = abs(database_clock(database) - time.time())
            if apart_s > MAX_SKEW_S:
                yield "must", f"The database's clock is {apart_s:.0f} s off this machine's: set both by NTP."
            for found in portal_findings(database, PortalTables(self.mapping)):
                yield found["level"], found["sentence"]

    def will_do(self) -> str:
        """What `make run` would change. Raises Unavailable."""
        with contextlib.closing(self._database()) as database:
            pending = schema_state(self._migrations, database).pending
        count = sum(len(each.tables) for each in self._migrations if each.name in pending)
        made = f"create {count} tables" if count else "create no table"
        where = f"{self.at.name} on {self.at.host}:{self.at.port}"
        return f"Will {made} in {where}, and run clean-up, analytics and key rotation there."

    @property
    def _migrations(self) -> list[Migration]:
        return wanted(migrations_in(_MIGRATIONS), self.mapping)

    def _database(self) -> Database:
        at = self.at
        return Database(
            DatabaseConfig(
                at.host, at.port, at.name, at.user, at.password, verify_tls=False, timeout_s=_TIMEOUT_S
            )
        )


def named_by_environment() -> ExistingDatabase | None:
    """The database of TOKENS_DB_URL with the mapping of PORTAL_MAP; None without one. Raises ValueError."""
    url, file = os.environ.get("TOKENS_DB_URL"), os.environ.get("PORTAL_MAP", "")
    mapping = mapping_of(file)
    if url:
        return ExistingDatabase(database_address(url), mapping)
    if not mapping.is_of_own_tables:
        raise Refused(
            f"{file} names tables of a Portal, and the private database has none: say by TOKENS_DB_URL where they are"
        )
    return None


def agree(database: ExistingDatabase) -> None:
    """Returns if the database is fit for the service and its owner agrees. Raises Refused, Unavailable."""
    if report(database):
        raise Refused("mend first what is marked MUST; nothing was changed")
    will = database.will_do()
    if os.environ.get(CREATE) == "yes":
        return
    if not sys.stdin.isatty():
        raise Refused(
            f"local mode did not make this database. {will} Set {CREATE}=yes to agree; nothing was changed"
        )
    print(f"{will} Continue? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("nothing was changed")


def report(database: ExistingDatabase) -> bool:
    """Prints each finding to standard error. Whether one is a `must`. Raises Unavailable."""
    levels = set()
    for level, sentence in database.findings():
        print(f"{_MARKS[level]} {sentence}", file=sys.stderr)
        levels.add(level)
    return "must" in levels


def main() -> int:
    """`make doctor`. 0: all is well, but for advice; 1: something must be mended; 2: it could not be looked at."""
    try:
        database = named_by_environment()
        if database is None:
            raise Refused(
                "say by TOKENS_DB_URL which database to look at, and by PORTAL_MAP how its tables are named"
            )
        return int(report(database))
    except (Refused, ValueError, Unavailable, pymysql.err.MySQLError) as exc:
        print(f"make doctor: {exc}", file=sys.stderr)
        return 2
