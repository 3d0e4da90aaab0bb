"""The classifier of the general log finds what pins, and nothing in literals or names."""

import pytest

from local.servers.rds_proxy.pinning import MAX_STATEMENT_BYTES, pins

PINNING = {
    "SET @last = 1": "a user variable",
    "SELECT @last := id FROM t": "a user variable",
    "SELECT id INTO @x FROM t": "a user variable",
    "PREPARE s FROM 'SELECT 1'": "a prepared statement",
    "EXECUTE s": "a prepared statement",
    "SELECT GET_LOCK('x', 1)": "a named lock",
    "do release_lock ('x')": "a named lock",
    "LOCK TABLES t WRITE": "a table lock",
    "UNLOCK TABLES": "a table lock",
    "FLUSH TABLES WITH READ LOCK": "a global read lock",
    "CREATE TEMPORARY TABLE t (id INT)": "a temporary table",
    "SELECT ROW_COUNT()": "a function of the session's state",
    "SELECT LAST_INSERT_ID()": "a function of the session's state",
    "SET SESSION innodb_lock_wait_timeout = 5": "SET innodb_lock_wait_timeout",
    "SET lock_wait_timeout=5": "SET lock_wait_timeout",
    "SET @@session.max_execution_time = 5": "SET max_execution_time",
    "SET autocommit = 1, foreign_key_checks = 0": "SET foreign_key_checks",
}
HARMLESS = [
    "SELECT 1",
    "SET NAMES utf8mb4",
    "SET AUTOCOMMIT = 0",
    "SET SESSION sql_mode = 'ANSI', time_zone = '+00:00'",
    "SET TRANSACTION_ISOLATION = 'READ-COMMITTED'",
    "SELECT @@version",
    "INSERT INTO t (a) VALUES ('@x GET_LOCK(1) it''s \\'LOCK TABLES')",
    "UPDATE t SET lock_wait = 1, b = 2 WHERE id = 3",
    "SELECT `temporary` FROM t /* GET_LOCK() */",
    "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
    "BEGIN",
    "COMMIT",
]


@pytest.mark.parametrize(("statement", "reason"), PINNING.items())
def test_a_statement_that_pins_is_found_with_its_reason(statement: str, reason: str) -> None:
    assert pins("Query", statement.encode()) == reason


@pytest.mark.parametrize("statement", HARMLESS)
def test_a_statement_that_does_not_pin_passes(statement: str) -> None:
    assert pins("Query", statement.encode()) is None


@pytest.mark.parametrize("command", ["Prepare", "Execute", "Ping", "Init DB"])
def test_any_command_but_a_plain_query_is_found(command: str) -> None:
    assert pins(command, b"SELECT 1") == f"command {command}"


@pytest.mark.parametrize("command", ["Connect", "Quit"])
def test_a_connections_beginning_and_end_pass(command: str) -> None:
    assert pins(command, b"writer@127.0.0.1 on portal using SSL/TLS") is None


def test_the_length_that_pins_is_more_than_16_kb() -> None:
    select = b"SELECT '" + b"x" * (MAX_STATEMENT_BYTES - 9) + b"'"

    assert pins("Query", select) is None
    assert pins("Query", select + b" ") == "16385 bytes"
