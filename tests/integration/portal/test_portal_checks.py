"""What the doctor says of the Portal's tables, on a real server: nothing to mend, or a sentence for each fault."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from auth_tokens.adapters.mysql.legacy_checks import bits_of
from auth_tokens.adapters.mysql.portal import MySqlPortal, PortalTables
from auth_tokens.adapters.mysql.portal_checks import SEEDED_IDS, portal_findings, server
from auth_tokens.adapters.portal_map import parsed
from local.seed import USERS, seed
from tests.support.portals import KINDS, PortalWorld, portal_world
from tests.support.world import World


@pytest.fixture(params=["integer", "uuid-bytes"])
def mapped(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PortalWorld]:
    with portal_world(world, KINDS[request.param], tmp_path, migrated=False) as made:
        yield made


@pytest.fixture
def integer(world: World, tmp_path: Path) -> Iterator[PortalWorld]:
    with portal_world(world, KINDS["integer"], tmp_path, migrated=False) as made:
        yield made


def said(world: World, document: object) -> dict[str, list[str]]:
    """level → sentences."""
    tables = PortalTables(parsed(json.dumps(document)))
    found: dict[str, list[str]] = {"must": [], "should": [], "ok": []}
    for finding in portal_findings(world.database, tables):
        found[finding["level"]].append(finding["sentence"])
    return found


def test_a_portal_that_fits_has_nothing_to_mend(mapped: PortalWorld) -> None:
    mapped.user()

    found = said(mapped, mapped.kind.document(mapped.schema))

    assert found["must"] == []
    # The two servers' own defaults: MariaDB's bare test server is strict, and its collation ignores case.
    assert [text for text in found["should"] if "isolation" not in text and "sql_mode" not in text] == []
    assert len(found["ok"]) == 2


def test_a_column_that_is_not_there_is_named_with_those_that_are(integer: PortalWorld) -> None:
    document = integer.kind.document(integer.schema)
    document["users"]["name"]["column"] = "username"
    document["labels"]["through"]["label"] = "title"

    users, labels = said(integer, document)["must"]

    assert users == (
        f"{integer.schema}.auth_users has no column username, which the mapping names as users.name: it has id, email,"
        " password, is_active, deleted_at, created_at, password_changed_at. Name one of these."
    )
    assert labels == (
        f"{integer.schema}.auth_labels has no column title, which the mapping names as labels.through.label: it has id,"
        " name. Name one of these."
    )


def test_a_table_and_a_schema_that_are_not_there_are_named(integer: PortalWorld) -> None:
    document = integer.kind.document(integer.schema)
    document["preferences"]["table"] = "settings"
    [sentence] = said(integer, document)["must"]
    elsewhere = said(integer, {**document, "schema": f"{integer.schema}x"})["must"]

    assert sentence.startswith(
        f"There is no table {integer.schema}.settings, or this database user may not see it"
    )
    assert len(elsewhere) == 5


@pytest.mark.parametrize(
    ("form", "fits"), [("text", "integer"), ("uuid-bytes", "integer"), ("uuid-bytes-swapped", "integer")]
)
def test_ids_of_another_kind_are_said_with_what_fits(integer: PortalWorld, form: str, fits: str) -> None:
    document = integer.kind.document(integer.schema)
    document["users"]["id"]["as"] = form

    found = said(integer, document)["must"]

    assert len(found) == 4  # users, preferences, labels, tokens
    assert all(f"says `as` {form}: that fits {fits}." in sentence for sentence in found)


FAULTS = {
    "ALTER TABLE {0}.user_config MODIFY user_id VARCHAR(36) NOT NULL": "user_config.user_id is varchar(36), and",
    "ALTER TABLE {0}.user_config DROP KEY user_config_user_id_unique": "user_config has no unique index on user_id",
    "ALTER TABLE {0}.auth_users DROP KEY auth_users_email_unique": "has no index that begins with email: make one.",
    "ALTER TABLE {0}.auth_user_label DROP PRIMARY KEY": "auth_user_label has no index that begins with user_id",
    "ALTER TABLE {0}.auth_users MODIFY is_active VARCHAR(8) NOT NULL": "(varchar(8)) with a number: write a text.",
    "ALTER TABLE {0}.auth_users MODIFY deleted_at DATETIME NOT NULL": "with null, which it never is.",
    "ALTER TABLE {0}.auth_user_tokens DROP KEY token": "auth_user_tokens has no index that begins with token: make",
    "ALTER TABLE {0}.auth_user_tokens MODIFY revoked_at TIMESTAMP NOT NULL": "legacy_tokens.live compares",
    "ALTER TABLE {0}.auth_user_tokens MODIFY expires_at DATETIME NULL": "and legacy_tokens.ends says timestamp: write",
    "ALTER TABLE {0}.auth_users MODIFY password_changed_at INT NULL": "and users.tokens_valid_after says timestamp",
    "ALTER TABLE {0}.auth_user_tokens DROP COLUMN user_agent": "which the mapping names as legacy_tokens.device_name",
    "INSERT INTO {0}.auth_user_tokens (user_id, token, type) VALUES (1, REPEAT('a', 80), 'refresh')": (
        "1 of the first 1 values in {0}.auth_user_tokens.token are not sha256-hex: look at legacy_tokens.token."
    ),
    "ALTER TABLE {0}.auth_users MODIFY created_at INT NOT NULL": "users.created needs a DATETIME or TIMESTAMP",
    "ALTER TABLE {0}.auth_users MODIFY created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"
    " ON UPDATE CURRENT_TIMESTAMP": "all of the user's sessions would end: leave users.created out.",
}


@pytest.mark.parametrize("change", FAULTS)
def test_what_would_not_work_is_said(integer: PortalWorld, change: str) -> None:
    integer.sql(change.format(integer.schema))

    found = said(integer, integer.kind.document(integer.schema))["must"]

    assert [sentence for sentence in found if FAULTS[change].format(integer.schema) in sentence], found


@pytest.mark.parametrize(
    ("shape", "level", "bits"),
    [
        ("[0-9]{6}", "must", 19),
        ("[0-9a-f]{20}", "should", 80),
        ("[0-9a-f]{32}", "ok", 128),
        ("x[A-Za-z0-9_-]{43}", "ok", 258),
    ],
)
def test_tokens_that_can_be_guessed_are_said(integer: PortalWorld, shape: str, level: str, bits: int) -> None:
    document = integer.kind.document(integer.schema)
    document["legacy_tokens"]["token"]["shape"] = shape

    found = said(integer, document)

    assert bits_of(shape) == bits
    said_there = {
        each for each in ("must", "should") if any(f"have {bits} bits" in text for text in found[each])
    }
    assert said_there == ({level} - {"ok"})


def test_values_of_the_stored_form_are_no_fault(integer: PortalWorld) -> None:
    document = integer.kind.document(integer.schema)
    for stored in ("SHA2('a', 256)", "SHA2('b', 256)"):
        integer.sql(
            f"INSERT INTO {integer.schema}.auth_user_tokens (user_id, token, type) VALUES (1, {stored}, 'refresh')"
        )

    assert said(integer, document)["must"] == []


def test_hashes_are_upgraded_only_where_there_is_room_and_nobody_else_reads_them(
    integer: PortalWorld,
) -> None:
    document = integer.kind.document(integer.schema)
    document["users"]["password"]["upgrade"] = True
    roomy = said(integer, document)
    integer.sql(f"ALTER TABLE {integer.schema}.auth_users MODIFY password VARCHAR(60) NOT NULL")
    narrow = said(integer, document)

    assert roomy["must"] == []
    assert [text for text in roomy["should"] if "bcrypt of the older system cannot verify" in text]
    [sentence] = narrow["must"]
    assert 'room for 60 characters, and an upgraded hash has about 97: say `"upgrade": false`' in sentence


def test_names_that_nobody_could_sign_in_with_are_said(integer: PortalWorld) -> None:
    name = integer.user()
    table = f"{integer.schema}.auth_users"
    document = integer.kind.document(integer.schema)
    integer.sql(
        f"ALTER TABLE {table} MODIFY email VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL"
    )
    could = said(integer, document)
    integer.sql(f"UPDATE {table} SET email = UPPER(email) WHERE email = %s", name)
    cannot = said(integer, document)

    assert could["must"] == []
    assert [text for text in could["should"] if "may hold two names that differ in case alone" in text]
    [sentence] = cannot["must"]
    assert "1 of the first 1 names are not in lower case" in sentence and "latin1_bin" in sentence


def test_conditions_that_hold_for_nobody_and_another_engine_are_said(integer: PortalWorld) -> None:
    integer.disable(integer.user())
    integer.sql(f"ALTER TABLE {integer.schema}.auth_labels ENGINE = MyISAM")

    found = said(integer, integer.kind.document(integer.schema))

    assert found["must"] == []
    assert [text for text in found["should"] if "None of the first 1 users is active" in text]
    assert [text for text in found["should"] if "auth_labels is MyISAM" in text]


def test_users_whom_an_earlier_run_seeded_are_named_with_statements_that_delete_them(
    fresh_world: World,
) -> None:
    default = json.loads((Path(__file__).parents[3] / "portal/default.json").read_text("utf-8"))
    fresh_world.user()
    clean = said(fresh_world, default)
    with fresh_world.connect() as connection:
        seed(connection)
    own = said(fresh_world, default)
    fresh_world.sql("DELETE FROM auth_token_jobs")  # as before local mode marked what it made
    [sentence] = said(fresh_world, default)["must"]

    for statement in sentence.splitlines()[1:]:
        fresh_world.sql(statement)

    assert clean["must"] == own["must"] == []
    assert "4 users are there whose password is published" in sentence
    assert said(fresh_world, default)["must"] == []
    assert fresh_world.sql("SELECT COUNT(*) AS n FROM auth_users") == [{"n": 1}]


def test_the_seeded_ids_are_those_of_local_mode() -> None:
    assert tuple(user.id for user in USERS) == SEEDED_IDS


def test_preferences_without_a_column_are_no_fault(fresh_world: World) -> None:
    default = json.loads((Path(__file__).parents[3] / "portal/default.json").read_text("utf-8"))
    fresh_world.sql("ALTER TABLE user_config DROP COLUMN max_sessions")

    found = said(fresh_world, default)

    assert found["must"] == []
    assert "user_config has no column for max_sessions: the settings decide these." in found["ok"]


def test_names_of_columns_are_the_same_in_either_case(integer: PortalWorld, fresh_world: World) -> None:
    document = integer.kind.document(integer.schema)
    document["users"]["name"]["column"] = "Email"
    default = json.loads((Path(__file__).parents[3] / "portal/default.json").read_text("utf-8"))
    default["preferences"]["columns"] = {"max_sessions": "MAX_Sessions", "access_ttl_s": "absent"}
    name = fresh_world.user(max_sessions=1)
    portal = MySqlPortal(fresh_world.database, tables=PortalTables(parsed(json.dumps(default))))

    account = portal.account_by_name(name)

    assert said(integer, document)["must"] == []
    assert account is not None
    assert account.user.config.chosen == {"max_sessions": 1}


def test_a_view_is_looked_at_without_its_indexes(integer: PortalWorld) -> None:
    integer.sql(f"CREATE VIEW {integer.schema}.people AS SELECT * FROM {integer.schema}.auth_users")
    document = integer.kind.document(integer.schema)
    document["users"]["table"] = "people"

    found = said(integer, document)

    assert found["must"] == []
    assert [text for text in found["should"] if "people is a view" in text]


@pytest.mark.parametrize(
    ("version", "is_too_old"),
    [
        ("5.7.44-log", True),
        ("8.0.20", True),
        ("8.0.21", False),
        ("8.0.mysql_aurora.3.04.0", False),
        ("9.7.4", False),
        ("10.5.23-MariaDB", True),
        ("10.6.0-MariaDB-log", False),
        ("11.8.9-MariaDB", False),
    ],
)
def test_a_server_that_is_too_old_is_said(version: str, is_too_old: bool) -> None:
    told = {
        "version": version,
        "sql_mode": "",
        "transaction_isolation": "READ-COMMITTED",
        "time_zone": "+02:00",
    }

    found = list(server(SimpleNamespace(server=told)))  # type: ignore[arg-type]

    assert [each.level for each in found] == [*(["must"] if is_too_old else []), "should", "should", "ok"]
