"""Whatever the database answers that is not a fault of ours is Unavailable, and spends nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import Unavailable
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World

# Of the server's own lists, of RDS Proxy (9501), of MariaDB (1969), and numbers that nobody has given out yet.
FAULTS = {
    1020: "Record has changed since last read",
    1021: "Disk full",
    1040: "Too many connections",
    1044: "Access denied to database",
    1045: "Access denied",
    1049: "Unknown database",
    1053: "Server shutdown in progress",
    1104: "The SELECT would examine more than MAX_JOIN_SIZE rows",
    1105: "Unknown error",
    1129: "Host is blocked",
    1142: "Command denied to user for table",
    1153: "Got a packet bigger than 'max_allowed_packet' bytes",
    1158: "Got an error reading communication packets",
    1159: "Got timeout reading communication packets",
    1160: "Got an error writing communication packets",
    1161: "Got timeout writing communication packets",
    1180: "Got error during COMMIT",
    1205: "Lock wait timeout exceeded",
    1213: "Deadlock found",
    1290: "The server is running with the --read-only option",
    1317: "Query execution was interrupted",
    1792: "Cannot execute statement in a READ ONLY transaction",
    1836: "Running in read-only mode",
    1927: "Connection was killed",
    1969: "Query execution was interrupted (max_statement_time exceeded)",
    3024: "Query execution was interrupted, maximum statement execution time exceeded",
    3159: "Connections using insecure transport are prohibited",
    3169: "Session was killed",
    3572: "Statement aborted because lock(s) could not be acquired immediately",
    4031: "The client was disconnected by the server because of inactivity",
    9501: "Timed-out waiting to acquire database connection",
    9999: "of a later version",
    60000: "of a later version",
}
# What a statement or the schema of ours causes.
OURS = {
    1054: "Unknown column",
    1062: "Duplicate entry",
    1064: "You have an error in your SQL syntax",
    1146: "Table doesn't exist",
    1366: "Incorrect value",
    1406: "Data too long",
    3819: "Check constraint is violated",
}
KINDS = [pymysql.err.OperationalError, pymysql.err.InternalError, pymysql.err.ProgrammingError]

each_fault = pytest.mark.parametrize("number", FAULTS)


class Broken:
    """From `after` statements on, each ends with one error."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        for name in ("query", "execute", "execute_many"):
            patch.setattr(Transaction, name, self._failing(getattr(Transaction, name)))

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*arguments: Any) -> Any:
            if self.error is not None:
                raise self.error
            return call(*arguments)

        return failing


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    monkeypatch.setattr("auth_tokens.adapters.mysql.connection.backoff_s", lambda attempt: 0.0)
    yield Broken(monkeypatch)


@each_fault
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_of_the_server_is_unavailable_whatever_the_driver_makes_of_it(
    world: World, server: Broken, number: int, kind: type[Exception]
) -> None:
    database = Database(wiring.database_config(world.settings), world.telemetry, sleep=lambda _: None)
    server.error = kind(number, FAULTS[number])

    with pytest.raises(Unavailable, match=str(number)):
        database.query("SELECT 1")
    with pytest.raises(Unavailable):
        database.transaction(lambda statements: statements.execute("DO 0"))

    assert world.telemetry.counts[f"DatabaseError{number}"] >= 1


@pytest.mark.parametrize("number", OURS)
def test_a_fault_of_ours_is_a_bug_and_no_outage(world: World, server: Broken, number: int) -> None:
    database = Database(wiring.database_config(world.settings), world.telemetry)
    server.error = pymysql.err.OperationalError(number, OURS[number])

    with pytest.raises(pymysql.err.OperationalError):
        database.query("SELECT 1")


def test_an_answer_that_makes_no_sense_is_a_lost_connection(world: World, server: Broken) -> None:
    database = Database(wiring.database_config(world.settings), world.telemetry)
    server.error = pymysql.err.InternalError("Packet sequence number wrong - got 1 expected 2")

    with pytest.raises(Unavailable):
        database.query("SELECT 1")


@each_fault
def test_a_refresh_and_a_login_are_unavailable_and_spend_nothing(
    world: World, server: Broken, number: int
) -> None:
    name = world.user()
    answer = world.login(name)
    server.error = pymysql.err.OperationalError(number, FAULTS[number])

    with pytest.raises(Unavailable):
        world.refresh(answer.token)
    with pytest.raises(Unavailable):
        login(LoginRequest(name, PASSWORD), CALLER, world.issuing)

    server.error = None
    world.clock.now += 30
    assert world.refresh(answer.token).session_id == answer.session_id


@each_fault
def test_the_authorizer_serves_on_while_its_knowledge_is_young_enough(
    world: World, server: Broken, number: int
) -> None:
    deps = wiring.authorizing(world.environment())
    token = Credential(Transport.BEARER, world.login(world.user()).access_token or "")
    validate(token, deps)
    world.clock.now += world.settings.revocation_max_staleness_s
    server.error = pymysql.err.OperationalError(number, FAULTS[number])

    assert validate(token, deps)

    world.clock.now += world.settings.revocation_fail_after_s
    with pytest.raises(Unavailable):
        validate(token, deps)
