"""Old hashes become new ones at login, however many come at once, and never over a password changed meanwhile."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import bcrypt
import pymysql
import pytest

from auth_tokens.adapters.mysql import connection
from auth_tokens.adapters.mysql.connection import DatabaseConfig
from auth_tokens.adapters.mysql.portal import UPGRADE_PASSWORD_HASH, MySqlPortal
from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.domain.errors import InvalidCredentials, InvalidRequest
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.password_hashes import BcryptKind
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.web.issue_bodies import MAX_PASSWORD, login_request
from auth_tokens.web.request_body import BodyParameters
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from tests.conftest import new_world
from tests.support import wiring
from tests.support.faults import Arrange
from tests.support.portals import FOLDER, own_sql
from tests.support.world import CALLER, PASSWORD, World

OLD_ARGON2 = PortalPasswords(8, 1, 1)


def old_bcrypt() -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def old_argon2() -> str:
    return OLD_ARGON2.upgraded(PASSWORD, "") or ""


def set_hash(world: World, name: str, password_hash: str) -> None:
    world.sql("UPDATE auth_users SET password_hash = %s WHERE username = %s", password_hash, name)


def hash_of(world: World, name: str) -> str:
    [row] = world.sql("SELECT password_hash FROM auth_users WHERE username = %s", name)
    return str(row["password_hash"])


each_old = pytest.mark.parametrize("older", [old_bcrypt, old_argon2], ids=["bcrypt", "older Argon2id"])


@each_old
def test_logins_at_once_all_get_in_and_leave_one_good_hash(world: World, older: object) -> None:
    name = world.user()
    set_hash(world, name, older())  # type: ignore[operator]
    environments = [wiring.issuing(world.environment()) for _ in range(4)]
    barrier = Barrier(len(environments))

    def attempt(index: int) -> str:
        barrier.wait()
        return login(LoginRequest(name, PASSWORD), CALLER, environments[index]).session_id

    with ThreadPoolExecutor(len(environments)) as pool:
        sessions = list(pool.map(attempt, range(len(environments))))

    assert len(set(sessions)) == 4
    assert "m=7168,t=1,p=1" in hash_of(world, name)
    assert world.login(name)


@each_old
def test_a_password_changed_while_the_old_one_is_verified_stays_changed(
    world: World, older: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.user()
    set_hash(world, name, older())  # type: ignore[operator]
    changed = OLD_ARGON2.upgraded("the new one", "") or ""
    upgraded = PortalPasswords.upgraded

    def change_meanwhile(passwords: PortalPasswords, password: str, password_hash: str) -> str | None:
        set_hash(world, name, changed)
        return upgraded(passwords, password, password_hash)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(PortalPasswords, "upgraded", change_meanwhile)
        with pytest.raises(InvalidCredentials):
            world.login(name)

    assert hash_of(world, name) == changed
    assert world.rows_of(name) == []
    with pytest.raises(InvalidCredentials):
        world.login(name)


NARROW = "ALTER TABLE auth_users MODIFY password_hash VARCHAR(60) NOT NULL"


@each_old
@pytest.mark.parametrize("mode", ["STRICT_TRANS_TABLES", ""], ids=["strict", "not strict"])
def test_a_column_without_room_keeps_its_hash_whole_and_the_login_is_served(
    database: DatabaseAddress, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, mode: str, older: object
) -> None:
    """An Argon2id hash has 97 characters. In VARCHAR(60) it was error 1406; without strict mode it was cut."""
    connect = connection._connect

    def connect_in_this_mode(config: DatabaseConfig) -> "pymysql.Connection[Any]":
        opened = connect(config)
        opened.query(f"SET SESSION sql_mode = '{mode}'")
        return opened

    monkeypatch.setattr(connection, "_connect", connect_in_this_mode)
    with new_world(database, aws) as world:
        name = world.user()
        stored = older()[:60]  # type: ignore[operator]
        set_hash(world, name, stored)
        world.sql(NARROW)
        if older is not old_bcrypt:  # none that fits is one
            monkeypatch.setattr(PortalPasswords, "verify", lambda *_: True)

        assert [bool(world.login(name)) for _ in range(2)] == [True, True]

        assert hash_of(world, name) == stored
        assert [name for name in world.telemetry.counts if "Error" in name] == []


@pytest.mark.parametrize("number", [1142, 1213, 1205, 1406, 1644, 2013])
def test_an_upgrade_that_fails_fails_no_login(world: World, failing: Arrange, number: int) -> None:
    name = world.user()
    older = old_bcrypt()
    set_hash(world, name, older)
    failing(own_sql(UPGRADE_PASSWORD_HASH), number, times=10)

    assert world.login(name)

    assert hash_of(world, name) == older


def test_an_upgrade_whose_answer_was_lost_signs_in_with_the_hash_that_is_there(
    world: World, failing: Arrange
) -> None:
    name = world.user()
    set_hash(world, name, old_bcrypt())
    failing(own_sql(UPGRADE_PASSWORD_HASH), 2013, times=2, after=True)

    assert world.login(name)

    assert "m=7168,t=1,p=1" in hash_of(world, name)


def test_a_mapping_that_upgrades_nothing_leaves_each_hash(world: World, tmp_path: Path) -> None:
    mapping = json.loads((FOLDER / "default.json").read_text("utf-8"))
    mapping["users"]["password"]["upgrade"] = False
    (tmp_path / "map.json").write_text(json.dumps(mapping))
    name = world.user()
    older = old_bcrypt()
    set_hash(world, name, older)
    beside = World(replace(world.settings, portal_map=str(tmp_path / "map.json")))

    assert beside.login(name)

    assert hash_of(world, name) == older


def test_the_kinds_of_hashes_in_use_are_read_by_their_heads_alone(fresh_world: World) -> None:
    world = fresh_world
    world.user()
    for stored in (
        old_bcrypt(),
        old_bcrypt().replace("$2b$", "$2y$"),
        old_argon2(),
        old_argon2(),
        "!",
        "md5$x",
        None,
    ):
        world.sql("UPDATE auth_users SET password_hash = %s WHERE username = %s", stored, world.user())

    kinds = MySqlPortal(world.database).kinds_of_hashes()

    assert sorted(kinds) == [
        "$2b$04$",
        "$2y$04$",
        "$argon2id$v=19$m=7168,t=1,p=1",
        "$argon2id$v=19$m=8,t=1,p=1",
    ]


def test_a_new_environment_pays_for_older_kinds_from_its_first_login_on(fresh_world: World) -> None:
    name = fresh_world.user()
    set_hash(fresh_world, name, old_bcrypt())
    deps = wiring.issuing(fresh_world.environment())

    with pytest.raises(InvalidCredentials):
        login(LoginRequest("nobody@example.com", "wrong"), CALLER, deps)

    assert isinstance(deps.passwords, PortalPasswords)
    assert deps.passwords._bcrypt == BcryptKind(4)


def test_a_wrong_password_upgrades_nothing(world: World) -> None:
    name = world.user()
    older = old_bcrypt()
    set_hash(world, name, older)

    with pytest.raises(InvalidCredentials):
        login(LoginRequest(name, "wrong"), CALLER, world.issuing)

    assert hash_of(world, name) == older


@pytest.mark.parametrize(
    ("password", "is_taken"),
    [
        ("x", True),
        ("x" * MAX_PASSWORD, True),
        ("🐎" * MAX_PASSWORD, True),
        ("", False),
        ("x" * (MAX_PASSWORD + 1), False),
        ("nul\0inside", False),
        ("\ud800", False),
        (7, False),
        (None, False),
    ],
    ids=[
        "one",
        "longest",
        "longest, of four bytes each",
        "empty",
        "longer",
        "NUL",
        "no UTF-8",
        "number",
        "null",
    ],
)
def test_the_bounds_of_a_password(password: object, is_taken: bool) -> None:
    body = BodyParameters({"username": "alice@example.com", "password": password})

    if is_taken:
        assert login_request(body, SessionOptions()).password == password
    else:
        with pytest.raises(InvalidRequest, match=r"^password "):
            login_request(body, SessionOptions())
