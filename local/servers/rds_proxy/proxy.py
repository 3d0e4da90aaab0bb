"""The proxy: listens, serves each client on a thread, and fails when a test asks for it."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.host.certificates import Authority
from local.servers.rds_proxy.client import Client
from local.servers.rds_proxy.faults import Cut, Faults
from local.servers.rds_proxy.iam import TokenRefused, check_token
from local.servers.rds_proxy.login import LoginRefused, log_in
from local.servers.rds_proxy.options import Backend, Logins, ProxyOptions
from local.servers.rds_proxy.pool import Pool
from local.servers.rds_proxy.server_connection import cut

_ADDRESS = "127.0.0.1"
HOST = "localhost"
_LOGIN_S = 10
_ACCEPT_S = 0.1
# What a client without a valid login can cause.
_NO_LOGIN = (LoginRefused, OSError, EOFError, ValueError, struct.error, LookupError)


@dataclass(frozen=True, slots=True)
class Pin:
    """A statement that bound its client to one server connection."""

    user: str
    reason: str
    statement: str


class RdsProxy:
    """A context manager; after `start` it serves at `host` and `port` with a certificate of `ca_file`.

    folder: for the certificates. clock: epoch seconds, for the age of tokens.
    pins: the statements that pinned so far. users: who has logged in. refusals: why others could not.
    """

    def __init__(
        self,
        backend: Backend,
        logins: Logins,
        folder: Path,
        options: ProxyOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options or ProxyOptions()
        self._logins = logins
        self._clock = clock
        authority = Authority(folder, "proxy-ca")
        self.ca_file = authority.ca_file
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*authority.issue(HOST))
        self._pool = Pool(backend, logins.passwords, self._options)
        self._faults = Faults()
        self.host, self.port = HOST, 0
        self.pins: list[Pin] = []
        self.users: set[str] = set()
        self.refusals: list[str] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._is_stopping = threading.Event()
        self._listening: threading.Thread | None = None

    def __enter__(self) -> RdsProxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts listening. Raises OSError."""
        self._listen()

    def stop(self) -> None:
        """Ends all sessions, and rolls back their transactions. Safe to call twice."""
        self._stop_listening()
        self._faults.end()
        self.drop_clients()
        self._pool.close()
        for client in list(self._clients):
            client.join(5)

    @property
    def clients(self) -> int:
        """How many client connections are open now."""
        with self._lock:
            return len(self._clients)

    @property
    def server_connections(self) -> int:
        """How many server connections are open now."""
        return self._pool.size

    @property
    def opened(self) -> int:
        """How many server connections were ever opened."""
        return self._pool.opened

    @property
    def pending_cuts(self) -> int:
        """How many cuts have not been used yet."""
        return self._faults.pending_cuts

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuses new connections. Connected clients are served."""
        self._stop_listening()
        try:
            yield
        finally:
            self._listen()

    def hanging(self) -> contextlib.AbstractContextManager[None]:
        """New connections get no greeting. Connected clients are served."""
        return self._faults.hanging.on()

    def swallowing(self) -> contextlib.AbstractContextManager[None]:
        """Commands of connected clients get no answer, and do not reach the server."""
        return self._faults.swallowing.on()

    @contextlib.contextmanager
    def exhausted(self) -> Iterator[None]:
        """No server connection becomes free."""
        self._pool.is_exhausted = True
        try:
            yield
        finally:
            self._pool.is_exhausted = False

    def cut_answer(self, after_bytes: int, of: bytes = b"", times: int = 1) -> None:
        """Breaks off the next answers to statements that contain `of`, and drops their clients. The server has run
        the statements."""
        self._faults.cut(Cut(after_bytes, of), times)

    def fail_over(self, backend: Backend) -> None:
        """Cuts all server connections, and uses another server from now on. Clients stay connected, except for those
        in a statement or a transaction."""
        self._pool.move_to(backend)

    def drop_clients(self) -> None:
        """Cuts all client connections."""
        with self._lock:
            sockets = list(self._clients.values())
        for connection in sockets:
            cut(connection)

    def _listen(self) -> None:
        listener = socket.create_server((_ADDRESS, self.port), backlog=128)
        listener.settimeout(_ACCEPT_S)
        self.port = listener.getsockname()[1]
        self._is_stopping.clear()
        self._listening = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._listening.start()

    def _stop_listening(self) -> None:
        self._is_stopping.set()
        if self._listening:
            self._listening.join()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while not self._is_stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    plain, _ = listener.accept()
                    thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
                    with self._lock:
                        self._clients[thread] = plain
                    thread.start()

    def _serve(self, plain: socket.socket) -> None:
        me = threading.current_thread()
        try:
            if not self._faults.hanging.outlasted():
                self._session(plain, me)
        except _NO_LOGIN as exc:
            self.refusals.append(str(exc) or type(exc).__name__)
        finally:
            with self._lock:
                connection = self._clients.pop(me)
            connection.close()

    def _session(self, plain: socket.socket, me: threading.Thread) -> None:
        plain.settimeout(_LOGIN_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        login = log_in(plain, self._tls, next(self._ids), self._check)
        user = login.account.user
        self.users.add(user)
        with self._lock:
            self._clients[me] = login.wire.socket

        def note_pin(reason: str, statement: bytes) -> None:
            self.pins.append(Pin(user, reason, statement.decode("utf-8", "replace")))

        with contextlib.closing(login.wire):
            idle_s = self._options.idle_client_timeout_s
            Client(login, self._pool, self._faults, idle_s, note_pin).serve()

    def _check(self, token: str, user: str) -> None:
        if user not in self._logins.passwords:
            raise TokenRefused(f"no secret for {user}")
        check_token(token, user, f"{HOST}:{self.port}", self._logins.key, self._clock())
