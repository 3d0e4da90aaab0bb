"""The pool of server connections, which lends one for each transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pymysql

from local.servers.rds_proxy.options import Account, Backend, ProxyOptions
from local.servers.rds_proxy.server_connection import ServerConnection
from local.servers.rds_proxy.session_state import SessionState

_NO_SERVER = frozenset({2003, 2006, 2013})
_RETRY_S = 0.05


class NoneFree(Exception):
    """No connection became free within the borrow timeout."""


class Pool:
    """The connections of all users. Safe for many threads. passwords: by user.

    opened: how many connections were ever opened. is_exhausted: a fault, in which no connection is lent.
    """

    def __init__(self, backend: Backend, passwords: Mapping[str, str], options: ProxyOptions) -> None:
        self._backend = backend
        self._passwords = passwords
        self._options = options
        self._changed = threading.Condition()
        self._idle: list[ServerConnection] = []
        self._lent: set[ServerConnection] = set()
        self._opening = 0
        self._is_exhausted = False
        self.opened = 0

    @property
    def is_exhausted(self) -> bool:
        return self._is_exhausted

    @is_exhausted.setter
    def is_exhausted(self, is_on: bool) -> None:
        with self._changed:
            self._is_exhausted = is_on
            self._changed.notify_all()

    @property
    def size(self) -> int:
        """How many connections are open now."""
        with self._changed:
            return self._size()

    def borrow(self, account: Account, state: SessionState, after: SessionState) -> ServerConnection:
        """Lends a connection in the session's state.

        after: the state after the session's next statement. A connection that has it already will do as well.
        Raises NoneFree, and pymysql.err.Error if the server refuses the login.
        """
        deadline = time.monotonic() + self._options.borrow_timeout_s
        while True:
            connection, backend = self._idle_or_place(account, after, deadline)
            try:
                if connection is None:
                    connection = self._open(backend, account, state)
                if connection.state != after:
                    connection.become(state)
                return connection
            except pymysql.err.Error as exc:
                if connection is not None:
                    self.discard(connection)
                # As on RDS: while the server is away, clients wait as they do for a free connection.
                if exc.args[0] not in _NO_SERVER:
                    raise
                if time.monotonic() + _RETRY_S > deadline:
                    raise NoneFree from exc
                time.sleep(_RETRY_S)

    def give_back(self, connection: ServerConnection) -> None:
        """Returns a connection on which nothing is open."""
        with self._changed:
            is_current = connection in self._lent  # not after a failover
            if is_current:
                self._lent.remove(connection)
                self._idle.append(connection)
            self._changed.notify_all()
        if not is_current:
            connection.close()

    def discard(self, connection: ServerConnection) -> None:
        with self._changed:
            self._lent.discard(connection)
            self._changed.notify_all()
        connection.close()

    def move_to(self, backend: Backend) -> None:
        """Cuts all connections, the lent ones as well. New ones go to another server."""
        with self._changed:
            self._backend = backend
            idle, self._idle = self._idle, []
            lent, self._lent = self._lent, set()
            self._changed.notify_all()
        for connection in lent:
            connection.abort()
        for connection in idle:
            connection.close()

    def close(self) -> None:
        self.move_to(self._backend)

    def _size(self) -> int:
        return len(self._idle) + len(self._lent) + self._opening

    def _idle_or_place(
        self, account: Account, after: SessionState, deadline: float
    ) -> tuple[ServerConnection | None, Backend]:
        """A suitable idle connection, or None and the right to open one. Raises NoneFree."""
        with self._changed:
            while True:
                if not self._is_exhausted:
                    if connection := self._suitable(account, after):
                        self._lent.add(connection)
                        return connection, self._backend
                    if self._size() >= self._options.pool_size and self._idle:
                        self._idle.pop(0).close()
                    if self._size() < self._options.pool_size:
                        self._opening += 1
                        return None, self._backend
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise NoneFree
                self._changed.wait(left_s)

    def _suitable(self, account: Account, after: SessionState) -> ServerConnection | None:
        for connection in [one for one in self._idle if not one.is_alive()]:
            self._idle.remove(connection)
            connection.close()
        mine = [one for one in self._idle if one.account == account]
        found = next((one for one in mine if one.state == after), None)
        found = found or next((one for one in mine if one.state.can_become(after)), None)
        if found:
            self._idle.remove(found)
        return found

    def _open(self, backend: Backend, account: Account, state: SessionState) -> ServerConnection:
        init = [one for one in self._options.init_query.split(";") if one.strip()]
        connection = None
        try:
            connection = ServerConnection(backend, account, self._passwords[account.user], state, init)
            return connection
        finally:
            with self._changed:
                self._opening -= 1
                if connection is not None:
                    self.opened += 1
                    self._lent.add(connection)
                    if backend is not self._backend:  # a failover happened meanwhile
                        connection.abort()
                self._changed.notify_all()
