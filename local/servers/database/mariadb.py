"""A private MariaDB, configured like RDS for MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from local.host.ports import HOST
from local.servers.database.mariadb_install import ServerFiles, server_files
from local.servers.database.program import Program
from local.servers.database.server import DatabaseServer

_SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)


class MariaDb(DatabaseServer):
    """MariaDB, installed or fetched."""

    name = "MariaDB"
    log_size_option = "--innodb-log-file-size"
    serving_options = (f"--sql-mode={_SQL_MODE}", f"{log_size_option}=16M")
    _files: ServerFiles

    def _program(self) -> Program:
        self._files = server_files()
        command = (str(self._files.program), "--no-defaults", *self._files.options)
        return Program(command, self._files.environment)

    def _make_data_folder(self, program: Program, options: Sequence[str]) -> None:
        """Feeds the server's own scripts to a bootstrap run, which reads one statement a line."""
        sql = b"create database mysql;\nuse mysql;\n"
        sql += b"".join(script.read_bytes() for script in self._files.scripts)
        program.run(
            *options, f"{self.log_size_option}=16M", "--bootstrap", "--innodb-buffer-pool-size=8M", stdin=sql
        )

    def _users_sql(self) -> list[str]:
        at = self.address
        return [
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND (User <> 'root' OR Host <> 'localhost');",
            "FLUSH PRIVILEGES;",
            f"CREATE DATABASE IF NOT EXISTS {at.name} CHARACTER SET utf8mb4;",
            f"CREATE OR REPLACE USER {at.user}@'{HOST}' IDENTIFIED BY '{at.password}';",
            f"GRANT ALL ON `{at.name}%`.* TO {at.user}@'{HOST}';",
        ]
