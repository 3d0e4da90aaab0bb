"""The proxy: listens, serves each client on a thread, and takes orders to fail."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.certificates import Authority
from local.gateway.sigv4 import SigningKey
from local.rds_proxy.client import Client
from local.rds_proxy.faults import Cut, Faults
from local.rds_proxy.iam import TokenRefused, check_token
from local.rds_proxy.login import LoginRefused, log_in
from local.rds_proxy.options import Backend, ProxyOptions
from local.rds_proxy.pool import Pool
from local.rds_proxy.server_connection import cut

_ADDRESS = "127.0.0.1"
HOST = "localhost"
_LOGIN_S = 10
_ACCEPT_S = 0.1
# What a client can send that is no login.
_NO_LOGIN = (LoginRefused, OSError, EOFError, ValueError, struct.error, LookupError)


@dataclass(frozen=True, slots=True)
class Pin:
    """A statement that bound its client to one server connection."""

    user: str
    reason: str
    statement: str


class RdsProxy:
    """A context manager; after `start` it serves at `host` and `port` with a certificate of `ca_file`.

    passwords: of the database users, by name: a client logs in as one of them by a token that `key` signed, and has
    server connections of the same user. folder: for the certificates. clock: epoch seconds, for the age of tokens.
    pins: what pinned so far; users: who logged in; refusals: why others did not.
    """

    def __init__(
        self,
        backend: Backend,
        passwords: Mapping[str, str],
        key: SigningKey,
        folder: Path,
        options: ProxyOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options or ProxyOptions()
        self._passwords = passwords
        self._key = key
        self._clock = clock
        authority = Authority(folder, "proxy-ca")
        self.ca_file = authority.ca_file
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*authority.issue(HOST))
        self._pool = Pool(backend, passwords, self._options)
        self._faults = Faults()
        self.host, self.port = HOST, 0
        self.pins: list[Pin] = []
        self.users: set[str] = set()
        self.refusals: list[str] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._is_deaf = threading.Event()
        self._listening: threading.Thread | None = None

    def __enter__(self) -> RdsProxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises OSError."""
        self._listen()

    def stop(self) -> None:
        """Ends all sessions, which rolls back what they left open; safe to call twice."""
        self._turn_deaf()
        self._faults.end()
        self.drop_clients()
        self._pool.close()
        for client in list(self._clients):
            client.join(5)

    @property
    def clients(self) -> int:
        """Client connections that are open now."""
        with self._lock:
            return len(self._clients)

    @property
    def server_connections(self) -> int:
        """Server connections that are open now."""
        return self._pool.size

    @property
    def opened(self) -> int:
        """Server connections ever opened."""
        return self._pool.opened

    @property
    def pending_cuts(self) -> int:
        """Cuts that were ordered and have met no answer yet."""
        return self._faults.pending_cuts

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens; who is connected goes on."""
        self._turn_deaf()
        try:
            yield
        finally:
            self._listen()

    def hanging(self) -> contextlib.AbstractContextManager[None]:
        """Who connects hears nothing; who is connected goes on."""
        return self._faults.hanging.on()

    def swallowing(self) -> contextlib.AbstractContextManager[None]:
        """Who is connected hears nothing any more, and its commands go nowhere."""
        return self._faults.swallowing.on()

    @contextlib.contextmanager
    def exhausted(self) -> Iterator[None]:
        """No server connection comes free."""
        self._pool.is_exhausted = True
        try:
            yield
        finally:
            self._pool.is_exhausted = False

    def cut_answer(self, after_bytes: int, of: bytes = b"", times: int = 1) -> None:
        """The next answers to statements that contain `of` break off, and their clients are dropped. The server has
        carried them out."""
        self._faults.cut(Cut(after_bytes, of), times)

    def fail_over(self, backend: Backend) -> None:
        """All server connections are cut; from now on statements go to another server. Clients stay, but for those in a
        statement or a transaction."""
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
        self._is_deaf.clear()
        self._listening = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._listening.start()

    def _turn_deaf(self) -> None:
        self._is_deaf.set()
        if self._listening:
            self._listening.join()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while not self._is_deaf.is_set():
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
        self.users.add(login.user)
        with self._lock:
            self._clients[me] = login.wire.socket

        def note_pin(reason: str, statement: bytes) -> None:
            self.pins.append(Pin(login.user, reason, statement.decode("utf-8", "replace")))

        with contextlib.closing(login.wire):
            idle_s = self._options.idle_client_timeout_s
            Client(login, self._pool, self._faults, idle_s, note_pin).serve()

    def _check(self, token: str, user: str) -> None:
        if user not in self._passwords:
            raise TokenRefused(f"no secret for {user}")
        check_token(token, user, HOST, self.port, self._key, self._clock())
