"""MySQL's commits do not wait for a signal that nobody sends: ADR 0034."""

import contextlib

import pytest

from local.servers.database.server import DatabaseServer


def test_the_log_of_a_mysql_has_threads_of_its_own(own_server: DatabaseServer) -> None:
    with contextlib.closing(own_server.administrator()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES LIKE 'innodb_log_writer_threads'")
        found = cursor.fetchall()

    if not found:
        pytest.skip("MariaDB has no such threads, and a MySQL before 8.0.22 has them always")
    assert found == (("innodb_log_writer_threads", "ON"),)
