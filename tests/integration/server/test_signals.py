"""A private server that is killed keeps what was committed; one that is frozen goes on where it was."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.servers.database.address import connect
from local.servers.database.clock import database_clock, tidy
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer


@pytest.fixture(scope="module")
def server(run_dir: Path) -> Iterator[DatabaseServer]:
    clock = database_clock(run_dir / "server-clock")
    environment = clock.environment if clock else {}
    server = private_server(run_dir / "signals", environment=environment)
    server.start()
    server.wait()
    yield server
    server.thaw()
    server.stop()
    tidy()


def test_what_was_committed_before_a_kill_is_there_after_it(server: DatabaseServer) -> None:
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n INT PRIMARY KEY)")
        cursor.execute("INSERT INTO kept VALUES (1)")

    server.kill()
    with pytest.raises(pymysql.err.OperationalError):
        server.connect()
    server.start()
    server.wait()

    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM kept")
        assert cursor.fetchall() == ((1,),)


def test_a_frozen_server_is_silent_and_goes_on_when_it_is_thawed(server: DatabaseServer) -> None:
    with contextlib.closing(connect(server.address, read_timeout=0.2)) as hasty:
        server.freeze()
        with pytest.raises(pymysql.err.OperationalError), hasty.cursor() as cursor:
            cursor.execute("SELECT 1")
        server.thaw()

    server.wait()
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == ((1,),)


def test_the_servers_clock_is_moved_while_it_runs(server: DatabaseServer, run_dir: Path) -> None:
    clock = database_clock(run_dir / "server-clock")
    assert clock, "libfaketime is missing: scripts/setup-programs clock"

    clock.move(3600)

    with contextlib.closing(server.connect()) as connection:
        assert _told(connection, ahead_s=3600)
        clock.move(0)
        assert _told(connection, ahead_s=0)


def _told(connection: "pymysql.Connection[Cursor]", ahead_s: float) -> bool:
    """Does the server come to say that it is this far ahead of us? It looks for a new offset once a second."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT UNIX_TIMESTAMP(SYSDATE(6))")
            [told] = cursor.fetchone() or [0]
        if abs(float(told) - time.time() - ahead_s) < 1:
            return True
        time.sleep(0.1)
    return False
