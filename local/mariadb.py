"""A private MariaDB as a child process: bootstrapped by a few lines, set up like RDS MySQL, gone with its parent."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from local.mariadb_install import ServerFiles, server_files
from local.processes import die_with_parent, stop

HOST = "127.0.0.1"
USER = "tokens"
DATABASE = "portal"
# A socket path is at most about 107 bytes long.
_MAX_SOCKET_PATH = 100
_READY_S = 30.0
_SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)


class DatabaseFailed(Exception):
    """The server did not start; the text ends with what it logged."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and who may use it."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


class MariaDb:
    """One server over one data folder. durable: commits survive a crash of the machine, as on RDS;
    options: more of the server's own."""

    def __init__(self, state_dir: Path, *, durable: bool = True, options: Sequence[str] = ()) -> None:
        self._state_dir = state_dir
        self._data = state_dir / "mariadb"
        self._durable = durable
        self._options = options
        self._files: ServerFiles | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self.address = DatabaseAddress(HOST, free_port(), DATABASE, USER, secrets.token_urlsafe(18))

    def start(self) -> None:
        """Starts the server and returns at once; `wait` tells when it serves. Raises NoServer."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self._files = server_files()
        _end_stale(self._data / "mariadbd.pid")
        if not (self._data / "mysql").is_dir():
            self._bootstrap(self._files)
        self._launch(self._files)

    def wait(self) -> None:
        """Returns once the server serves. Raises DatabaseFailed."""
        assert self._process is not None
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.connect().close()
            except pymysql.err.MySQLError:
                time.sleep(0.02)
            else:
                return
        log = (self._state_dir / "mariadb.log").read_text(errors="replace")
        self.stop()
        raise DatabaseFailed(f"MariaDB did not start; it logged:\n{log[-2000:]}")

    def connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection of the service's own user."""
        at = self.address
        return pymysql.connect(
            host=at.host,
            port=at.port,
            user=at.user,
            password=at.password,
            database=at.name,
            autocommit=True,
            ssl_disabled=True,
        )

    def administrator(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection of root, over the private socket."""
        assert self._socket_dir is not None
        return pymysql.connect(unix_socket=str(self._socket_dir / "s.sock"), user="root", autocommit=True)

    def stop(self) -> None:
        """Ends the server; the data stay."""
        if self._process is not None:
            stop(self._process, grace_s=10)
        self._process = None
        if self._socket_dir is not None and self._socket_dir != self._data:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _bootstrap(self, files: ServerFiles) -> None:
        """Makes the data folder: the server's own scripts, one statement a line, into a bootstrap run."""
        fresh = self._data.with_name("mariadb.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        sql = b"create database mysql;\nuse mysql;\n"
        sql += b"".join(script.read_bytes() for script in files.scripts)
        done = subprocess.run(
            [*self._command(files, fresh), "--bootstrap", "--innodb-buffer-pool-size=8M"],
            input=sql,
            env={**os.environ, **files.environment},
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise DatabaseFailed(
                f"MariaDB could not be set up:\n{done.stderr.decode(errors='replace')[-2000:]}"
            )
        # Only a finished folder gets the real name: a run that broke off is begun anew.
        shutil.rmtree(self._data, ignore_errors=True)
        fresh.rename(self._data)

    def _launch(self, files: ServerFiles) -> None:
        socket_path = self._socket_path()
        users = self._state_dir / "mariadb-users.sql"
        users.touch(mode=0o600)
        users.write_text(_users_sql(self.address))
        with (self._state_dir / "mariadb.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *self._command(files, self._data),
                    f"--socket={socket_path}",
                    f"--pid-file={self._data / 'mariadbd.pid'}",
                    f"--bind-address={HOST}",
                    f"--port={self.address.port}",
                    f"--init-file={users}",
                    f"--innodb-flush-log-at-trx-commit={int(self._durable)}",
                    "--innodb-fast-shutdown=2",
                    "--skip-name-resolve",
                    "--performance-schema=off",
                    f"--sql-mode={_SQL_MODE}",
                    "--character-set-server=utf8mb4",
                    *self._options,
                ],
                env={**os.environ, **files.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we end it in order
                preexec_fn=die_with_parent(),
            )

    def _command(self, files: ServerFiles, data: Path) -> list[str]:
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        # A folder of its own: at its start a server removes the temporary tables of all others in a shared one.
        temporary = self._state_dir.resolve() / "tmp"
        temporary.mkdir(exist_ok=True)
        options = [f"--datadir={data}", f"--tmpdir={temporary}", "--innodb-log-file-size=16M", *files.options]
        return [str(files.program), "--no-defaults", *as_root, *options]

    def _socket_path(self) -> Path:
        path = self._data / "s.sock"
        self._socket_dir = path.parent
        if len(os.fsencode(path.resolve())) > _MAX_SOCKET_PATH:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="aut-"))
        return self._socket_dir / "s.sock"


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _users_sql(address: DatabaseAddress) -> str:
    """Run by the server at each start: nobody but root over the private socket, and the service's user.

    The service's user owns schemas by the name of the Portal's, or beginning with it (tests), and nothing else.
    """
    return "\n".join(
        (
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND (User <> 'root' OR Host <> 'localhost');",
            "FLUSH PRIVILEGES;",
            f"CREATE DATABASE IF NOT EXISTS {address.name} CHARACTER SET utf8mb4;",
            f"CREATE OR REPLACE USER {address.user}@'{HOST}' IDENTIFIED BY '{address.password}';",
            f"GRANT ALL ON `{address.name}%`.* TO {address.user}@'{HOST}';",
            "",
        )
    )


def _end_stale(pid_file: Path) -> None:
    """Ends the server of a run that was killed where nothing ended it: two on one data folder would not do."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if os.fsencode(str(pid_file)) in command:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
