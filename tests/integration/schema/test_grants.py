"""deploy/users.sql and deploy/grants.sql on the real server: what each class of functions may not do.

That it may do what it needs, the end-to-end and handler tests show: there each function logs in as its own user.
"""

import contextlib
import re
from collections.abc import Iterator

import pymysql
import pytest
from pymysql.constants import ER
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.index_scans import (
    DELETE_LISTED,
    DELETE_LOCKED,
    LOCK,
    LOCK_FREE,
    IndexScan,
    listed,
)
from auth_tokens.adapters.mysql.purges import EVENTS, LIMITS, TOKENS, USERS, purges
from auth_tokens.adapters.mysql.rotations import TOUCH_SESSION
from auth_tokens.domain.errors import Unavailable
from deploy.database_users import CLASSES, FOLDER, Login, grants_sql, users_sql
from local.servers.database.address import DatabaseAddress
from tests.conftest import schema
from tests.support.database_users import MIGRATIONS, DatabaseUsers

DENIED = {ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR}
LOGINS = {name: Login(f"test_{name}", "x" * 16) for name in CLASSES}
TABLES = sorted(
    {
        table
        for path in MIGRATIONS.glob("*.sql")
        for table in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", path.read_text("utf-8"))
    }
)
WRITES = [
    "INSERT INTO auth_user_tokens (id) VALUES ('x')",
    "UPDATE auth_user_tokens SET revoked_at = NULL",
    "UPDATE auth_user_tokens SET token_hash = NULL",
    "UPDATE auth_user_tokens SET user_id = 'x'",
    "DELETE FROM auth_user_tokens",
    "INSERT INTO auth_token_keys (kid) VALUES ('x')",
    "UPDATE auth_token_keys SET public_jwk = NULL",
    "DELETE FROM auth_token_keys",
    "UPDATE auth_users SET status = 'active'",
    "SELECT password_hash FROM auth_users",
    "SELECT detail FROM auth_token_events",
    "SELECT 1 FROM auth_token_limits",
]
DDL = [
    "CREATE TABLE planted (id INT)",
    "ALTER TABLE auth_user_tokens ADD COLUMN planted INT",
    "DROP TABLE auth_user_tokens",
    "TRUNCATE TABLE auth_user_tokens",
    "CREATE INDEX planted ON auth_user_tokens (scope)",
    "CREATE VIEW planted AS SELECT 1",
]


@pytest.fixture(scope="module")
def users(database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]") -> Iterator[DatabaseUsers]:
    with schema(database) as at, DatabaseUsers(administrator, at) as made:
        yield made


def is_denied(users: DatabaseUsers, name: str, sql: str) -> bool:
    """Whether the server refuses a class of functions the statement for want of a privilege."""
    with contextlib.closing(Database(users.config(name))) as database:
        try:
            database.execute(sql)
        except Unavailable as exc:  # a right that is missing is not a fault of the statement
            assert isinstance(exc.__cause__, pymysql.err.MySQLError)
            assert exc.__cause__.args[0] in DENIED, exc
            return True
        return False


@pytest.mark.parametrize("sql", WRITES)
def test_the_reader_is_refused(users: DatabaseUsers, sql: str) -> None:
    assert is_denied(users, "reader", sql)


def test_the_reader_may_note_that_a_browser_session_was_used(users: DatabaseUsers) -> None:
    with contextlib.closing(Database(users.config("reader"))) as database:
        instants = {"at": "2026-01-01", "expires_at": "2026-01-02", "unless_noted_after": "2026-01-01"}
        noted = database.execute(TOUCH_SESSION, {**instants, "id": b"x" * 16, "generation": 0})

    assert noted == 0  # no such session; but no refusal


def test_the_writer_may_clean_up_each_table(users: DatabaseUsers) -> None:
    with contextlib.closing(Database(users.config("writer"))) as database:
        for purge in purges(database, 86_400, 86_400):
            assert purge.delete_batch(now=2_000_000_000, rows=10).is_last


@pytest.mark.parametrize("scan", [TOKENS, LIMITS, EVENTS, USERS], ids=lambda scan: scan.table)
def test_the_writer_may_lock_and_delete_what_is_due(users: DatabaseUsers, scan: IndexScan) -> None:
    """What a batch does with rows, of which there are none here: no refusal."""
    place, key = scan.start
    parameters = {"place": place, "id": key, "bound": place, "last": place, "rows": 10, "offset": 9}
    parameters |= {"listed": listed(["user" if key == "" else bytes(16)])}

    with contextlib.closing(Database(users.config("writer"))) as database:
        for statement in (LOCK, LOCK_FREE):
            assert database.query(scan.sql(statement), parameters) == []
        for statement in (DELETE_LOCKED, DELETE_LISTED):
            sql = scan.sql(statement)
            assert database.transaction(lambda work, sql=sql: work.execute(sql, parameters)) == 0


@pytest.mark.parametrize("name", ["reader", "writer"])
@pytest.mark.parametrize("sql", DDL)
def test_who_serves_requests_cannot_change_the_schema(users: DatabaseUsers, name: str, sql: str) -> None:
    assert is_denied(users, name, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE auth_users SET status = 'active'",
        "DELETE FROM auth_users",
        "INSERT INTO user_config (user_id) VALUES ('x')",
        "INSERT INTO auth_user_label (user_id, label) VALUES ('x', 'admin')",
        "SELECT 1 FROM auth_token_migrations",
    ],
)
def test_the_writer_is_refused(users: DatabaseUsers, sql: str) -> None:
    assert is_denied(users, "writer", sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM auth_users",
        "ALTER TABLE auth_users ADD COLUMN planted INT",
        "DROP TABLE user_config",
        "CREATE TABLE planted (id INT)",
    ],
)
def test_the_migrator_has_nothing_to_do_with_the_portal_s_tables(users: DatabaseUsers, sql: str) -> None:
    assert is_denied(users, "migrator", sql)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_of_the_migrations_has_its_grants(table: str) -> None:
    """A new table needs a line in each file: users.sql lets the migrator make it, grants.sql gives it to its users."""
    assert f"{{schema}}.{table} TO {{migrator}}" in (FOLDER / "users.sql").read_text("utf-8")
    assert f"{{schema}}.{table} TO {{writer}}" in (FOLDER / "grants.sql").read_text("utf-8")


def test_the_users_must_come_by_tls() -> None:
    made = [sql for sql in users_sql("portal", LOGINS) if sql.startswith(("CREATE USER", "ALTER USER"))]

    assert len(made) == 6
    assert all(sql.endswith("REQUIRE SSL") for sql in made)


def test_nobody_is_given_more_than_named_privileges_on_named_tables() -> None:
    granted = [
        sql
        for sql in [*users_sql("portal", LOGINS), *grants_sql("portal", LOGINS)]
        if sql.startswith("GRANT")
    ]

    assert granted
    assert all(re.search(r" ON portal\.\w+ TO test_\w+@'%'$", sql) for sql in granted)
    assert not [sql for sql in granted if " ALL " in sql or "GRANT OPTION" in sql]


@pytest.mark.parametrize("bad", ["a`b", "a'b", "a b", "", "a;b"])
def test_what_would_need_quoting_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="quoting"):
        grants_sql(bad, LOGINS)
    with pytest.raises(ValueError, match="quoting"):
        users_sql("portal", {**LOGINS, "reader": Login("reader", bad)})
