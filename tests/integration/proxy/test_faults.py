"""RDS Proxy fails in each of its ways: what the service sees, that it tries once more, and that nothing is lost."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.rotations import ROTATE_TOKEN
from auth_tokens.adapters.mysql.token_table import SELECT_TOKEN
from auth_tokens.domain.errors import Unavailable
from auth_tokens.time_left import RESERVE_S, timed
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress, connect
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from local.servers.rds_proxy.iam import signing_key
from local.servers.rds_proxy.options import Backend, ProxyOptions
from local.servers.rds_proxy.proxy import HOST, RdsProxy
from tests.conftest import new_world, schema
from tests.support.portals import own_sql
from tests.support.proxies import Proxied, proxied, run, wait_until
from tests.support.world import RecordedTelemetry, World

INSERT = "INSERT INTO notes (id) VALUES (%s) ON DUPLICATE KEY UPDATE id = id"
COUNT = "SELECT COUNT(*) AS n FROM notes"
# What the statements begin with, before their parameters.
ROTATION, READING = (sql.partition("%")[0].encode() for sql in map(own_sql, (ROTATE_TOKEN, SELECT_TOKEN)))
# How long a client waits where it is to see that nothing comes.
PATIENCE_S = 1


@pytest.fixture
def notes(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    with schema(database) as made, contextlib.closing(connect(made)) as connection:
        run(connection, "CREATE TABLE notes (id INT PRIMARY KEY)")
        yield made


@pytest.fixture
def made(notes: DatabaseAddress, tmp_path: Path) -> Iterator[Proxied]:
    with proxied(notes, tmp_path, ProxyOptions(pool_size=2, borrow_timeout_s=0.2)) as proxy:
        yield proxy


@pytest.fixture
def telemetry() -> RecordedTelemetry:
    return RecordedTelemetry()


@pytest.fixture
def client(made: Proxied, telemetry: RecordedTelemetry) -> Iterator[Database]:
    """A warm function: connected already."""
    with made.database(telemetry, timeout_s=PATIENCE_S) as database:
        database.query(COUNT)
        yield database


def count(database: Database) -> int:
    return int(database.query(COUNT)[0]["n"])


def unavailable(work: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as refused:
        work()
    return refused.value.detail


def test_a_dropped_client_connects_anew_and_tries_once_more(
    made: Proxied, client: Database, telemetry: RecordedTelemetry
) -> None:
    made.proxy.drop_clients()

    assert client.execute(INSERT, (1,)) == 1
    assert telemetry.counts["DatabaseReconnected"] == 1


def test_a_client_that_was_idle_for_too_long_does_not_notice(
    notes: DatabaseAddress, tmp_path: Path, telemetry: RecordedTelemetry
) -> None:
    options = ProxyOptions(idle_client_timeout_s=0.2)
    with proxied(notes, tmp_path, options) as made, made.database(telemetry) as database:
        database.query(COUNT)
        wait_until(lambda: made.proxy.clients == 0)

        assert count(database) == 0
    assert telemetry.counts["DatabaseReconnected"] == 1


def test_an_idle_client_in_a_transaction_is_rolled_back_and_runs_all_of_it_again(
    notes: DatabaseAddress, tmp_path: Path
) -> None:
    options = ProxyOptions(idle_client_timeout_s=0.2)
    tries = []
    with proxied(notes, tmp_path, options) as made, made.database() as database:

        def work(statements: Transaction) -> None:
            tries.append(statements.execute("INSERT INTO notes (id) VALUES (1)"))
            if len(tries) == 1:
                wait_until(lambda: made.proxy.clients == 0)

        database.transaction(work)

        assert count(database) == 1
    assert len(tries) == 2


def test_while_the_proxy_refuses_the_database_is_unavailable_and_then_back(
    made: Proxied, client: Database
) -> None:
    with made.proxy.refusing():
        assert client.execute(INSERT, (1,)) == 1, "who is connected goes on"
        made.proxy.drop_clients()

        assert unavailable(lambda: client.execute(INSERT, (2,))) == "database error 2003"
    assert count(client) == 1


def test_while_the_proxy_hangs_at_connect_the_database_is_unavailable_within_the_clients_patience(
    made: Proxied, client: Database
) -> None:
    with made.proxy.hanging():
        made.proxy.drop_clients()

        assert unavailable(lambda: client.execute(INSERT, (1,))) == "database error 2013"
    assert count(client) == 0


def test_swallowed_statements_are_unavailable_and_never_carried_out(made: Proxied, client: Database) -> None:
    with made.proxy.swallowing():
        assert unavailable(lambda: client.execute(INSERT, (1,))) == "database error 2013"
    wait_until(lambda: made.proxy.clients == 0)

    assert count(client) == 0


@pytest.mark.parametrize("after_bytes", [0, 3, 4, 6])
def test_a_write_whose_answer_is_cut_is_done_once(
    after_bytes: int, made: Proxied, client: Database, telemetry: RecordedTelemetry
) -> None:
    made.proxy.cut_answer(after_bytes, of=b"INSERT")

    assert client.execute(INSERT, (1,)) == 0, "the second run finds it done"
    assert telemetry.counts["DatabaseReconnected"] == 1
    assert count(client) == 1


@pytest.mark.parametrize("after_bytes", [0, 5, 25, 45])
def test_a_read_that_is_cut_anywhere_is_read_again(
    after_bytes: int, made: Proxied, client: Database, telemetry: RecordedTelemetry
) -> None:
    made.proxy.cut_answer(after_bytes, of=b"COUNT")

    assert count(client) == 0
    assert telemetry.counts["DatabaseReconnected"] == 1


def test_answers_that_are_cut_twice_are_unavailable(made: Proxied, client: Database) -> None:
    made.proxy.cut_answer(5, of=b"COUNT", times=2)

    assert unavailable(lambda: count(client)) == "database error 2013"
    assert count(client) == 0


def test_a_commit_whose_answer_is_cut_stands_and_its_transaction_is_run_again(
    made: Proxied, client: Database
) -> None:
    made.proxy.cut_answer(2, of=b"COMMIT")

    client.transaction(lambda statements: statements.execute(INSERT, (1,)))

    assert count(client) == 1


def test_no_free_connection_is_9501_after_the_borrow_timeout_and_not_tried_again(
    made: Proxied, client: Database, telemetry: RecordedTelemetry
) -> None:
    with made.proxy.exhausted():
        assert unavailable(lambda: client.execute(INSERT, (1,))) == "database error 9501"
    assert telemetry.counts["DatabaseError9501"] == 1
    assert "DatabaseReconnected" not in telemetry.counts

    assert count(client) == 0


def test_transactions_of_others_can_hold_all_connections(made: Proxied, client: Database) -> None:
    with made.database() as one, made.database() as two:
        held = one.transaction(
            lambda first: (
                first.query(COUNT),
                two.transaction(
                    lambda second: (second.query(COUNT), unavailable(lambda: client.query(COUNT)))
                ),
            )
        )

    assert held[1][1] == "database error 9501"
    assert count(client) == 0


# Failing over.


@pytest.fixture(scope="module")
def reader(run_dir: Path) -> Iterator[DatabaseServer]:
    """A second server, without what the first has: a test sees where it is."""
    server = private_server(run_dir / "reader", durable=False)
    server.start()
    server.wait()
    yield server
    server.stop()


@pytest.fixture
def promote(notes: DatabaseAddress, reader: DatabaseServer) -> Iterator[Callable[[], None]]:
    """Makes the second server a writer. It has the schema and its owner, as a replica would, and is read-only."""
    with contextlib.closing(reader.administrator()) as administrator:
        owner = f"{notes.user}@'127.0.0.1'"
        run(administrator, f"CREATE USER IF NOT EXISTS {owner}")
        run(administrator, f"ALTER USER {owner} IDENTIFIED BY '{notes.password}'")
        run(administrator, f"CREATE DATABASE {notes.name}")
        run(administrator, f"GRANT ALL ON {notes.name}.* TO {owner}")
        run(administrator, f"CREATE TABLE {notes.name}.notes (id INT PRIMARY KEY)")
        run(administrator, "SET GLOBAL read_only = 1")
        try:
            yield lambda: run(administrator, "SET GLOBAL read_only = 0") and None
        finally:
            run(administrator, "SET GLOBAL read_only = 0")
            run(administrator, f"DROP DATABASE {notes.name}")


def backend(server: DatabaseServer) -> Backend:
    return Backend(server.address.host, server.address.port)


def test_a_failover_costs_an_idle_client_nothing_and_leads_to_the_other_server(
    made: Proxied,
    client: Database,
    telemetry: RecordedTelemetry,
    reader: DatabaseServer,
    promote: Callable[[], None],
) -> None:
    client.execute(INSERT, (1,))
    promote()
    made.proxy.fail_over(backend(reader))

    assert count(client) == 0, "the other server's"
    assert client.execute(INSERT, (2,)) == 1
    assert telemetry.counts.keys() == {"DatabaseTime"}, "no reconnect"


def test_a_failover_within_a_transaction_runs_all_of_it_on_the_other_server(
    made: Proxied, client: Database, reader: DatabaseServer, promote: Callable[[], None]
) -> None:
    tries = []

    def work(statements: Transaction) -> None:
        tries.append(statements.execute(INSERT, (1,)))
        if len(tries) == 1:
            promote()
            made.proxy.fail_over(backend(reader))
        statements.execute(INSERT, (2,))

    client.transaction(work)

    assert len(tries) == 2
    assert count(client) == 2
    with contextlib.closing(connect(made.at)) as old:
        wait_until(lambda: run(old, COUNT) == [(0,)])


def test_before_its_promotion_a_server_reads_and_refuses_writes(
    made: Proxied, client: Database, reader: DatabaseServer, promote: Callable[[], None]
) -> None:
    made.proxy.fail_over(backend(reader))

    assert unavailable(lambda: client.execute(INSERT, (1,))) == "database error 1290"
    assert count(client) == 0
    promote()
    assert client.execute(INSERT, (1,)) == 1


def test_sessions_that_are_read_only_refuse_writes_until_the_proxy_has_another_server(
    made: Proxied, client: Database
) -> None:
    at = Backend(made.at.host, made.at.port)
    made.proxy.fail_over(replace(at, is_read_only=True))

    assert unavailable(lambda: client.execute(INSERT, (1,))) == "database error 1792"
    assert count(client) == 0
    made.proxy.fail_over(at)
    assert client.execute(INSERT, (1,)) == 1


def test_a_server_that_is_gone_is_waited_for_and_then_9501(made: Proxied, client: Database) -> None:
    made.proxy.fail_over(Backend(made.at.host, 1))

    assert unavailable(lambda: client.query(COUNT)) == "database error 9501"
    made.proxy.fail_over(Backend(made.at.host, made.at.port))
    assert count(client) == 0


# A refresh, as a warm function has it: behind the proxy, by IAM login, over verified TLS.


@pytest.fixture(scope="module")
def direct_world(database: DatabaseAddress, aws: LocalAws) -> Iterator[World]:
    with new_world(database, aws) as made:
        yield made


@pytest.fixture
def behind(direct_world: World, aws: LocalAws, tmp_path: Path) -> Iterator["Behind"]:
    settings, own = direct_world.settings, aws.environment
    at = DatabaseAddress(
        settings.db_host, settings.db_port, settings.db_name, settings.db_user, settings.db_password
    )
    with proxied(at, tmp_path, ProxyOptions(borrow_timeout_s=0.2), key=signing_key(own)) as made:
        behind = Behind(direct_world, made.proxy, own["AWS_REGION"])
        with contextlib.closing(behind.world.database):
            yield behind


class Behind:
    """The use cases behind a proxy, and one user's session."""

    def __init__(self, direct_world: World, proxy: RdsProxy, region: str) -> None:
        self.proxy = proxy
        self.backend = Backend(direct_world.settings.db_host, direct_world.settings.db_port)
        self.world = World(
            replace(
                direct_world.settings,
                db_host=HOST,
                db_port=proxy.port,
                db_auth="iam",
                db_tls="verify",
                db_ca_file=str(proxy.ca_file),
                aws_region=region,
            )
        )
        self._direct = direct_world
        self._session = self.world.login(direct_world.user())

    def refresh(self) -> str:
        """The successor of the session's first token. Raises Unavailable."""
        return self.world.refresh(self._session.token).token

    def refresh_in_a_hurry(self) -> str:
        """The same, by an invocation that has little time."""
        return timed(lambda *_: self.refresh())(None, Invocation())

    def generation(self) -> int:
        return int(self._direct.row(self._session.session_id)["generation"])


class Invocation:
    def get_remaining_time_in_millis(self) -> int:
        return int((RESERVE_S + PATIENCE_S) * 1000)


PASSING: dict[str, Callable[[Behind], object]] = {
    "its clients are dropped": lambda behind: behind.proxy.drop_clients(),
    "the rotation's answer is lost": lambda behind: behind.proxy.cut_answer(0, of=ROTATION),
    "the rotation's answer is cut": lambda behind: behind.proxy.cut_answer(5, of=ROTATION),
    "the row's answer is cut": lambda behind: behind.proxy.cut_answer(40, of=READING),
    "it fails over": lambda behind: behind.proxy.fail_over(behind.backend),
}
LASTING: dict[str, Callable[[Behind], contextlib.AbstractContextManager[None]]] = {
    "refuses": lambda behind: dropped(behind, behind.proxy.refusing()),
    "hangs at connect": lambda behind: dropped(behind, behind.proxy.hanging()),
    "swallows its traffic": lambda behind: behind.proxy.swallowing(),
    "has no free connection": lambda behind: behind.proxy.exhausted(),
    "leads to a reader": lambda behind: reading(behind),
}


@contextlib.contextmanager
def dropped(behind: Behind, fault: contextlib.AbstractContextManager[None]) -> Iterator[None]:
    with fault:
        behind.proxy.drop_clients()
        yield


@contextlib.contextmanager
def reading(behind: Behind) -> Iterator[None]:
    behind.proxy.fail_over(replace(behind.backend, is_read_only=True))
    yield
    behind.proxy.fail_over(behind.backend)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_refresh_does_not_notice_that(fault: Callable[[Behind], object], behind: Behind) -> None:
    fault(behind)

    successor = behind.refresh()

    assert behind.proxy.pending_cuts == 0
    assert behind.generation() == 1
    assert behind.world.refresh(successor).token


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
def test_a_refresh_is_unavailable_and_spends_nothing_while_the_proxy(
    fault: Callable[[Behind], contextlib.AbstractContextManager[None]], behind: Behind
) -> None:
    with fault(behind):
        unavailable(behind.refresh_in_a_hurry)
        assert behind.generation() == 0

    successor = behind.refresh()

    assert behind.generation() == 1
    assert behind.world.refresh(successor).token


def test_a_refresh_whose_rotation_is_cut_twice_is_unavailable_and_repeated_gives_the_one_successor(
    behind: Behind,
) -> None:
    behind.proxy.cut_answer(5, of=ROTATION, times=2)

    unavailable(behind.refresh)
    successor = behind.refresh()

    assert behind.generation() == 1
    assert behind.world.refresh(successor).token
    assert behind.proxy.pins == []
