"""A private database server as a child process: what MariaDB and MySQL have in common."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pymysql

from local.host.ports import HOST, free_port
from local.host.processes import die_with_parent, stop
from local.servers.database.address import DATABASE, USER, Connection, DatabaseAddress, connect
from local.servers.database.program import Program, Unusable

# As the templates set it for the proxy: less than the 3 s that a function waits for a statement.
LOCK_WAIT_S = 2
# A socket path is at most about 107 bytes long.
_MAX_SOCKET_PATH = 100
_READY_S = 30.0


class DatabaseFailed(Exception):
    """The server did not start. The text ends with what it logged."""


class DatabaseServer(ABC):
    """One server with one data folder. It ends with this process.

    durable: commits survive a crash of the machine, as on RDS.
    options: more options of the server. environment: more variables of the serving process.
    """

    name: ClassVar[str]
    # The option for the size of the whole redo log.
    log_size_option: ClassVar[str]
    # Options of the serving process, besides those that all kinds of servers have.
    serving_options: ClassVar[Sequence[str]]

    def __init__(
        self,
        state_dir: Path,
        *,
        durable: bool = True,
        options: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._state_dir = state_dir
        self._data = state_dir / self.name.lower()
        self._durable = durable
        self._options = options
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self.address = DatabaseAddress(HOST, free_port(), DATABASE, USER, secrets.token_urlsafe(18))

    @abstractmethod
    def _program(self) -> Program:
        """A server of this kind, installed or fetched. Raises NoServer."""

    @abstractmethod
    def _make_data_folder(self, program: Program, options: Sequence[str]) -> None:
        """Fills the data folder that the options name. Raises Unusable."""

    @abstractmethod
    def _users_sql(self) -> list[str]:
        """The statements that the server runs at each start. They leave two users: root, over the private socket,
        and the service's user.

        The service's user owns the Portal's schema and those whose name begins with its name (tests), nothing else.
        """

    def start(self) -> None:
        """Starts the server and returns at once; `wait` returns when it serves. Raises NoServer, DatabaseFailed."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        program = self._program()
        _end_stale(self._pid_file)
        if self.is_new:
            self._set_up(program)
        self._launch(program)

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
        log = self._log_file.read_text(errors="replace")
        self.stop()
        raise DatabaseFailed(f"{self.name} did not start; it logged:\n{log[-2000:]}")

    def connect(self) -> Connection:
        """A connection of the service's user."""
        return connect(self.address)

    def administrator(self) -> Connection:
        """A connection of root, over the private socket."""
        assert self._socket_dir is not None
        return pymysql.connect(unix_socket=str(self._socket_dir / "s.sock"), user="root", autocommit=True)

    def kill(self) -> None:
        """Ends the server as a power cut does (`kill -9`). `start` recovers the data."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stops the server's process, so that its connections are silent until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continues a frozen server. Harmless for one that runs or has ended."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ends the server. Its data stay."""
        if self._process is not None:
            stop(self._process, grace_s=10)
        self._process = None
        if self._socket_dir is not None and self._socket_dir != self._data:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    @property
    def is_new(self) -> bool:
        """Whether its data folder is still to be made."""
        return not (self._data / "mysql").is_dir()

    @property
    def pid(self) -> int:
        """Of the serving process."""
        assert self._process is not None
        return self._process.pid

    @property
    def _pid_file(self) -> Path:
        return self._data / "server.pid"

    @property
    def _log_file(self) -> Path:
        return self._data.with_suffix(".log")

    def _set_up(self, program: Program) -> None:
        fresh = self._data.with_suffix(".fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            self._make_data_folder(program, self._common_options(fresh))
        except Unusable as exc:
            raise DatabaseFailed(f"{self.name} could not be set up:\n{exc}") from exc
        # Only a complete folder gets the real name. After an interrupted run the set-up begins again.
        shutil.rmtree(self._data, ignore_errors=True)
        fresh.rename(self._data)

    def _launch(self, program: Program) -> None:
        options = self._launch_options()
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*program.command, *options],
                env={**os.environ, **program.environment, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C must not reach the server: `stop` ends it
                preexec_fn=die_with_parent(),
            )

    def _launch_options(self) -> list[str]:
        users = self._data.with_suffix(".users.sql")
        users.touch(mode=0o600)
        users.write_text("\n".join((*self._users_sql(), "")))
        return [
            *self._common_options(self._data),
            f"--socket={self._socket_path()}",
            f"--pid-file={self._pid_file}",
            f"--bind-address={HOST}",
            f"--port={self.address.port}",
            f"--init-file={users}",
            f"--innodb-flush-log-at-trx-commit={int(self._durable)}",
            "--innodb-fast-shutdown=2",
            f"--innodb-lock-wait-timeout={LOCK_WAIT_S}",
            f"--lock-wait-timeout={LOCK_WAIT_S}",
            "--skip-name-resolve",
            "--performance-schema=off",
            "--character-set-server=utf8mb4",
            *self.serving_options,
            *self._options,
        ]

    def _common_options(self, data: Path) -> list[str]:
        """Options both for making a data folder and for serving it."""
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        # Each server has its own folder: in a shared one, a starting server removes the temporary tables of the others.
        temporary = self._state_dir.resolve() / "tmp"
        temporary.mkdir(exist_ok=True)
        return [*as_root, f"--datadir={data}", f"--tmpdir={temporary}"]

    def _socket_path(self) -> Path:
        path = self._data / "s.sock"
        self._socket_dir = path.parent
        if len(os.fsencode(path.resolve())) > _MAX_SOCKET_PATH:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="aut-"))
        return self._socket_dir / "s.sock"


def _end_stale(pid_file: Path) -> None:
    """Ends the server that a killed run left behind, because two servers must not share a data folder."""
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
