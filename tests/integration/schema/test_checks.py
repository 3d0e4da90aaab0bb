"""What `doctor` is told of the database, on the real server: each user's own rights, schema, keys, the clock."""

import contextlib
from collections.abc import Iterator

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.checks import database_clock, key_ages, own_grants, schema_state
from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.migrations import Migration, migrations_in
from deploy.database_users import CLASSES
from deploy.rights import missing, needed_by, rights_in
from local.servers.database.address import DatabaseAddress
from tests.conftest import schema
from tests.support.database_users import MIGRATIONS, DatabaseUsers

EACH = pytest.mark.parametrize("user_class", CLASSES)


@pytest.fixture(scope="module")
def at(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made:
        yield made


@pytest.fixture(scope="module")
def users(at: DatabaseAddress, administrator: "pymysql.Connection[Cursor]") -> Iterator[DatabaseUsers]:
    with DatabaseUsers(administrator, at) as made:
        yield made


@contextlib.contextmanager
def connected(users: DatabaseUsers, user_class: str) -> Iterator[Database]:
    with contextlib.closing(Database(users.config(user_class))) as database:
        yield database


def lacking(users: DatabaseUsers, user_class: str, at: DatabaseAddress) -> list[str]:
    with connected(users, user_class) as database:
        had = rights_in(own_grants(database))
    return [str(right) for right in missing(needed_by(user_class, at.name), had)]


@EACH
def test_users_made_as_the_page_says_lack_nothing(
    users: DatabaseUsers, at: DatabaseAddress, user_class: str
) -> None:
    assert lacking(users, user_class, at) == []


# One of each class; what is taken away, and what is said then.
TAKEN = {
    "reader": ("SELECT (username) ON {0}.auth_users", "SELECT (username) ON {0}.auth_users"),
    "writer": ("DELETE ON {0}.auth_user_tokens", "DELETE ON {0}.auth_user_tokens"),
    "migrator": ("ALTER ON {0}.auth_token_keys", "ALTER ON {0}.auth_token_keys"),
}


@EACH
def test_a_right_that_was_taken_away_is_missed(
    users: DatabaseUsers, at: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", user_class: str
) -> None:
    right, said = (text.format(at.name) for text in TAKEN[user_class])
    user = users.logins[user_class].user
    administrator.cursor().execute(f"REVOKE {right} FROM {user}@'%'")
    try:
        assert lacking(users, user_class, at) == [said]
    finally:
        administrator.cursor().execute(f"GRANT {right} TO {user}@'%'")


@EACH
def test_no_password_and_no_hash_of_one_is_told(users: DatabaseUsers, user_class: str) -> None:
    with connected(users, user_class) as database:
        told = str(own_grants(database))

    assert "IDENTIFIED" not in told
    assert "PASSWORD '" not in told
    assert "*" not in told.replace("*.*", "")


def test_the_state_of_the_schema_is_what_migrate_would_find(users: DatabaseUsers) -> None:
    files = migrations_in(MIGRATIONS)
    edited = [
        *files[:-1],
        Migration(files[-1].name, "SELECT 1;\n"),
        Migration("9999_more.sql", "SELECT 1;\n"),
    ]

    with connected(users, "migrator") as database:
        found, then = schema_state(files, database), schema_state(edited, database)

    assert (found.pending, found.changed) == ([], [])
    assert found.applied == [file.name for file in files]
    assert (then.pending, then.changed) == (["9999_more.sql"], [files[-1].name])


def test_in_an_empty_schema_everything_is_pending_and_stays_so(database: DatabaseAddress) -> None:
    files = migrations_in(MIGRATIONS)
    with schema(database) as empty:
        config = DatabaseConfig(
            empty.host, empty.port, empty.name, empty.user, empty.password, verify_tls=False
        )
        with contextlib.closing(Database(config)) as connection:
            found = [schema_state(files, connection) for _ in range(2)]
            assert key_ages(connection, {}) == []

    assert [state.pending for state in found] == [[file.name for file in files]] * 2
    assert [state.applied for state in found] == [[], []]


def test_the_keys_in_use_are_told_with_their_age_and_their_turn(
    users: DatabaseUsers, at: DatabaseAddress, administrator: "pymysql.Connection[Cursor]"
) -> None:
    administrator.cursor().execute(
        f"INSERT INTO {at.name}.auth_token_keys (kid, purpose, epoch, state, algorithm, created_at, changed_at)"
        " VALUES ('k1', 'signing', 1, 'signing', 'ES256', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) - INTERVAL 2 DAY),"
        " ('k0', 'signing', 0, 'gone', 'ES256', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))"
    )

    with connected(users, "migrator") as database:
        [key] = key_ages(database, {"signing": 30 * 86_400})

    assert (key["kid"], key["state"], key["use_for_s"]) == ("k1", "signing", 30 * 86_400)
    assert 2 * 86_400 <= key["age_s"] < 2 * 86_400 + 600


def test_the_database_s_clock_is_in_epoch_seconds(users: DatabaseUsers) -> None:
    with connected(users, "migrator") as database:
        first, second = database_clock(database), database_clock(database)

    assert 1_700_000_000 < first <= second
