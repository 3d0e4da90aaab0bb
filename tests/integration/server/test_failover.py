"""A connection that is lost, or leads to a reader by now, costs a request one reconnect and nothing else."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig, Transaction
from auth_tokens.domain.errors import Unavailable
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from tests.support.world import RecordedTelemetry

INSERT = "INSERT INTO notes (id) VALUES (%s)"
Administrator: TypeAlias = "pymysql.Connection[Cursor]"


@pytest.fixture(scope="module")
def server(run_dir: Path) -> Iterator[DatabaseServer]:
    """A server of its own: read_only is a switch of the whole server."""
    server = private_server(run_dir / "failover", durable=False)
    server.start()
    server.wait()
    yield server
    server.stop()


@pytest.fixture
def administrator(server: DatabaseServer) -> Iterator[Administrator]:
    with contextlib.closing(server.administrator()) as connection:
        table = f"{server.address.name}.notes"
        run(connection, f"DROP TABLE IF EXISTS {table}")
        run(connection, f"CREATE TABLE {table} (id INT PRIMARY KEY)")
        yield connection
        read_only(connection, False)


@pytest.fixture
def telemetry() -> RecordedTelemetry:
    return RecordedTelemetry()


@pytest.fixture
def database(server: DatabaseServer, telemetry: RecordedTelemetry) -> Iterator[Database]:
    at = server.address
    config = DatabaseConfig(at.host, at.port, at.name, at.user, at.password, verify_tls=False)
    with contextlib.closing(Database(config, telemetry)) as opened:
        yield opened


def run(administrator: Administrator, sql: str) -> list[tuple[object, ...]]:
    with administrator.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def read_only(administrator: Administrator, is_on: bool) -> None:
    run(administrator, f"SET GLOBAL read_only = {int(is_on)}")


def connection_id(database: Database | Transaction) -> int:
    return int(database.query("SELECT CONNECTION_ID() AS id")[0]["id"])


def notes(database: Database) -> list[int]:
    return [row["id"] for row in database.query("SELECT id FROM notes ORDER BY id")]


def test_units_of_work_share_one_connection(database: Database) -> None:
    first = connection_id(database)
    database.transaction(lambda statements: statements.query("SELECT 1"))

    assert connection_id(database) == first


def test_a_connection_killed_between_requests_is_opened_anew(
    database: Database, administrator: Administrator, telemetry: RecordedTelemetry
) -> None:
    first = connection_id(database)
    run(administrator, f"KILL {first}")

    assert connection_id(database) != first
    assert telemetry.counts["DatabaseReconnected"] == 1


def test_a_connection_killed_within_a_transaction_runs_all_of_it_again(
    database: Database, administrator: Administrator
) -> None:
    tries: list[int] = []

    def work(statements: Transaction) -> None:
        tries.append(connection_id(statements))
        statements.execute(INSERT, (1,))
        if len(tries) == 1:
            run(administrator, f"KILL {tries[0]}")
        statements.execute(INSERT, (2,))

    database.transaction(work)

    assert len(tries) == 2 and tries[0] != tries[1]
    assert notes(database) == [1, 2]


def test_a_writer_that_became_a_reader_is_left_for_the_new_writer(
    database: Database, administrator: Administrator, telemetry: RecordedTelemetry
) -> None:
    tries: list[int] = []

    def work(statements: Transaction) -> None:
        tries.append(connection_id(statements))
        read_only(administrator, len(tries) == 1)
        statements.execute(INSERT, (1,))

    database.transaction(work)

    assert len(tries) == 2 and tries[0] != tries[1]
    assert notes(database) == [1]
    assert telemetry.counts["DatabaseReconnected"] == 1


def test_while_there_is_no_writer_a_write_is_unavailable_and_a_read_goes_on(
    database: Database, administrator: Administrator
) -> None:
    read_only(administrator, True)

    with pytest.raises(Unavailable) as refused:
        database.execute(INSERT, (1,))

    assert refused.value.detail == "database error 1290"
    assert notes(database) == []
    read_only(administrator, False)
    assert database.execute(INSERT, (1,)) == 1


def test_a_server_that_is_gone_is_unavailable_and_back_without_a_restart_of_ours(
    server: DatabaseServer, database: Database
) -> None:
    connection_id(database)
    server.stop()

    with pytest.raises(Unavailable):
        database.query("SELECT 1")

    server.start()
    server.wait()
    assert connection_id(database) > 0
