"""The stand-in for RDS Proxy: a server connection for each transaction, settings that go along, pins noticed."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import COMMAND
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database, Transaction
from local.servers.database.address import DatabaseAddress, connect
from local.servers.rds_proxy.options import ProxyOptions
from tests.conftest import schema
from tests.support.proxies import Proxied, proxied, run, through, wait_until


@pytest.fixture(scope="module")
def at(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made, contextlib.closing(connect(made)) as connection:
        run(
            connection,
            "CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(20) UNIQUE, day DATE)",
        )
        yield made


@pytest.fixture
def notes(at: DatabaseAddress) -> DatabaseAddress:
    with contextlib.closing(connect(at)) as connection:
        run(connection, "TRUNCATE notes")
    return at


@pytest.fixture
def small(notes: DatabaseAddress, tmp_path: Path) -> Iterator[Proxied]:
    """A pool of two, and patience for the slowest machine."""
    with proxied(notes, tmp_path, ProxyOptions(pool_size=2, borrow_timeout_s=60)) as made:
        yield made


@pytest.fixture
def single(notes: DatabaseAddress, tmp_path: Path) -> Iterator[Proxied]:
    """A pool of one whose second borrower is refused at once."""
    with proxied(notes, tmp_path, ProxyOptions(pool_size=1, borrow_timeout_s=0)) as made:
        yield made


def connection_id(statements: Database | Transaction) -> int:
    return int(statements.query("SELECT CONNECTION_ID() AS id")[0]["id"])


# A server connection for each transaction.


def test_two_clients_share_one_server_connection(single: Proxied) -> None:
    with single.database() as one, single.database() as other:
        ids = [connection_id(client) for client in (one, other, one, other)]

    assert len(set(ids)) == 1
    assert single.proxy.opened == 1


def test_eight_clients_work_on_two_server_connections(small: Proxied) -> None:
    seen: set[int] = set()

    def client(number: int) -> None:
        def work(statements: Transaction) -> None:
            before = connection_id(statements)
            statements.execute("INSERT INTO notes (day) VALUES (%s)", (f"2026-01-0{number + 1}",))
            assert connection_id(statements) == before
            seen.add(before)

        with small.database(timeout_s=60) as database:
            for _ in range(10):
                database.transaction(work)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(client, range(8)))

    with small.database() as database:
        assert database.query("SELECT COUNT(*) AS n FROM notes") == [{"n": 80}]
    assert len(seen) <= 2 and small.proxy.opened <= 2
    assert small.proxy.pins == []


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_transaction_keeps_its_server_connection_until(end: str, single: Proxied) -> None:
    with contextlib.closing(through(single)) as holder, contextlib.closing(through(single)) as other:
        run(holder, "BEGIN")
        with pytest.raises(pymysql.err.MySQLError) as refused:
            run(other, "SELECT 1")
        run(holder, "INSERT INTO notes (text) VALUES ('held')")
        run(holder, end)

        assert refused.value.args[0] == 9501
        assert run(other, "SELECT COUNT(*) FROM notes") == [(int(end == "COMMIT"),)]


def test_a_transaction_that_its_server_ended_by_an_error_frees_its_connection(small: Proxied) -> None:
    """A deadlock rolls a transaction back, and its error packet tells nothing of that."""
    with contextlib.closing(through(small)) as one, contextlib.closing(through(small)) as other:
        run(one, "INSERT INTO notes (id) VALUES (1), (2)")
        for client, row in ((one, 1), (other, 2)):
            run(client, "BEGIN")
            run(client, f"UPDATE notes SET day = '2026-01-01' WHERE id = {row}")
        barrier = threading.Barrier(2)

        def cross(client: "pymysql.Connection[Cursor]", row: int) -> bool:
            barrier.wait()
            try:
                run(client, f"UPDATE notes SET day = '2026-01-02' WHERE id = {row}")
            except pymysql.err.OperationalError as exc:
                assert exc.args[0] == 1213
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            done = list(threads.map(cross, (one, other), (2, 1)))

        # One waits for the end of its transaction; the other has no place for a third client unless it freed its own.
        assert sorted(done) == [False, True]
        with contextlib.closing(through(small)) as third:
            assert run(third, "SELECT COUNT(*) FROM notes") == [(2,)]
        assert small.proxy.opened == 2


def test_a_failed_statement_within_a_transaction_keeps_it_open(single: Proxied) -> None:
    with contextlib.closing(through(single)) as client:
        run(client, "BEGIN")
        run(client, "INSERT INTO notes (text) VALUES ('one')")
        with pytest.raises(pymysql.err.IntegrityError):
            run(client, "INSERT INTO notes (text) VALUES ('one')")
        run(client, "ROLLBACK")

        assert run(client, "SELECT COUNT(*) FROM notes") == [(0,)]


def test_a_client_that_leaves_its_transaction_open_is_rolled_back(single: Proxied) -> None:
    with contextlib.closing(through(single)) as client:
        run(client, "BEGIN")
        run(client, "INSERT INTO notes (text) VALUES ('left')")
    wait_until(lambda: single.proxy.clients == 0)

    with single.database() as database:
        assert database.query("SELECT COUNT(*) AS n FROM notes") == [{"n": 0}]


def end_server_connection(at: DatabaseAddress, number: int) -> None:
    """Returns once it is gone."""
    left = "SELECT 1 FROM information_schema.processlist WHERE id = %s"
    with contextlib.closing(connect(at)) as killer:
        run(killer, "KILL %s", (number,))
        wait_until(lambda: not run(killer, left, (number,)))


def test_a_server_connection_that_died_in_the_pool_is_not_lent(single: Proxied) -> None:
    with single.database() as database:
        first = connection_id(database)
        end_server_connection(single.at, first)

        assert connection_id(database) != first
    assert single.proxy.opened == 2


# Settings that the proxy follows.


def test_tracked_settings_go_with_the_client_to_another_server_connection(small: Proxied) -> None:
    sql = "SELECT @@autocommit, @@time_zone, @@character_set_client, CONNECTION_ID()"
    with contextlib.closing(through(small)) as client, contextlib.closing(through(small)) as other:
        for statement in ("SET NAMES latin1", "SET time_zone = '+05:00'"):
            run(client, statement)
        [before] = run(client, sql)
        end_server_connection(small.at, before[-1])
        [after] = run(client, sql)
        [others] = run(other, sql)

    assert before[:3] == after[:3] == (1, "+05:00", "latin1")
    assert before[-1] != after[-1]
    assert others[1:3] != after[1:3]
    assert small.proxy.pins == []


def test_a_client_without_autocommit_keeps_its_connection_from_its_first_statement_on(
    single: Proxied,
) -> None:
    with contextlib.closing(through(single)) as other, contextlib.closing(through(single)) as client:
        run(client, "SET autocommit = 0")
        run(client, "SELECT * FROM notes")
        with pytest.raises(pymysql.err.MySQLError) as refused:
            run(other, "SELECT 1")
        client.rollback()

        assert refused.value.args[0] == 9501
        assert run(other, "SELECT @@autocommit") == [(1,)]
        assert run(client, "SELECT @@autocommit") == [(0,)]


def test_a_schema_goes_with_the_client(small: Proxied) -> None:
    with contextlib.closing(through(small)) as client, contextlib.closing(through(small)) as other:
        run(client, "USE information_schema")
        run(other, "BEGIN")
        run(other, "SELECT 1")

        assert run(client, "SELECT DATABASE()") == [("information_schema",)]
        client.select_db(small.at.name)
        assert run(client, "SELECT DATABASE()") == [(small.at.name,)]
        assert run(other, "SELECT DATABASE()") == [(small.at.name,)]


def test_a_ping_needs_no_server_connection(single: Proxied) -> None:
    with contextlib.closing(through(single)) as client, contextlib.closing(through(single)) as holder:
        run(holder, "BEGIN")
        client.ping(reconnect=False)
        holder.ping(reconnect=False)

        assert single.proxy.opened == 1


def test_each_server_connection_begins_with_the_initialisation_query(
    notes: DatabaseAddress, tmp_path: Path
) -> None:
    query = "SET innodb_lock_wait_timeout = 7; SET lock_wait_timeout = 8"
    with proxied(notes, tmp_path, ProxyOptions(init_query=query)) as made, made.database() as database:
        [row] = database.query("SELECT @@innodb_lock_wait_timeout AS a, @@lock_wait_timeout AS b")

        assert row == {"a": 7, "b": 8}
        assert made.proxy.pins == []


# What pins.

PINNING = {
    "SET @last = 1": "a user variable",
    "SET SESSION innodb_lock_wait_timeout = 5": "SET innodb_lock_wait_timeout",
    "SELECT GET_LOCK('mine', 0)": "a named lock",
    "LOCK TABLES notes READ": "a table lock",
    "CREATE TEMPORARY TABLE mine (id INT)": "a temporary table",
    "PREPARE one FROM 'SELECT 1'": "a prepared statement",
    "SELECT LAST_INSERT_ID()": "a function of the session's state",
    f"SELECT '{'x' * 16384}'": "16393 bytes",
}


@pytest.mark.parametrize(("statement", "reason"), PINNING.items(), ids=PINNING.values())
def test_a_statement_that_pins_is_named_and_binds_its_client(
    statement: str, reason: str, single: Proxied
) -> None:
    with contextlib.closing(through(single)) as other:
        with contextlib.closing(through(single)) as client:
            run(client, statement)
            with pytest.raises(pymysql.err.MySQLError) as refused:
                run(other, "SELECT 1")

            [pin] = single.proxy.pins
            assert (pin.user, pin.reason, pin.statement) == (single.at.user, reason, statement)
            assert refused.value.args[0] == 9501
        wait_until(lambda: single.proxy.clients == 1)
        assert run(other, "SELECT 1") == [(1,)], "it goes with its client"


def test_a_prepared_statement_of_the_binary_protocol_is_named(single: Proxied) -> None:
    with contextlib.closing(through(single)) as client, pytest.raises(pymysql.err.MySQLError) as refused:
        client._execute_command(COMMAND.COM_STMT_PREPARE, "SELECT ?")  # type: ignore[attr-defined]
        client._read_ok_packet()  # type: ignore[attr-defined]

    [pin] = single.proxy.pins
    assert (pin.reason, pin.statement) == ("command Prepare", "SELECT ?")
    assert refused.value.args[0] == 1047
