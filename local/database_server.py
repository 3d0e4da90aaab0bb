"""A private database server as a child process: what MariaDB and MySQL share. It is gone with its parent."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pymysql

from local.processes import die_with_parent, stop

HOST = "127.0.0.1"
USER = "tokens"
DATABASE = "portal"
# Where distributions put a server that is not on an ordinary user's PATH.
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec")
# As the template's proxy sets it: below the 3 s that a function waits for a statement.
LOCK_WAIT_S = 2
# A socket path is at most about 107 bytes long.
_MAX_SOCKET_PATH = 100
_READY_S = 30.0


class NoServer(Exception):
    """There is no database server and none could be brought; the text says what to do."""


class Unusable(Exception):
    """A program is no server that we can start; the text says why."""


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


@dataclass(frozen=True)
class Program:
    """A server that starts here. command: the program, behind a loader where it needs one, and where its own files
    are; environment: what it needs to start."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    def run(self, *options: str, stdin: bytes = b"", timeout_s: float | None = None) -> str:
        """Runs it to its end and returns its output. Raises Unusable."""
        try:
            done = subprocess.run(
                [*self.command, *options],
                input=stdin,
                env={**os.environ, **self.environment},
                capture_output=True,
                check=False,
                timeout=timeout_s,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise Unusable(f"{self.command[0]} does not run: {exc}") from exc
        if done.returncode != 0:
            text = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise Unusable(f"{self.command[0]} does not run: {text[-2000:]}")
        return done.stdout.decode(errors="replace")


class DatabaseServer(ABC):
    """One server over one data folder. durable: commits survive a crash of the machine, as on RDS;
    options: more of the server's own; environment: more variables while it serves."""

    name: ClassVar[str]
    # Of the redo log, all of it.
    log_size_option: ClassVar[str]
    # Beyond those that all servers get, while it serves.
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
        """A server of this kind that is here, or was brought. Raises NoServer."""

    @abstractmethod
    def _make_data_folder(self, program: Program, options: Sequence[str]) -> None:
        """Fills the folder that the options name. Raises Unusable."""

    @abstractmethod
    def _users_sql(self) -> list[str]:
        """One statement each, run by the server at each start: nobody but root over the private socket, and the
        service's user.

        The service's user owns schemas by the name of the Portal's, or beginning with it (tests), and nothing else.
        """

    def start(self) -> None:
        """Starts the server and returns at once; `wait` tells when it serves. Raises NoServer, DatabaseFailed."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        program = self._program()
        _end_stale(self._pid_file)
        if not (self._data / "mysql").is_dir():
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

    def kill(self) -> None:
        """Ends the server as a power cut does (`kill -9`); `start` recovers the data."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """The server goes silent, connections and all, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """A frozen server goes on where it was; harmless for one that runs or is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ends the server; the data stay."""
        if self._process is not None:
            stop(self._process, grace_s=10)
        self._process = None
        if self._socket_dir is not None and self._socket_dir != self._data:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

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
        # Only a finished folder gets the real name: a run that broke off is begun anew.
        shutil.rmtree(self._data, ignore_errors=True)
        fresh.rename(self._data)

    def _launch(self, program: Program) -> None:
        socket_path = self._socket_path()
        users = self._data.with_suffix(".users.sql")
        users.touch(mode=0o600)
        users.write_text("\n".join((*self._users_sql(), "")))
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *program.command,
                    *self._common_options(self._data),
                    f"--socket={socket_path}",
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
                ],
                env={**os.environ, **program.environment, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we end it in order
                preexec_fn=die_with_parent(),
            )

    def _common_options(self, data: Path) -> list[str]:
        """Those for making a data folder and for serving it."""
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        # A folder of its own: at its start a server removes the temporary tables of all others in a shared one.
        temporary = self._state_dir.resolve() / "tmp"
        temporary.mkdir(exist_ok=True)
        return [*as_root, f"--datadir={data}", f"--tmpdir={temporary}"]

    def _socket_path(self) -> Path:
        path = self._data / "s.sock"
        self._socket_dir = path.parent
        if len(os.fsencode(path.resolve())) > _MAX_SOCKET_PATH:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="aut-"))
        return self._socket_dir / "s.sock"


def programs_on_path(names: Sequence[str]) -> list[Path]:
    """Programs by one of the names: those of the PATH, then those of FOLDERS; each once, whatever links to it."""
    found = (
        shutil.which(name, path=folder)
        for folder in (*os.environ.get("PATH", "").split(os.pathsep), *FOLDERS)
        if folder
        for name in names
    )
    return list(dict.fromkeys(Path(program).resolve() for program in found if program))


@contextlib.contextmanager
def brought_once(tree: Path) -> Iterator[None]:
    """Whoever comes second, from another process, waits and finds what the first has brought into the tree."""
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_name(f"{tree.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


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
