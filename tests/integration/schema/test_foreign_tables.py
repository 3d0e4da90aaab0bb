"""A table of the Portal that has the name of one of ours: the migration stops before any change."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.migrations import Migration, MigrationError, migrate, migrations_in, wanted
from auth_tokens.domain.portal_mapping import OWN_TABLES
from local.servers.database.address import Connection, DatabaseAddress, connect
from tests.conftest import schema
from tests.support.portals import EXAMPLES
from tests.support.world import SQL

MIGRATIONS = migrations_in(SQL)
# As Knex makes them.
PORTAL_S_TOKENS = """
CREATE TABLE auth_user_tokens (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  token VARCHAR(255) NOT NULL,
  type VARCHAR(32) NOT NULL,
  expires_at TIMESTAMP NULL
)"""
PORTAL_S_KEYS = "CREATE TABLE auth_token_keys (kid INT PRIMARY KEY)"


@pytest.fixture
def at(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made:
        yield made


def run(at: DatabaseAddress, migrations: list[Migration] = MIGRATIONS) -> list[str]:
    config = DatabaseConfig(at.host, at.port, at.name, at.user, at.password, verify_tls=False, timeout_s=30)
    with contextlib.closing(Database(config)) as lock, contextlib.closing(Database(config)) as database:
        return migrate(migrations, lock, database)


def execute(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def dump(at: DatabaseAddress) -> dict[str, object]:
    """Everything in a schema: each table's definition and rows."""
    with contextlib.closing(connect(at)) as connection:
        tables = [str(row[0]) for row in execute(connection, "SHOW TABLES")]
        return {
            name: (
                execute(connection, f"SHOW CREATE TABLE {name}"),
                execute(connection, f"SELECT * FROM {name}"),
            )
            for name in tables
        }


def made(at: DatabaseAddress, *statements: str) -> None:
    with contextlib.closing(connect(at)) as connection:
        for statement in statements:
            execute(connection, statement)


def test_the_portal_s_own_table_of_tokens_stops_the_migration_before_any_change(at: DatabaseAddress) -> None:
    made(
        at, PORTAL_S_TOKENS, "INSERT INTO auth_user_tokens (user_id, token, type) VALUES (1, 'x', 'refresh')"
    )
    before = dump(at)

    with pytest.raises(MigrationError) as refused:
        run(at)

    assert dump(at) == before
    said = str(refused.value)
    assert said.startswith(
        f"Stopped before any change. `{at.name}.auth_user_tokens` exists and is not this service's"
    )
    assert "user_id int" in said and "token varchar(255), …" in said.replace("type varchar(32), …", "")
    assert "device_id, client_id, scope and 15 more are missing" in said
    assert "schema of its own" in said and "never renames, changes or drops it" in said


def test_what_an_earlier_release_left_there_when_it_died_changes_nothing_about_it(
    at: DatabaseAddress,
) -> None:
    """It registered 0002, which had found a table of that name, and died at 0003."""
    made(at, PORTAL_S_TOKENS, PORTAL_S_KEYS.replace("auth_token_keys", "left_alone"))
    registered = [
        Migration("0002_tokens.sql", MIGRATIONS[2].sql.replace("auth_user_tokens (", "auth_other ("))
    ]
    run(at, registered)
    before = dump(at)

    with pytest.raises(MigrationError, match=r"auth_user_tokens` exists and is not this service's"):
        run(at)

    assert dump(at) == before


@pytest.mark.parametrize(
    "name", sorted({name for each in MIGRATIONS for name in each.tables} - set(OWN_TABLES.tables))
)
def test_each_of_our_names_is_looked_at(at: DatabaseAddress, name: str) -> None:
    made(at, f"CREATE TABLE {name} (planted INT PRIMARY KEY)")
    before = dump(at)

    with pytest.raises(
        MigrationError, match=rf"{name}` exists and is not this service's: it has planted int"
    ):
        run(at)

    assert dump(at) == before


@pytest.mark.parametrize("count", [1, 5, 9])
def test_tables_that_an_earlier_run_left_half_made_are_ours(at: DatabaseAddress, count: int) -> None:
    """A run that died after some statements, before it registered anything."""
    statements = [statement for each in MIGRATIONS for statement in each.statements]
    made(at, *statements[:count])

    assert run(at) == [each.name for each in MIGRATIONS]
    assert run(at) == []


def test_a_portal_with_tables_of_its_own_gets_none_that_stand_in_for_them(at: DatabaseAddress) -> None:
    for mapping in (EXAMPLES["knex-integer"], EXAMPLES["uuid-bytes"]):
        migrations = wanted(MIGRATIONS, mapping)
        run(at, migrations)

        assert not set(dump(at)) & set(OWN_TABLES.tables)
        assert {each.name for each in MIGRATIONS} - {each.name for each in migrations} == {
            *("0000_user_config.sql", "0001_portal_tables.sql")
        }


def test_without_a_mapping_all_migrations_apply() -> None:
    assert wanted(MIGRATIONS, EXAMPLES["default"]) == MIGRATIONS == migrations_in(Path(SQL))
