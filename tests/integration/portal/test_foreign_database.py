"""`make run`, `make traffic` and `make doctor` on a database that local mode did not make: consent first, no seeds."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from auth_tokens.adapters.mysql.migrations import migrations_in, wanted
from auth_tokens.domain.portal_mapping import OWN_TABLES
from local.foreign import ExistingDatabase
from local.host.paths import ROOT
from local.host.ports import free_port
from local.servers.database.address import DatabaseAddress, connect
from local.stack import LocalStack
from tests.conftest import schema
from tests.integration.schema.test_foreign_tables import dump
from tests.support.portals import EXAMPLES, KINDS, PortalWorld, portal_world
from tests.support.world import SQL, World

PORTAL_S_OWN = (
    "CREATE TABLE auth_users (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, email VARCHAR(255) NOT NULL)"
)


@pytest.fixture
def at(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made:
        yield made


def url(at: DatabaseAddress) -> str:
    return f"mysql://{at.user}:{at.password}@{at.host}:{at.port}/{at.name}"


def run(program: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A program of local mode, without a terminal."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TOKENS_DB")},
        "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in (".", "layers/shared")),
        "LOCAL_STATE_DIR": str(folder),
        "PORT": str(free_port()),
        **variables,
    }
    command = [sys.executable, "-m", "local", program]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("consent", ["", "yes"])
def test_a_database_that_does_not_fit_is_left_as_it_is_whatever_was_agreed(
    at: DatabaseAddress, tmp_path: Path, consent: str
) -> None:
    with contextlib.closing(connect(at)) as connection:
        connection.cursor().execute(PORTAL_S_OWN)
    before = dump(at)

    done = run("run", tmp_path, TOKENS_DB_URL=url(at), TOKENS_DB_CREATE=consent)

    assert (done.returncode, done.stdout) == (1, "")
    assert "MUST   auth_users has no column username" in done.stderr
    assert "it has id, email" in done.stderr
    assert "mend first what is marked MUST; nothing was changed" in done.stderr
    assert dump(at) == before


def test_without_consent_a_database_that_fits_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    with portal_world(world, KINDS["integer"], tmp_path) as portal:
        own = addressed(portal)
        with contextlib.closing(connect(own)) as connection:
            connection.cursor().execute("CREATE TABLE something (id INT PRIMARY KEY)")
        before = dump(own), dump(addressed(portal, portal.schema))

        done = run("run", tmp_path, TOKENS_DB_URL=url(own), PORTAL_MAP=portal.settings.portal_map)

        assert (done.returncode, done.stdout) == (1, "")
        assert f"Will create no table in {own.name} on {own.host}:{own.port}, and run clean-up" in done.stderr
        assert "Set TOKENS_DB_CREATE=yes to agree; nothing was changed" in done.stderr
        assert (dump(own), dump(addressed(portal, portal.schema))) == before


def addressed(world: PortalWorld, name: str = "") -> DatabaseAddress:
    settings = world.settings
    return DatabaseAddress(
        settings.db_host, settings.db_port, name or settings.db_name, settings.db_user, settings.db_password
    )


def test_what_would_be_made_is_counted(at: DatabaseAddress) -> None:
    mapped = ExistingDatabase(at, EXAMPLES["knex-integer"])

    count = sum(len(each.tables) for each in wanted(migrations_in(SQL), EXAMPLES["knex-integer"]))
    assert mapped.will_do().startswith(f"Will create {count} tables in {at.name} on {at.host}:{at.port}")


def test_a_mapping_without_a_database_is_refused(tmp_path: Path) -> None:
    done = run("run", tmp_path, PORTAL_MAP="portal/uuid-bytes.json")
    missing = run("run", tmp_path, PORTAL_MAP="portal/nowhere.json")

    assert (done.returncode, missing.returncode) == (1, 1)
    assert "say by TOKENS_DB_URL where they are" in done.stderr
    assert "nowhere.json" in missing.stderr and "Traceback" not in missing.stderr


def test_local_mode_knows_what_it_made(at: DatabaseAddress, stack: LocalStack) -> None:
    assert ExistingDatabase(stack.database, OWN_TABLES).is_own
    assert ExistingDatabase(at, OWN_TABLES).is_own  # empty
    with contextlib.closing(connect(at)) as connection:
        connection.cursor().execute("CREATE TABLE something (id INT PRIMARY KEY)")
    assert not ExistingDatabase(at, OWN_TABLES).is_own


def test_the_doctor_s_exit_code_says_whether_something_must_be_mended(world: World, tmp_path: Path) -> None:
    with portal_world(world, KINDS["uuid-bytes"], tmp_path) as portal:
        file = Path(portal.settings.portal_map)
        variables = {"TOKENS_DB_URL": url(addressed(portal)), "PORTAL_MAP": str(file)}
        portal.user()
        well = run("doctor", tmp_path, **variables)
        document = json.loads(file.read_text("utf-8"))
        document["users"]["name"]["column"] = "login"
        file.write_text(json.dumps(document))
        ill = run("doctor", tmp_path, **variables)
        file.write_text('{"version": 1, "sql": "DROP TABLE users"}')
        unreadable = run("doctor", tmp_path, **variables)
        nowhere = run("doctor", tmp_path)

        assert (well.returncode, ill.returncode, unreadable.returncode, nowhere.returncode) == (0, 1, 2, 2)
        assert "MUST" not in well.stderr
        assert "has no column login" in ill.stderr
        assert "lacks users" in unreadable.stderr
        assert "say by TOKENS_DB_URL" in nowhere.stderr


@pytest.mark.parametrize(("apart_s", "is_said"), [(-40, True), (-20, False), (20, False), (40, True)])
def test_clocks_that_differ_are_said(
    at: DatabaseAddress, monkeypatch: pytest.MonkeyPatch, apart_s: int, is_said: bool
) -> None:
    now = time.time()
    monkeypatch.setattr("local.foreign.time", SimpleNamespace(time=lambda: now + apart_s))

    said = [sentence for _, sentence in ExistingDatabase(at, OWN_TABLES).findings() if "clock" in sentence]

    assert bool(said) == is_said
