"""A dependency as bad networks and half-dead hosts make it: a proxy before the real one, ill in one way."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum
from types import TracebackType

HOST = "127.0.0.1"


class Way(Enum):
    """How it is ill. Connections that stand already fall ill with it."""

    HEALTHY = "healthy"
    SILENT = "silent"  # takes everything, and never says a word
    RESETS = "resets"  # takes a connection, and resets it at its first word
    REFUSES = "refuses"  # no port is open
    SLOW = "slow"  # each answer comes late
    DRIPS = "drips"  # one byte comes after the other
    BLACK_HOLE = "black hole"  # packets get lost: not even a connection comes about


class HalfDead:
    """A TCP proxy before host:port. Well at first; `falls_ill` turns all its connections.

    late_s: how late answers come where they do; drip_s: between two bytes.
    """

    def __init__(self, host: str, port: int, *, late_s: float = 1.0, drip_s: float = 1.0) -> None:
        self._behind = (host, port)
        self._late_s, self._drip_s = late_s, drip_s
        self._way = Way.HEALTHY
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._reads = threading.Event()
        self._reads.set()
        threading.Thread(target=self._take, daemon=True).start()

    def __enter__(self) -> "HalfDead":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._reads.set()
        self._stop_listening()
        with self._lock:
            for connection in self._open:
                _reset(connection)

    def falls_ill(self, way: Way) -> None:
        """From now on. Once: nobody recovers here."""
        self._way = way
        if way is Way.REFUSES:
            self._stop_listening()
            with self._lock:
                for connection in self._open:
                    _reset(connection)
        if way is Way.BLACK_HOLE:
            self._stop_listening()
            self._fill_up()

    def stops_reading(self) -> None:
        """And its buffers fill up, so that whoever writes has to wait as well."""
        self._reads.clear()

    def _fill_up(self) -> None:
        """A backlog that is full: the kernel drops whatever else knocks."""
        full = socket.socket()
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((HOST, self.port))
        full.listen(0)
        self._keep(full)
        for _ in range(16):
            knock = socket.socket()
            self._keep(knock)
            knock.settimeout(0.2)
            try:
                knock.connect((HOST, self.port))
            except TimeoutError:
                return
        raise AssertionError("the backlog has no end")

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which close alone does not
        self._listener.close()

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._keep(near)
        with contextlib.suppress(OSError), socket.create_connection(self._behind) as far:
            self._keep(far)
            threading.Thread(target=self._pass_on, args=(near, far, self._request), daemon=True).start()
            self._pass_on(far, near, self._answer)

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def _pass_on(
        self, source: socket.socket, target: socket.socket, send: Callable[[socket.socket, bytes], None]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._reads.wait()
                send(target, data)
        for connection in (source, target):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _request(self, far: socket.socket, data: bytes) -> None:
        match self._way:
            case Way.SILENT | Way.BLACK_HOLE:
                return
            case Way.RESETS:
                raise OSError("reset")
        far.sendall(data)

    def _answer(self, near: socket.socket, data: bytes) -> None:
        match self._way:
            case Way.SILENT | Way.BLACK_HOLE:
                return
            case Way.RESETS:
                _reset(near)
                raise OSError("reset")
            case Way.SLOW:
                self._is_over.wait(self._late_s)
            case Way.DRIPS:
                for byte in data:
                    self._is_over.wait(self._drip_s)
                    near.sendall(bytes([byte]))
                return
        near.sendall(data)


def _reset(connection: socket.socket) -> None:
    """The peer gets RST instead of an orderly end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
