"""One connection to the database server. PyMySQL opens it; then packets go through as they are."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Sequence

import pymysql
from pymysql.constants import SERVER_STATUS
from pymysql.cursors import Cursor

from local.rds_proxy.options import Backend
from local.rds_proxy.session_state import SessionState
from local.rds_proxy.wire import Packet, Wire, answer

_CONNECT_S = 3
_READ_ONLY = "SET SESSION TRANSACTION READ ONLY"


class ServerConnection:
    """Not for two threads at once, but for `abort`."""

    def __init__(
        self,
        backend: Backend,
        user: str,
        password: str,
        flags: int,
        state: SessionState,
        init: Sequence[str] = (),
    ) -> None:
        """init: statements that it begins with. Raises pymysql.err.Error: refused, unknown schema, no server."""
        self.user, self.flags = user, flags
        self.state = SessionState(state.database)
        try:
            self._socket = socket.create_connection((backend.host, backend.port), _CONNECT_S)
        except OSError as exc:
            raise pymysql.err.OperationalError(2003, f"no database server: {exc}") from exc
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection: pymysql.Connection[Cursor] = pymysql.Connection(
            user=user,
            password=password,
            database=state.database,
            charset="utf8mb4",
            autocommit=None,
            client_flag=flags,
            ssl_disabled=True,
            defer_connect=True,
        )
        self._connection.connect(self._socket)
        self._wire = Wire(self._socket)
        try:
            for statement in (*init, *([_READ_ONLY] if backend.is_read_only else [])):
                self.run(statement)
        except pymysql.err.Error:
            self.close()
            raise

    def run(self, statement: str) -> None:
        """A statement of the proxy's own. Raises pymysql.err.Error."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def become(self, state: SessionState) -> None:
        """Takes a session's state. Raises pymysql.err.Error."""
        if state.database is not None and state.database != self.state.database:
            self._connection.select_db(state.database)
        for statement in self.state.statements_to(state):
            self.run(statement)
        self.state = state

    def exchange(self, command: Packet) -> Generator[Packet, None, int | None]:
        """Sends a client's command and yields the packets of the answer. Returns the server's status at the end,
        None after an error. Raises EOFError, OSError."""
        self._wire.send(command.raw)
        return (yield from answer(self._wire))

    def is_in_transaction(self) -> bool:
        """Asked of the server: an error tells nothing of it, and may have ended one. Raises pymysql.err.Error."""
        self._connection.ping(reconnect=False)
        status: int = self._connection.server_status  # type: ignore[attr-defined]
        return bool(status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def roll_back(self) -> None:
        """Raises pymysql.err.Error."""
        self._connection.rollback()

    def is_alive(self) -> bool:
        """Whether an idle connection is still there: whatever could be read now is its end, or the reason for it."""
        # The socket has no time-out, or Python would wait here for it.
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def abort(self) -> None:
        """Cuts it, from any thread: whoever waits for an answer has none."""
        cut(self._socket)

    def close(self) -> None:
        """In order, where it still can be."""
        with contextlib.suppress(pymysql.err.Error):  # PyMySQL has closed it already
            self._connection.close()
        self._wire.close()


def cut(connection: socket.socket) -> None:
    """Ends both directions, for whoever reads or writes on another thread. TLS is not taken leave of."""
    with contextlib.suppress(OSError):  # gone already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
