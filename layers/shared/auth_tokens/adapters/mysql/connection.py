"""One connection an execution environment, behind RDS Proxy: opened lazily, checked by use, never pinned.

Autocommit is on and nothing is SET beyond the driver's `SET NAMES`; the text protocol knows no prepared
statements. See docs/adr/0007 for the rules and their reasons.
"""

import contextlib
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import Cursor, DictCursor

from auth_tokens.adapters.mysql.bounded_socket import BoundedSocket, BoundedTlsSocket, connected
from auth_tokens.adapters.mysql.iam_login import RdsLogin, login_token
from auth_tokens.domain.errors import Unavailable
from auth_tokens.observability import NullTelemetry, Telemetry
from auth_tokens.time_left import seconds_left

T = TypeVar("T")
Row = dict[str, Any]
# By place (%s) or by name (%(name)s).
Parameters = Sequence[Any] | Mapping[str, Any]

# Gone, or now a reader after a failover: only a new connection helps.
_LOST = frozenset(
    {
        *(0, 2006, 2013, 2055),  # the driver's
        *(1290, 1792, 1836),  # read-only
        *(1053, 1158, 1159, 1160, 1161),  # the server goes away, or its network does
        *(1927, 3169, 4031),  # killed (MariaDB, MySQL), or idle for too long
    }
)
# Errors of our own statements or schema. Every other number is an error of the server or the network.
_NAMES = {1050, 1052, 1054, 1060, 1061, 1066, 1068, 1072, 1091, 1109, 1146, 1305}  # missing, or there twice
_SYNTAX = {1064, 1065, 1093, 1111, 1136, 1149, 1210, 1241, 1242, 1248, 1267, 1582}
_VALUES = {1048, 1264, 1265, 1292, 1364, 1366, 1406, 1690, 3141}  # of the wrong type or length
_CONSTRAINTS = {1062, 1216, 1217, 1451, 1452, 1644, 3819, 4025}  # and the SIGNAL of a trigger
_OURS = frozenset(_NAMES | _SYNTAX | _VALUES | _CONSTRAINTS)
# Deadlock, lock wait, NOWAIT, and a row that changed behind the transaction's back (MariaDB's snapshot isolation).
_CONTENTION = frozenset({1213, 1205, 3572, 1020})
# A text has characters that the column's character set lacks: MariaDB and MySQL 5.7; MySQL 8, with a literal and with
# a parameter.
_DOES_NOT_FIT = frozenset({1267, 3854, 3988})
_MAX_ATTEMPTS = 4
# The places of a row in an INSERT.
_ROW = re.compile(r"(?<=VALUES )\([^)]*\)")
# A host accepts a connection at once or is out of reach. The login then has the timeout of a statement.
_CONNECT_S = 3

# Ends each SELECT of several rows that has no LIMIT of its own: without one the server's sql_select_limit cuts it
# silently.
EVERY_ROW = "LIMIT 4294967295"


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where the database is. password None: an RDS IAM token is made for each connection, of `credentials`
    (the AWS_* variables by name). timeout_s: for a login, and for each statement with its whole answer."""

    host: str
    port: int
    name: str
    user: str
    password: str | None = field(repr=False)
    region: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    verify_tls: bool = True
    timeout_s: int = 3

    def __post_init__(self) -> None:
        if self.password is None and not self.verify_tls:
            raise ValueError("an IAM token is sent in clear: only over verified TLS")


def backoff_s(attempt: int) -> float:
    """How long to wait after a lost attempt (1, 2, …): longer each time, and never two callers alike."""
    return random.uniform(0.005, 0.02) * 2.0**attempt


def pause(attempt: int, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for backoff_s, at most until the invocation's end."""
    sleep(seconds_left(backoff_s(attempt)))


class UnknownColumn(pymysql.err.OperationalError):
    """A statement names a column that its table lacks."""


class Transaction:
    """Statements on one connection. Parameters are always bound, never formatted in.

    may_have_run: an earlier run of this unit of work lost its connection, perhaps after its commit.
    """

    def __init__(self, connection: "pymysql.Connection[DictCursor]", *, may_have_run: bool = False) -> None:
        self._connection = connection
        # One for all statements: another one each time costs 1 µs.
        self._cursor: Cursor = connection.cursor(Cursor)
        self.may_have_run = may_have_run

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """The rows of a SELECT."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT as values in the order of its columns, for hot paths. Raises UnknownColumn."""
        try:
            self._cursor.execute(sql, parameters or None)
        except pymysql.err.OperationalError as exc:
            if error_number(exc) == ER.BAD_FIELD_ERROR:
                raise UnknownColumn(*exc.args) from exc
            raise
        return list(self._cursor.fetchall())

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """The row count of a write: rows changed, not rows matched."""
        return self._cursor.execute(sql, parameters or None)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """One multi-row INSERT. sql: that of one row. Nothing for no rows."""
        if rows:
            self._cursor.execute(_for_rows(sql, len(rows)), [value for row in rows for value in row])


@lru_cache(maxsize=32)
def _for_rows(sql: str, count: int) -> str:
    """The INSERT of one row, for several. The driver would search its text each time."""
    return _ROW.sub(lambda row: ", ".join([row[0]] * count), sql, count=1)


class Database:
    """Runs units of work. A unit may run twice (deadlock, or a connection lost around its commit),
    so it must be one that does the same the second time."""

    def __init__(
        self,
        config: DatabaseConfig,
        telemetry: Telemetry = NullTelemetry(),  # noqa: B008 - it has no state
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._telemetry = telemetry
        self._sleep = sleep
        self._connection: _Connection | None = None

    @property
    def timeout_s(self) -> float:
        """How long a statement is waited for; it may be carried out later all the same."""
        return seconds_left(self._config.timeout_s)

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """The rows of one SELECT, outside any transaction. Raises Unavailable."""
        return self._run(lambda statements: statements.query(sql, parameters))

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The same, each row as values in the order of its columns. Raises Unavailable, UnknownColumn."""
        return self._run(lambda statements: statements.rows(sql, parameters))

    def look_up(self, sql: str, text: str) -> list[tuple[Any, ...]]:
        """The rows of one SELECT by a text of a caller's; none where the column cannot hold it, at the price of a
        text that is not there. Raises Unavailable, UnknownColumn."""

        def work(statements: Transaction) -> list[tuple[Any, ...]]:
            try:
                return statements.rows(sql, (text,))
            except pymysql.err.Error as exc:
                # ASCII fits everywhere: there the Portal's tables do not fit together.
                if error_number(exc) in _DOES_NOT_FIT and not text.isascii():
                    return []
                raise

        return self._run(work)

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """One write, committed when this returns. Raises Unavailable."""
        return self._run(lambda statements: statements.execute(sql, parameters))

    def execute_once(
        self, sql: str, parameters: Sequence[Any], is_done: Callable[[Transaction], bool]
    ) -> bool:
        """Did one conditional write change anything? is_done: whether a run whose answer was lost did, asked where
        the second run finds nothing to change. Raises Unavailable."""
        return self._run(
            lambda statements: (
                statements.execute(sql, parameters) > 0 or (statements.may_have_run and is_done(statements))
            )
        )

    def attempt(self, sql: str, parameters: Sequence[Any] = (), refuses_by: int | None = None) -> int | None:
        """The row count of a write that can be done without; None where it cannot be done, whatever the reason.

        refuses_by: the error by which the statement refuses itself, and so undoes all of it: row count 0. So does
        contention, as a client over its limit could cause it by many attempts.
        """

        def work(statements: Transaction) -> int:
            try:
                return statements.execute(sql, parameters)
            except pymysql.err.Error as exc:
                if error_number(exc) == refuses_by:
                    return 0
                raise

        try:
            return self._run(work)
        except Unavailable as exc:
            return 0 if exc.is_contention and refuses_by is not None else None
        except pymysql.err.Error:
            return None

    def attempt_query(self, sql: str, parameters: Parameters = ()) -> list[Row] | None:
        """The rows of a SELECT that can be done without; None where it cannot be done, whatever the reason."""
        try:
            return self.query(sql, parameters)
        except (Unavailable, pymysql.err.Error):
            return None

    def transaction(self, work: Callable[[Transaction], T]) -> T:
        """All of `work` or nothing, committed when this returns. Raises Unavailable."""

        def within(statements: Transaction) -> T:
            statements.execute("BEGIN")
            result = work(statements)
            statements.execute("COMMIT")
            return result

        return self._run(within)

    def close(self) -> None:
        """Drop the connection; the next unit of work opens another. Undoes what was not committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(pymysql.err.Error):  # gone already is what was asked for
                connection.close()

    def _run(self, work: Callable[[Transaction], T]) -> T:
        started = time.perf_counter()
        try:
            return self._attempts(work)
        finally:
            self._telemetry.count("DatabaseTime", (time.perf_counter() - started) * 1000, "Milliseconds")

    def _attempts(self, work: Callable[[Transaction], T]) -> T:
        reconnects = 0
        # A wait for a lock ends at the server's bound (2 s). Three of them take no longer than two statements without
        # an answer.
        again_until = time.monotonic() + 1.5 * self._config.timeout_s
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return work(Transaction(self._ready(), may_have_run=reconnects > 0))
            except pymysql.err.Error as exc:
                number = error_number(exc)
                self.close()
                if number in _OURS:
                    raise
                if number in _LOST and reconnects == 0:
                    reconnects = 1
                    self._telemetry.count("DatabaseReconnected")
                elif number in _CONTENTION and attempt < _MAX_ATTEMPTS and time.monotonic() < again_until:
                    self._telemetry.count("DatabaseContended")
                    pause(attempt, self._sleep)
                else:
                    self._telemetry.count(f"DatabaseError{number}")
                    is_contention = number in _CONTENTION
                    raise Unavailable(f"database error {number}", is_contention=is_contention) from exc
            except BaseException:
                self.close()
                raise
        raise Unavailable("database contention")

    def _ready(self) -> "pymysql.Connection[DictCursor]":
        """The connection, opened where need be. Raises Unavailable where the invocation has no time left for it."""
        if self.timeout_s <= 0:
            raise Unavailable("no time left for the database")
        if self._connection is None:
            self._connection = _connect(self._config)
        return self._connection


def error_number(error: pymysql.err.Error) -> int:
    """The server's or the driver's number; 0, a lost connection, where the driver could not make sense of an answer."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


# The driver's own literals of these types, for which it compares types one by one. A sign-in binds some forty values.
_LITERALS: Mapping[type, Callable[[Any], str]] = {
    int: str,
    bytes: lambda value: f"X'{value.hex()}'",
    datetime: lambda value: f"'{value}'",
    type(None): lambda _: "NULL",
}


class _Connection(pymysql.Connection[DictCursor] if TYPE_CHECKING else pymysql.Connection):  # type: ignore[misc]
    """PyMySQL's, with one bound for the whole login and one for each statement, whatever the server sends meanwhile:
    timeout_s, or less where the invocation ends before. PyMySQL's own count from each byte."""

    def __init__(self, timeout_s: float, **options: Any) -> None:
        self._timeout_s = timeout_s
        self._ends_at = 0.0
        super().__init__(
            **options, connect_timeout=timeout_s, read_timeout=timeout_s, write_timeout=timeout_s
        )

    def connect(self, sock: BoundedSocket | None = None) -> None:
        self._begin()
        try:
            sock = connected(self.host, self.port, min(self._ends_at, time.monotonic() + _CONNECT_S))
        except OSError as exc:
            message = f"Can't connect to MySQL server on {self.host!r} ({exc})"
            raise pymysql.err.OperationalError(CR.CR_CONN_HOST_ERROR, message) from exc
        sock.ends_at = self._ends_at
        super().connect(sock)

    def escape(self, obj: object, mapping: Mapping[Any, Any] | None = None) -> str:
        literal = _LITERALS.get(type(obj))
        return literal(obj) if literal else str(super().escape(obj, mapping))

    def query(self, sql: str, unbuffered: bool = False) -> int:
        self._begin()
        rows: int = super().query(sql, unbuffered)
        return rows

    def _begin(self) -> None:
        self._ends_at = time.monotonic() + seconds_left(self._timeout_s)

    def _write_bytes(self, data: bytes) -> None:
        self._sock.ends_at = self._ends_at  # here, as it is another socket once TLS has begun
        super()._write_bytes(data)


def _connect(config: DatabaseConfig) -> _Connection:
    context = _tls_context(config.ca_file) if config.verify_tls else None
    password = config.password
    if password is None:
        login = RdsLogin(config.host, config.port, config.user, config.region)
        password = login_token(login, config.credentials)
    return _Connection(
        config.timeout_s,
        host=config.host,
        port=config.port,
        user=config.user,
        password=password,
        database=config.name,
        charset="utf8mb4",
        autocommit=True,
        cursorclass=DictCursor,
        ssl=context,
        ssl_disabled=context is None,
    )


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """One a process: building it loads the CA bundle, about 50 ms (measured) that PyMySQL would pay each time."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.sslsocket_class = BoundedTlsSocket
    return context
