"""A commit whose answer is lost, in every unit of work: done once, and answered as if it had arrived."""

from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.analytics.census import MySqlCensus
from auth_tokens.adapters.mysql.analytics.rollups import MySqlRollups
from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.leases import MySqlLeases
from auth_tokens.adapters.mysql.migrations import Migration, migrate
from auth_tokens.domain.analytics.census import Census
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.key_steps import Advance
from auth_tokens.domain.keys import KeyState, Purpose
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.devices import rename_device
from auth_tokens.usecases.end_session import end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.rotate_keys import rotate_keys
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from auth_tokens.usecases.validate import validate
from auth_tokens.usecases.vouch import VouchRequest, vouch
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World

LOST = 2013
HOUR = 1_799_996_400


class LosesAnswers:
    """Carries a commit out and loses the connection before its answer, `times` over; counts what it lost."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left, self.lost = 0, 0
        execute = Transaction.execute

        def losing(statements: Transaction, sql: str, parameters: Any = ()) -> int:
            is_within = getattr(statements, "is_within", False)
            count = execute(statements, sql, parameters)
            if sql == "BEGIN":
                statements.is_within = True  # type: ignore[attr-defined]
            if self.left and (sql == "COMMIT" or (sql != "BEGIN" and not is_within)):
                self.left, self.lost = self.left - 1, self.lost + 1
                raise pymysql.err.OperationalError(LOST, "Lost connection to MySQL server during query")
            return count

        patch.setattr(Transaction, "execute", losing)

    def next(self) -> None:
        self.left = 1


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> LosesAnswers:
    return LosesAnswers(monkeypatch)


class Someone:
    """A user with a session on a remembered device, and another session."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.name = world.user()
        self.id = world.user_id(self.name)
        remembered = SessionOptions(device=DeviceRequest(remember=True))
        self.first = issue(IssueRequest(self.id, ("sso",), options=remembered), CALLER, world.issuing)
        self.second = issue(IssueRequest(self.id, ("sso",)), CALLER, world.issuing)

    def claims(self) -> Any:
        credential = Credential(Transport.BEARER, self.second.access_token or "")
        return validate(credential, self.world.sessions.validation).claims

    def state(self) -> dict[str, Any]:
        """What is stored, in terms that are the same for another user with the same life."""
        rows = self.world.rows_of(self.name)
        return {
            "rows": sorted((r["type"], r["generation"], r["revoke_reason"] or "") for r in rows),
            "events": sorted(self.world.events(self.name)),
        }


def login(someone: Someone) -> object:
    return type(someone.world.login(someone.name).session_id)


def trusted_issue(someone: Someone) -> object:
    return issue(IssueRequest(someone.id, ("sso",)), CALLER, someone.world.issuing).expires_in


def repeatable_issue(someone: Someone) -> object:
    request = IssueRequest(someone.id, ("sso",), retry_key=someone.id)
    answer = issue(request, CALLER, someone.world.issuing)
    return answer.token == issue(request, CALLER, someone.world.issuing).token


def exchange(someone: Someone) -> object:
    request = ExchangeRequest(someone.first.device_token or "")
    answer = exchange_device_token(request, CALLER, someone.world.issuing)
    again = exchange_device_token(request, CALLER, someone.world.issuing)
    return (answer.token, answer.device_token) == (again.token, again.device_token)


def exchange_for_a_cookie(someone: Someone) -> object:
    request = ExchangeRequest(someone.first.device_token or "", SessionOptions(kind=TokenKind.SESSION))
    return exchange_device_token(request, CALLER, someone.world.issuing).expires_in


def refresh(someone: Someone) -> object:
    return someone.world.refresh(someone.first.token).token_expires_in


def step_up_by_password(someone: Someone) -> object:
    request = StepUpRequest(someone.second.token, PASSWORD)
    answer = step_up(request, CALLER, someone.world.issuing)
    return answer.token == step_up(request, CALLER, someone.world.issuing).token


def step_up_by_a_backend(someone: Someone) -> object:
    request = VouchRequest(someone.second.session_id, someone.id, ("mfa",), "urn:mfa")
    return vouch(request, CALLER, someone.world.issuing).amr


def end_everything(someone: Someone) -> object:
    return revoke_user(someone.id, RevokeReason.ADMIN, "note", someone.world.sessions)


def log_out_elsewhere(someone: Someone) -> object:
    return logout(LogoutScope.OTHERS, someone.claims(), CALLER, someone.world.sessions)


def end_one(someone: Someone) -> object:
    return end_session(someone.first.session_id, someone.id, CALLER, someone.world.sessions)


def forget(someone: Someone) -> object:
    return forget_device(someone.first.device_id, someone.id, CALLER, someone.world.sessions)


def rename(someone: Someone) -> object:
    view = rename_device(someone.first.device_id, someone.id, "phone", someone.world.sessions)
    return view.metadata.name


def revoke_access_token(someone: Someone) -> object:
    return revoke_token(someone.first.access_token or "", None, CALLER, someone.world.sessions)


def record_an_event(someone: Someone) -> object:
    event = SecurityEvent(EventType.REFRESH_BURST, someone.world.clock(), someone.id)
    return someone.world.shared.event_log.record(event)


OF_A_USER: list[Callable[[Someone], object]] = [
    login,
    trusted_issue,
    repeatable_issue,
    exchange,
    exchange_for_a_cookie,
    refresh,
    step_up_by_password,
    step_up_by_a_backend,
    end_everything,
    log_out_elsewhere,
    end_one,
    forget,
    rename,
    revoke_access_token,
    record_an_event,
]


@pytest.mark.parametrize("unit", OF_A_USER, ids=lambda unit: unit.__name__)
def test_an_act_of_a_user_is_done_once_and_answered_alike(
    world: World, network: LosesAnswers, unit: Callable[[Someone], object]
) -> None:
    calm, cut_off = Someone(world), Someone(world)
    expected = unit(calm)

    network.next()
    answered = unit(cut_off)

    assert network.lost == 1
    assert answered == expected
    assert cut_off.state() == calm.state()


def test_a_lease_is_held_by_who_took_it(world: World, network: LosesAnswers) -> None:
    leases = MySqlLeases(world.database)

    network.next()
    assert leases.take("a job", 2_000, 1_000)

    assert not leases.take("a job", 3_000, 1_500)
    assert network.lost == 1


def test_a_census_is_added_to_the_figures_once(world: World, network: LosesAnswers) -> None:
    census = MySqlCensus(world.database)
    finished = Census(HOUR, HOUR - 600, before_generations=3, generations=7, generations_then=7)

    network.next()
    census.finish(finished, HOUR, finished.following())

    figures = {f.name: f.total for f in MySqlRollups(world.database).figures(HOUR, HOUR + 3600, 3600)}
    assert network.lost == 1
    assert figures["refreshes"] == finished.refreshes == 4


def test_a_migration_is_noted_once(fresh_world: World, network: LosesAnswers) -> None:
    added = [Migration("9001_a.sql", "CREATE TABLE added (id INT PRIMARY KEY);\n")]
    config = wiring.database_config(fresh_world.settings, timeout_s=30)
    connections = Database(config), Database(config)
    migrate([], *connections)

    execute = Transaction.execute

    def lose_the_note(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if "INSERT INTO auth_token_migrations" in sql and parameters and not network.lost:
            network.next()
        return execute(statements, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "execute", lose_the_note)
        assert migrate(added, *connections) == ["9001_a.sql"]

    assert network.lost == 1
    assert migrate(added, *connections) == []


def test_a_key_step_is_taken_by_who_took_it(fresh_world: World, network: LosesAnswers) -> None:
    fresh_world.login(fresh_world.user())
    table = fresh_world.shared.table
    [current] = [key for key in table.of(Purpose.SIGNING) if key.state is KeyState.SIGNING]
    step = Advance(current.kid, KeyState.SIGNING, KeyState.RETIRED)

    network.next()
    assert table.advance(step.kid, step.before, step.after, fresh_world.clock())

    assert not table.advance(step.kid, step.before, step.after, fresh_world.clock() + 1)
    assert network.lost == 1


def test_a_key_that_was_made_is_told(fresh_world: World, network: LosesAnswers) -> None:
    network.next()

    steps = rotate_keys(wiring.rotating(fresh_world.environment()))

    assert network.lost == 1
    assert len(steps) == len(fresh_world.sql("SELECT kid FROM auth_token_keys"))
