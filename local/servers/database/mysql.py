"""A private MySQL, the server of production, with its own defaults but for what docs/how-to/deploy.md asks of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from local.host.paths import ROOT, STATE
from local.host.ports import HOST
from local.servers.database.program import Program, Unusable, found_or_fetched, programs_on_path
from local.servers.database.server import DatabaseServer

_TREE = STATE / "mysql-tree"
_BRING = ROOT / "scripts" / "mysql-server"
# By default MySQL reserves a folder for LOAD DATA, and does not start if that is missing.
_NO_FILES = "--secure-file-priv="
# Certificates are given by --ssl-cert. Nobody would trust one that the server made itself.
_NO_CERTIFICATES = "--auto-generate-certs=OFF"
# Off by default on few processors after 8.0: a commit can then wait 100 ms for a signal that nobody sends (ADR 0034).
# 8.0.21 and earlier have no such variable, and such threads always.
_LOG_WRITERS = "--loose-innodb-log-writer-threads=ON"


class MySql(DatabaseServer):
    """MySQL, installed or unpacked here."""

    name = "MySQL"
    log_size_option = "--innodb-redo-log-capacity"
    serving_options = (
        _NO_FILES,
        _NO_CERTIFICATES,
        _LOG_WRITERS,
        "--mysqlx=OFF",
        "--skip-log-bin",
        f"{log_size_option}=32M",
    )

    def _program(self) -> Program:
        return mysql_program()

    def _make_data_folder(self, program: Program, options: Sequence[str]) -> None:
        program.run(*options, _NO_FILES, _NO_CERTIFICATES, "--initialize-insecure")

    def _users_sql(self) -> list[str]:
        at = self.address
        return [
            f"CREATE DATABASE IF NOT EXISTS {at.name} CHARACTER SET utf8mb4;",
            f"DROP USER IF EXISTS {at.user}@'{HOST}';",
            f"CREATE USER {at.user}@'{HOST}' IDENTIFIED BY '{at.password}';",
            f"GRANT ALL ON `{at.name}%`.* TO {at.user}@'{HOST}';",
        ]


def mysql_program(tree: Path = _TREE) -> Program:
    """A MySQL that starts here. tree: the folder where it is unpacked once, for all runs. Raises NoServer."""
    packages = "Ubuntu: apt-get install mysql-server-core; macOS: brew install mysql"
    return found_or_fetched("MySQL", packages, tree, _candidates, [_BRING, tree])


def _candidates(tree: Path) -> Iterator[Callable[[], Program]]:
    return (partial(_usable, program) for program in _programs(tree))


def _usable(program: Program) -> Program:
    """The program, if it runs here and is MySQL. Raises Unusable."""
    if "MariaDB" in program.run("--version", timeout_s=30):
        raise Unusable(f"{program.command[0]} is MariaDB")
    return program


def _programs(tree: Path) -> Iterator[Program]:
    """Programs with the server's name: those on the PATH, then the unpacked one."""
    for path in programs_on_path(("mysqld",)):
        yield Program((str(path), "--no-defaults"), {})
    if (tree / "usr/sbin/mysqld").exists():
        yield _unpacked(tree.resolve())


def _unpacked(tree: Path) -> Program:
    """The unpacked server, started by its own loader with its own C library. The machine's may be older."""
    libraries = [
        *sorted(tree.glob("lib/*-linux-gnu*")),
        *sorted(tree.glob("usr/lib/*-linux-gnu*")),
        tree / "usr/lib/mysql/private",
    ]
    loaders = [path for folder in libraries for path in sorted(folder.glob("ld-linux*.so.*"))]
    behind = [str(loaders[0]), "--library-path", ":".join(map(str, libraries))] if loaders else []
    share = tree / "usr/share/mysql"
    command = (
        *behind,
        str(tree / "usr/sbin/mysqld"),
        "--no-defaults",
        f"--basedir={tree / 'usr'}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={tree / 'usr/lib/mysql/plugin'}",
    )
    return Program(command, {})
