"""Migrations: once each, in order, twice is harmless, at once is harmless, an edited one is refused."""

from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import Migration, MigrationError, migrate, migrations_in
from tests.support import wiring
from tests.support.world import SQL, World


def run(world: World, migrations: list[Migration]) -> list[str]:
    config = wiring.database_config(world.settings, timeout_s=30)
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


def test_a_migration_that_died_half_way_is_repeated(fresh_world: World) -> None:
    died = [
        Migration(
            "9005_d.sql", "CREATE TABLE died (id INT PRIMARY KEY);\nALTER TABLE died ADD COLUMN a INT;\n"
        )
    ]
    whole = "CREATE TABLE IF NOT EXISTS died (id INT PRIMARY KEY);\nALTER TABLE died\n  ADD COLUMN a INT;\n"
    keyed = "ALTER TABLE died\n  ADD KEY ix_a (a);\n"
    run(fresh_world, died)
    run(fresh_world, [Migration("9006_e.sql", keyed)])

    assert run(fresh_world, [Migration("9007_f.sql", whole + keyed)]) == ["9007_f.sql"]


def test_the_pages_of_all_indexes_of_the_tokens_are_merged_late(
    fresh_world: World, administrator: "pymysql.Connection[Cursor]"
) -> None:
    """As the engine itself has it."""
    prefix = "INNODB_SYS" if "MariaDB" in administrator.get_server_info() else "INNODB"
    with administrator.cursor() as cursor:
        cursor.execute(
            f"SELECT i.NAME, i.MERGE_THRESHOLD FROM information_schema.{prefix}_INDEXES AS i"
            f" JOIN information_schema.{prefix}_TABLES AS t ON t.TABLE_ID = i.TABLE_ID WHERE t.NAME = %s",
            (f"{fresh_world.settings.db_name}/auth_user_tokens",),
        )
        thresholds = dict(cursor.fetchall())

    assert thresholds == dict.fromkeys(
        ("PRIMARY", "ix_user_type", "ix_expires_at", "ix_revoked_at", "ix_device"), 20
    )


def test_a_statement_that_fails_for_another_reason_stops_the_run(fresh_world: World) -> None:
    with pytest.raises(pymysql.err.OperationalError):
        run(fresh_world, [Migration("9008_g.sql", "ALTER TABLE auth_token_jobs\n  ADD KEY ix_a (absent);\n")])


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
