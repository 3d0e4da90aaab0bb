"""However a database host dies, nobody waits for it longer than the invocation may, or than a statement is given."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig, Transaction
from auth_tokens.domain.errors import Unavailable
from auth_tokens.time_left import RESERVE_S, timed
from tests.support import wiring
from tests.support.half_dead import HalfDead, Way
from tests.support.world import World

# What an invocation has beyond the reserve, and all that a loaded machine may add to it.
GIVEN_S, AT_MOST_S = 0.6, 2.0
DEADLY = [way for way in Way if way is not Way.HEALTHY]

each_way = pytest.mark.parametrize("way", DEADLY, ids=[way.value for way in DEADLY])


class Context:
    """Of an invocation that has GIVEN_S beyond the reserve."""

    def get_remaining_time_in_millis(self) -> int:
        return int((RESERVE_S + GIVEN_S) * 1000)


@pytest.fixture
def host(world: World) -> Iterator[HalfDead]:
    """What stands between the service and its database. Its bytes come faster than any time-out for one of them."""
    at = wiring.database_config(world.settings)
    with HalfDead(at.host, at.port, drip_s=0.1) as proxy:
        yield proxy


@pytest.fixture
def config(world: World, host: HalfDead) -> DatabaseConfig:
    return replace(wiring.database_config(world.settings), port=host.port)


def read(database: Database) -> object:
    return database.query("SELECT 1 FROM auth_users LIMIT 1")


def seconds_until_refused(action: Callable[[], object]) -> float:
    """How long an invocation of GIVEN_S waits for an action that cannot succeed."""
    began = time.monotonic()

    with pytest.raises(Unavailable):
        timed(lambda event, context: action())({}, Context())

    return time.monotonic() - began


@each_way
def test_a_connection_that_falls_ill_is_given_up_with_the_invocation(
    config: DatabaseConfig, host: HalfDead, way: Way
) -> None:
    with closing(Database(config)) as database:
        read(database)
        host.falls_ill(way)

        assert seconds_until_refused(lambda: read(database)) < AT_MOST_S


@each_way
def test_a_login_is_given_up_with_the_invocation(config: DatabaseConfig, host: HalfDead, way: Way) -> None:
    host.falls_ill(way)

    with closing(Database(config)) as database:
        assert seconds_until_refused(lambda: read(database)) < AT_MOST_S


def test_a_unit_of_many_slow_statements_is_given_up_with_the_invocation(world: World) -> None:
    """Each has an answer in time; together they would take 5 s."""

    def work(statements: Transaction) -> None:
        for _ in range(20):
            statements.query("SELECT 1 FROM auth_users LIMIT 1")

    config = wiring.database_config(world.settings)
    with (
        HalfDead(config.host, config.port, late_s=0.25) as host,
        closing(Database(replace(config, port=host.port))) as database,
    ):
        read(database)
        host.falls_ill(Way.SLOW)

        assert seconds_until_refused(lambda: database.transaction(work)) < AT_MOST_S


def test_without_an_invocation_a_statement_has_its_time_and_not_each_byte_of_its_answer(
    config: DatabaseConfig, host: HalfDead
) -> None:
    with closing(Database(replace(config, timeout_s=1))) as database:
        read(database)
        host.falls_ill(Way.DRIPS)
        began = time.monotonic()

        with pytest.raises(Unavailable):
            read(database)

    assert (
        time.monotonic() - began < 4
    )  # a second, and another for the login of the second try; an answer takes 60


def test_each_statement_of_a_unit_of_work_has_all_of_its_time(config: DatabaseConfig, host: HalfDead) -> None:
    """One that took long leaves no less to the next: only the invocation's end is shared."""
    with closing(Database(replace(config, timeout_s=2))) as database:
        rows = database.transaction(
            lambda statements: [statements.query("SELECT SLEEP(0.8) AS s") for _ in range(3)]
        )

    assert len(rows) == 3


def test_a_name_that_no_resolver_answers_for_is_given_up(
    config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(30))

    with closing(Database(config)) as database:
        waited_s = seconds_until_refused(lambda: read(database))
    never.set()

    assert waited_s < AT_MOST_S


def test_a_host_with_an_address_out_of_reach_is_reached_at_the_next(
    config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy has an address in each zone, and a zone may be gone."""
    look_up = socket.getaddrinfo

    with HalfDead(config.host, config.port) as gone:
        gone.falls_ill(Way.BLACK_HOLE)

        def both(host: str, port: int, *how: int, **more: int) -> list[object]:
            out_of_reach = look_up(config.host, gone.port, *how, **more) if host == "zones.test" else []
            return [*out_of_reach, *look_up(config.host, port, *how, **more)]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        with closing(Database(replace(config, host="zones.test", timeout_s=1))) as database:
            assert database.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_name_that_is_not_known_is_an_outage(config: DatabaseConfig) -> None:
    with closing(Database(replace(config, host="nobody.invalid"))) as database, pytest.raises(Unavailable):
        read(database)


@pytest.mark.parametrize("size", [10, 8_000_000], ids=["short", "long"])
def test_a_statement_that_nobody_reads_is_given_up(config: DatabaseConfig, host: HalfDead, size: int) -> None:
    with closing(Database(config)) as database:
        read(database)
        host.falls_ill(Way.SILENT)
        host.stops_reading()

        waited_s = seconds_until_refused(lambda: database.query("SELECT %s", ("x" * size,)))

    assert waited_s < AT_MOST_S
