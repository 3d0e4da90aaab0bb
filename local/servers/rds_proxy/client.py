"""The session of one client: runs its commands, each on the server connection of its transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

import pymysql
from pymysql.constants import COMMAND, SERVER_STATUS

from local.servers.rds_proxy.faults import Faults
from local.servers.rds_proxy.login import Login, error, ok
from local.servers.rds_proxy.pinning import pins
from local.servers.rds_proxy.pool import NoneFree, Pool
from local.servers.rds_proxy.server_connection import ServerConnection
from local.servers.rds_proxy.session_state import INITIAL, SessionState
from local.servers.rds_proxy.wire import Packet, framed

NONE_FREE, UNKNOWN_COMMAND = 9501, 1047
_FLUSH_BYTES = 1 << 16
# The commands' names in the general log of a server.
_COMMANDS = {COMMAND.COM_STMT_PREPARE: "Prepare", COMMAND.COM_STMT_EXECUTE: "Execute"}


class _ClientGone(Exception):
    """The session is over: the client has left, or has to be dropped."""


class Client:
    """A client that has logged in. note_pin: called with the reason and the statement whenever one pins."""

    def __init__(
        self,
        login: Login,
        pool: Pool,
        faults: Faults,
        idle_timeout_s: float,
        note_pin: Callable[[str, bytes], None],
    ) -> None:
        self._login = login
        self._wire = login.wire
        self._pool = pool
        self._faults = faults
        self._idle_timeout_s = idle_timeout_s
        self._note_pin = note_pin
        names = {**INITIAL, "names": f"SET NAMES {login.charset}"}
        self._state = SessionState(login.database, names)
        self._server: ServerConnection | None = None
        self._is_pinned = False

    def serve(self) -> None:
        """Serves until the client leaves, is idle for too long, or is dropped."""
        try:
            while True:
                self._wire.socket.settimeout(self._idle_timeout_s)
                command = self._wire.read()
                self._wire.socket.settimeout(None)
                self._carry_out(command)
        except (_ClientGone, EOFError, OSError):
            pass
        finally:
            self._let_go()

    def _carry_out(self, command: Packet) -> None:
        kind, body = command.payload[0], command.payload[1:]
        if kind == COMMAND.COM_QUIT or self._faults.swallowing.outlasted():
            raise _ClientGone
        if kind == COMMAND.COM_PING and self._server is None:
            self._answer(ok())
        elif kind == COMMAND.COM_PING:
            self._relay(command, b"")
        elif kind == COMMAND.COM_INIT_DB:
            self._relay(command, b"USE `" + body + b"`")
        elif kind == COMMAND.COM_QUERY:
            self._look_at("Query", body)
            self._relay(command, body)
        else:
            self._look_at(_COMMANDS.get(kind, hex(kind)), body)
            self._answer(error(UNKNOWN_COMMAND, "The stand-in for RDS Proxy knows statements as text only"))

    def _look_at(self, command: str, statement: bytes) -> None:
        reason = pins(command, statement)
        if reason is not None:
            self._is_pinned = True
            self._note_pin(reason, statement)

    def _relay(self, command: Packet, statement: bytes) -> None:
        after = self._state.after(statement)
        try:
            server = self._server or self._borrow(after)
        except NoneFree:
            self._answer(error(NONE_FREE, "Timed-out waiting to acquire database connection"))
            return
        except pymysql.err.Error as exc:
            self._answer(error(exc.args[0], str(exc.args[-1])))
            return
        self._server = server
        cut = self._faults.cut_of(statement)
        try:
            status, rest = self._pass_on(server.exchange(command), may_begin=cut is None)
            if status is not None:
                self._state = server.state = after
                is_open = bool(status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)
            else:
                is_open = server.is_in_transaction()
        except (EOFError, pymysql.err.Error) as exc:
            self._server = None
            self._pool.discard(server)
            raise _ClientGone from exc
        # The connection is returned before the client learns that its statement is done, so that it is free at once.
        if not is_open and not self._is_pinned:
            self._server = None
            self._pool.give_back(server)
        self._send(rest if cut is None else rest[: cut.after_bytes])
        if cut is not None:
            raise _ClientGone

    def _borrow(self, after: SessionState) -> ServerConnection:
        return self._pool.borrow(self._login.account, self._state, after)

    def _pass_on(
        self, packets: Generator[Packet, None, int | None], *, may_begin: bool
    ) -> tuple[int | None, bytes]:
        """Reads an answer to its end, even if the client has gone. Returns the server's status and the unsent bytes.

        may_begin: whether a long answer may be sent while it is read. Raises EOFError if the server has gone.
        """
        waiting = b""
        while True:
            try:
                packet = next(packets)
            except StopIteration as end:
                return end.value, waiting
            except OSError as exc:
                raise EOFError from exc
            waiting += packet.raw
            if may_begin and len(waiting) > _FLUSH_BYTES:
                self._send(waiting)
                waiting = b""

    def _send(self, data: bytes) -> None:
        """Sends, and ignores that a client has gone: that is noticed at its next command."""
        with contextlib.suppress(OSError):
            self._wire.send(data)

    def _answer(self, payload: bytes) -> None:
        self._wire.send(framed(1, payload))

    def _let_go(self) -> None:
        """Rolls back an open transaction, and returns the connection. A pinned connection is closed instead."""
        if self._server is None:
            return
        server, self._server = self._server, None
        try:
            server.roll_back()
        except pymysql.err.Error:
            self._is_pinned = True
        if self._is_pinned:
            self._pool.discard(server)
        else:
            self._pool.give_back(server)
