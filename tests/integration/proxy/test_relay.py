"""The stand-in for RDS Proxy changes nothing on the way: what PyMySQL tells of a statement, there and at the server."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT
from pymysql.cursors import Cursor

from local.servers.database.address import DatabaseAddress, connect
from tests.conftest import schema
from tests.support.proxies import Proxied, proxied, run, through


@pytest.fixture(scope="module")
def at(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made, contextlib.closing(connect(made)) as connection:
        run(connection, CREATE)
        yield made


@pytest.fixture(scope="module")
def made(at: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(at, tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


CREATE = (
    "CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(20) UNIQUE, day DATE,"
    " exact DECIMAL(9,3), bytes VARBINARY(9), at DATETIME(6), facts JSON)"
)
FILL = (
    "INSERT INTO notes (text, day, exact, bytes, at, facts) VALUES"
    " ('ä€😀', '2026-02-28', -1.5, x'00ff', '2026-02-28 23:59:59.000001', '{\"a\": [1]}'),"
    " (NULL, NULL, NULL, NULL, NULL, NULL), ('x', '0001-01-01', 999999.999, x'', '2026-01-01', 'null')"
)
# Types, NULLs, lengths around each form of a length (251, 65536), no rows, several results, warnings, errors.
STATEMENTS = {
    "types": "SELECT id, text, day, exact, bytes, at, facts FROM notes ORDER BY id",
    "no rows": "SELECT * FROM notes WHERE id = 0",
    "numbers": "SELECT 1, -1, 18446744073709551615, 1.50, 1e300, NULL, TRUE",
    "lengths": "SELECT '', REPEAT('x', 250), REPEAT('x', 251), REPEAT('x', 65536)",
    "more than one packet": "SELECT REPEAT('x', 16777300), 'end'",
    "many rows": "SELECT a.id, b.id, REPEAT('x', 900) FROM notes a, notes b, notes c, notes d, notes e, notes f",
    "bytes": "SELECT x'00ff27', _binary 'a', 'ä€😀'",
    "an insert": "INSERT INTO notes (text) VALUES ('a'), ('b')",
    "nothing changed": "UPDATE notes SET day = day",
    "a warning": "SELECT 'x' + 1",
    "a duplicate": "INSERT INTO notes (id) VALUES (1)",
    "no syntax": "SELEC",
    "no table": "SELECT * FROM nowhere",
    "an error among rows": "SELECT (SELECT 1 UNION SELECT 2)",
    "a refusal of a trigger's kind": "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
    "the session": "SELECT @@autocommit, @@collation_connection, @@sql_mode, DATABASE(), CURRENT_USER()",
}


def outcome(client: "pymysql.Connection[Cursor]", sql: str) -> dict[str, Any]:
    """All that PyMySQL tells of a statement."""
    told: dict[str, Any] = {}
    with client.cursor() as cursor:
        try:
            cursor.execute(sql)
        except pymysql.err.MySQLError as exc:
            return {"class": type(exc), "args": exc.args, "sqlstate": getattr(exc, "sqlstate", None)}
        result: Any = cursor._result  # type: ignore[attr-defined]
        told["status"], told["warnings"] = result.server_status, result.warning_count
        told["rows"], told["description"] = cursor.fetchall(), cursor.description
        told["affected"], told["id"] = cursor.rowcount, cursor.lastrowid
        fields: Any = getattr(result, "fields", ())
        told["fields"] = [
            (f.type_code, f.charsetnr, f.length, f.flags, f.scale, f.table_name) for f in fields
        ]
    return told


def both_outcomes(made: Proxied, sql: str, **options: Any) -> list[dict[str, Any]]:
    outcomes = []
    for opened in (lambda: connect(made.at, **options), lambda: through(made, **options)):
        with contextlib.closing(connect(made.at)) as connection:
            run(connection, "TRUNCATE notes")
            run(connection, FILL)
        with contextlib.closing(opened()) as client:
            outcomes.append(outcome(client, sql))
    return outcomes


@pytest.mark.parametrize("sql", STATEMENTS.values(), ids=STATEMENTS)
def test_a_client_sees_no_difference_in(sql: str, made: Proxied) -> None:
    at_the_server, at_the_proxy = both_outcomes(made, sql)

    assert at_the_proxy == at_the_server


@pytest.mark.parametrize("flags", [0, CLIENT.FOUND_ROWS])
def test_rows_are_counted_as_the_client_asked(flags: int, made: Proxied) -> None:
    sql = "UPDATE notes SET text = 'x' WHERE text = 'x'"
    at_the_server, at_the_proxy = both_outcomes(made, sql, client_flag=flags)

    assert at_the_proxy == at_the_server
    assert at_the_proxy["affected"] == (1 if flags else 0)


def test_clients_that_count_otherwise_do_not_share_a_connection(made: Proxied) -> None:
    sql = "SELECT CONNECTION_ID()"
    changed, found = (through(made, client_flag=flags) for flags in (0, CLIENT.FOUND_ROWS))
    with contextlib.closing(changed), contextlib.closing(found):
        assert run(changed, sql) != run(found, sql)


def test_several_results_of_one_command_all_arrive(made: Proxied) -> None:
    with contextlib.closing(through(made, client_flag=CLIENT.MULTI_STATEMENTS)) as client:
        cursor = client.cursor()
        cursor.execute("SELECT 1; BEGIN; SELECT 2; COMMIT; SELECT 3")
        rows = [*cursor.fetchall()]
        while cursor.nextset():
            rows += cursor.fetchall()

    assert rows == [(1,), (2,), (3,)]
