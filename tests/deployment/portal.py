"""The Portal's side: a real MySQL with its database and its administrator, and RDS Proxy's stand-in before it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.servers.database.private import private_server
from local.servers.rds_proxy.options import Backend, Logins
from local.servers.rds_proxy.proxy import RdsProxy
from tests.deployment.account import KEY

# What an administrator pipes statements into. Between stand-in and server there is no TLS to be required.
_MYSQL = """\
#!{python}
import sys
import pymysql

schema = sys.argv[-1]
with pymysql.connect(unix_socket={socket!r}, user="root", database=schema, autocommit=True) as connection:
    for statement in sys.stdin.read().replace("REQUIRE SSL", "REQUIRE NONE").split(";\\n"):
        if statement.strip():
            connection.cursor().execute(statement)
"""


class Secrets(Mapping[str, str]):
    """The passwords of the secrets in the account that have a user name, by it: looked up at each login, like RDS
    Proxy does."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __getitem__(self, user: str) -> str:
        return self._all()[user]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        names = [secret["Name"] for secret in self._manager.list_secrets()["SecretList"]]
        values = [json.loads(self._manager.get_secret_value(SecretId=name)["SecretString"]) for name in names]
        return {value["username"]: value["password"] for value in values}


class Portal:
    """proxy: what the functions connect to; programs: a folder with `mysql`, the administrator's client."""

    def __init__(self, folder: Path, manager: Any) -> None:
        self._folder = folder
        self._server = private_server(folder / "server", durable=False)
        self._secrets = Secrets(manager)
        self.programs = folder / "bin"

    @contextlib.contextmanager
    def started(self) -> Iterator[Portal]:
        self._server.start()
        self._server.wait()
        try:
            self._write_mysql()
            at = self._server.address
            with RdsProxy(Backend(at.host, at.port), Logins(self._secrets, KEY), self._folder) as self.proxy:
                yield self
        finally:
            self._server.stop()

    @property
    def schema(self) -> str:
        return self._server.address.name

    def execute(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """As the administrator, in the Portal's schema."""
        with contextlib.closing(self._server.administrator()) as connection, connection.cursor() as cursor:
            cursor.execute(f"USE {self.schema}")
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _write_mysql(self) -> None:
        with contextlib.closing(self._server.administrator()) as connection:
            socket = connection.unix_socket
        self.programs.mkdir()
        program = self.programs / "mysql"
        program.write_text(_MYSQL.format(python=sys.executable, socket=socket))
        program.chmod(0o755)
