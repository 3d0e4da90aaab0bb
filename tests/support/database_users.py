"""The service's database users as a deployment makes them, on a schema of a test."""

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in
from deploy.database_users import CLASSES, Login, grants_sql, users_sql
from local.servers.database.address import DatabaseAddress

MIGRATIONS = Path(__file__).parents[2] / "functions/migrate/sql"


class DatabaseUsers:
    """Temporary users by the steps of docs/how-to/deploy.md: users.sql, migrations by the migrator, grants.sql."""

    def __init__(
        self, administrator: "pymysql.Connection[Cursor]", at: DatabaseAddress, portal: Any = None
    ) -> None:
        """portal: the JSON of a mapping, on a schema that is migrated."""
        self._administrator = administrator
        self._at = at
        self._portal = portal
        mark = secrets.token_hex(4)
        self.logins = {name: Login(f"{name}_{mark}", secrets.token_hex(16)) for name in CLASSES}

    def __enter__(self) -> "DatabaseUsers":
        self._run(users_sql(self._at.name, self.logins, tls="NONE"))
        lock, database = (Database(self.config("migrator")) for _ in range(2))
        with contextlib.closing(lock), contextlib.closing(database):
            if self._portal is None:
                migrate(migrations_in(MIGRATIONS), lock, database)
        self._run(grants_sql(self._at.name, self.logins, self._portal))
        return self

    def __exit__(self, *_: object) -> None:
        self._run([f"DROP USER {login.user}@'%'" for login in self.logins.values()])

    @property
    def parameters(self) -> dict[str, str]:
        """Of foundation.yaml: the names."""
        return {f"Db{name.capitalize()}User": login.user for name, login in self.logins.items()}

    @property
    def passwords(self) -> dict[str, str]:
        return {login.user: login.password for login in self.logins.values()}

    def config(self, name: str) -> DatabaseConfig:
        """How a class of functions connects."""
        at, login = self._at, self.logins[name]
        return DatabaseConfig(at.host, at.port, at.name, login.user, login.password, verify_tls=False)

    def _run(self, statements: Sequence[str]) -> None:
        with self._administrator.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
