"""The rights that follow from a mapping are enough for the whole life of a token, and for nothing else."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import ER
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.checks import own_grants
from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.mysql.portal_checks import portal_findings
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.validate import validate
from deploy.rights import missing, needed_by, rights_in, surplus
from local.servers.database.address import DatabaseAddress
from tests.support import wiring
from tests.support.database_users import DatabaseUsers
from tests.support.portals import KINDS, PortalWorld, portal_world
from tests.support.world import CALLER, World

DENIED = {ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR}


class Mapped:
    """A Portal, its users' rights by its mapping, and the same world as the writer and the reader see it."""

    def __init__(self, portal: PortalWorld, users: DatabaseUsers) -> None:
        self.portal = portal
        self.users = users
        self.document = portal.kind.document(portal.schema)

    def seen_by(self, user_class: str) -> PortalWorld:
        login = self.users.logins[user_class]
        settings = replace(self.portal.settings, db_user=login.user, db_password=login.password)
        return PortalWorld(settings, self.portal.kind, self.portal.schema)


@pytest.fixture(scope="module", params=["integer", "uuid-bytes"])
def mapped(
    world: World,
    administrator: "pymysql.Connection[Cursor]",
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Mapped]:
    folder: Path = tmp_path_factory.mktemp("maps")
    with portal_world(world, KINDS[request.param], folder) as portal:
        portal.sql(f"CREATE TABLE {portal.schema}.payments (id INT PRIMARY KEY)")
        settings = portal.settings
        at = DatabaseAddress(
            settings.db_host, settings.db_port, settings.db_name, settings.db_user, settings.db_password
        )
        with DatabaseUsers(administrator, at, portal.kind.document(portal.schema)) as users:
            yield Mapped(portal, users)


def test_the_writer_signs_users_in_and_refreshes(mapped: Mapped) -> None:
    name = mapped.portal.user()
    mapped.portal.label(name, "admin")
    writer = mapped.seen_by("writer")

    answer = writer.login(name, DeviceRequest(remember=True))
    writer.refresh(answer.token)
    exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, writer.issuing)


def test_the_reader_validates_a_cookie(mapped: Mapped) -> None:
    name = mapped.portal.user()
    cookie = mapped.seen_by("writer").login(name, kind=TokenKind.SESSION)
    reader = wiring.authorizing(mapped.seen_by("reader").environment())

    claims = validate(Credential(Transport.COOKIE, cookie.token), reader).claims

    assert claims.sub == mapped.portal.user_id(name)


@pytest.mark.parametrize("user_class", ["reader", "writer"])
def test_each_has_what_the_mapping_needs_and_no_more(mapped: Mapped, user_class: str) -> None:
    needed = needed_by(user_class, mapped.portal.settings.db_name, mapped.document)
    with contextlib.closing(Database(mapped.users.config(user_class))) as database:
        had = rights_in(own_grants(database))

    assert (missing(needed, had), surplus(needed, had)) == ([], [])


def test_the_writer_sees_enough_for_the_doctor(mapped: Mapped) -> None:
    tables = PortalTables(mapping_of(mapped.portal.settings.portal_map))
    with contextlib.closing(Database(mapped.users.config("writer"))) as database:
        found = portal_findings(database, tables)

    assert [finding for finding in found if finding["level"] == "must"] == []


@pytest.mark.parametrize("user_class", ["reader", "writer", "migrator"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {0}.{1} SET deleted_at = NULL",
        "DELETE FROM {0}.{1}",
        "CREATE TABLE {0}.planted (id INT)",
        "ALTER TABLE {0}.{1} ADD COLUMN planted INT",
        "SELECT * FROM {0}.payments",
    ],
)
def test_nothing_else_of_the_portal_is_theirs(mapped: Mapped, user_class: str, sql: str) -> None:
    statement = sql.format(mapped.portal.schema, mapped.portal.kind.users)
    if (
        statement.startswith("SELECT *")
        and user_class == "writer"
        and mapped.portal.kind.file == "uuid-bytes"
    ):
        pytest.skip("it reads each column of this table")
    with (
        contextlib.closing(Database(mapped.users.config(user_class))) as database,
        pytest.raises(Unavailable) as denied,
    ):
        database.execute(statement)

    assert isinstance(denied.value.__cause__, pymysql.err.MySQLError)
    assert denied.value.__cause__.args[0] in DENIED
