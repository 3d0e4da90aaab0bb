"""One connection to the database server. PyMySQL opens it; afterwards packets are relayed unchanged."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Sequence

import pymysql
from pymysql.constants import SERVER_STATUS
from pymysql.cursors import Cursor

from local.servers.rds_proxy.options import Account, Backend
from local.servers.rds_proxy.session_state import SessionState
from local.servers.rds_proxy.wire import Packet, Wire, answer

_CONNECT_S = 3
_READ_ONLY = "SET SESSION TRANSACTION READ ONLY"


class ServerConnection:
    """A connection of one account. Only `abort` may be called from another thread."""

    def __init__(
        self,
        backend: Backend,
        account: Account,
        password: str,
        state: SessionState,
        init: Sequence[str] = (),
    ) -> None:
        """Opens a connection. init: statements to run first.

        Raises pymysql.err.Error: login refused, unknown schema, no server.
        """
        self.account = account
        self.state = SessionState(state.database)
        try:
            self._socket = socket.create_connection((backend.host, backend.port), _CONNECT_S)
        except OSError as exc:
            raise pymysql.err.OperationalError(2003, f"no database server: {exc}") from exc
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection: pymysql.Connection[Cursor] = pymysql.Connection(
            user=account.user,
            password=password,
            database=state.database,
            charset="utf8mb4",
            autocommit=None,
            client_flag=account.flags,
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
        """Runs a statement of the proxy itself. Raises pymysql.err.Error."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def become(self, state: SessionState) -> None:
        """Changes the connection to the state of a session. Raises pymysql.err.Error."""
        if state.database is not None and state.database != self.state.database:
            self._connection.select_db(state.database)
        for statement in self.state.statements_to(state):
            self.run(statement)
        self.state = state

    def exchange(self, command: Packet) -> Generator[Packet, None, int | None]:
        """Sends a client's command, and yields the packets of the answer.

        Returns the server's status at the end; None after an error. Raises EOFError, OSError.
        """
        self._wire.send(command.raw)
        return (yield from answer(self._wire))

    def is_in_transaction(self) -> bool:
        """Asks the server, because an error does not say whether it ended a transaction. Raises pymysql.err.Error."""
        self._connection.ping(reconnect=False)
        status: int = self._connection.server_status  # type: ignore[attr-defined]
        return bool(status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def roll_back(self) -> None:
        """Raises pymysql.err.Error."""
        self._connection.rollback()

    def is_alive(self) -> bool:
        """Whether an idle connection is still open. If anything can be read from it, the server has closed it."""
        # The socket must not have a time-out, for which Python would wait here.
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def abort(self) -> None:
        """Cuts the connection, from any thread. A thread that waits for an answer gets none."""
        cut(self._socket)

    def close(self) -> None:
        """Closes the connection in order, if it is still open."""
        with contextlib.suppress(pymysql.err.Error):  # PyMySQL has closed it already
            self._connection.close()
        self._wire.close()


def cut(connection: socket.socket) -> None:
    """Ends both directions, also for other threads that read or write. TLS is not closed in order."""
    with contextlib.suppress(OSError):  # closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
