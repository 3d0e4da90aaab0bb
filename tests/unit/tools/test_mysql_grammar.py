"""What tools.mysql_grammar shows the grammar, and what it finds by words. (`make check` runs the grammar itself.)"""

import re

import pytest

from auth_tokens.adapters.mysql.ends import REVOKE_ROW
from tools.mysql_grammar.statements import as_parsed, found_by_words, of_the_project

STATEMENTS = {statement.place: statement.sql for statement in of_the_project()}


def test_constants_migrations_and_grants_are_all_looked_at() -> None:
    places = set(STATEMENTS)

    assert "auth_tokens.adapters.mysql.rotations.ROTATE_TOKEN" in places
    assert "functions/migrate/sql/0001_portal_tables.sql, statement 1" in places
    assert "deploy/grants.sql, statement 1" in places


def test_a_statement_is_looked_at_whole_and_with_its_values_bound() -> None:
    shown = STATEMENTS["auth_tokens.adapters.mysql.ends.REVOKE_ROW"]

    assert shown == re.sub(r"%\(\w+\)s", "1", REVOKE_ROW)
    assert not [place for place, sql in STATEMENTS.items() if "%" in sql.replace("'%'", "") or "{" in sql]


def test_values_by_name_and_lists_are_bound_too() -> None:
    mysql = "auth_tokens.adapters.mysql"

    assert "expires_at > 1 AND expires_at < 1" in STATEMENTS[f"{mysql}.purges.TOKENS.FIND"]
    assert "WHERE id IN (1)" in STATEMENTS[f"{mysql}.starts.END_SESSIONS"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci)",
        "CREATE TABLE t (a VARCHAR(9) COLLATE utf8mb4_0900_ai_ci)",
        "SELECT a->'$.b' FROM t",
    ],
)
def test_a_word_of_one_server_alone_is_found(sql: str) -> None:
    assert len(found_by_words(sql)) == 1


def test_a_word_that_mysql_does_not_reserve_is_no_fault() -> None:
    assert as_parsed("SELECT t.type, subtype FROM t") == "SELECT t.`type`, subtype FROM t"


def test_nowait_is_shown_as_its_neighbour_which_the_grammar_knows() -> None:
    assert as_parsed("SELECT a FROM t FOR UPDATE NOWAIT") == "SELECT a FROM t FOR UPDATE SKIP LOCKED"
