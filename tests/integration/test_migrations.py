"""Migrations: once each, in order, twice is harmless, at once is harmless, an edited one is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_tokens import bootstrap
from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import Migration, MigrationError, migrate, migrations_in
from tests.support.world import SQL, World


def run(world: World, migrations: list[Migration]) -> list[str]:
    config = bootstrap.database_config(world.settings, timeout_s=30)
    return migrate(migrations, Database(config), Database(config))


def test_a_second_run_applies_nothing(fresh_world: World) -> None:
    assert run(fresh_world, migrations_in(SQL)) == []


def test_two_runs_at_once_apply_each_migration_once(fresh_world: World) -> None:
    added = [
        Migration("9001_a.sql", "CREATE TABLE added (id INT PRIMARY KEY);\nINSERT INTO added VALUES (1);\n")
    ]

    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: run(fresh_world, added), range(4)))

    assert sorted(applied) == [[], [], [], ["9001_a.sql"]]


def test_an_edited_migration_is_refused_and_nothing_is_run(fresh_world: World) -> None:
    run(fresh_world, [Migration("9002_b.sql", "CREATE TABLE b1 (id INT PRIMARY KEY);\n")])
    edited = [
        Migration("9002_b.sql", "CREATE TABLE b2 (id INT PRIMARY KEY);\n"),
        Migration("9003_c.sql", "CREATE TABLE b3 (id INT PRIMARY KEY);\n"),
    ]

    with pytest.raises(MigrationError, match=r"9002_b\.sql"):
        run(fresh_world, edited)

    assert not fresh_world.sql("SHOW TABLES LIKE 'b3'")


def test_a_migration_of_a_newer_deployment_does_not_stop_an_older_one(fresh_world: World) -> None:
    run(fresh_world, [Migration("9004_new.sql", "CREATE TABLE newer (id INT PRIMARY KEY);\n")])

    assert run(fresh_world, migrations_in(SQL)) == []


def test_the_portals_tables_are_left_as_they_are(fresh_world: World) -> None:
    fresh_world.sql("ALTER TABLE auth_users ADD COLUMN portal_only INT NULL")

    run(fresh_world, migrations_in(SQL))

    assert fresh_world.sql("SHOW COLUMNS FROM auth_users LIKE 'portal_only'")
