"""The database fails at any point of a sign-in: it is done once or not at all, and an exchange's retry finds it."""

import uuid
from typing import Any

import pytest

from auth_tokens.adapters.mysql.events import INSERT_EVENT
from auth_tokens.adapters.mysql.standing import READ_UNDER_LOCK_WITH_DEVICE, READ_USER_UNDER_LOCK_WITH_DEVICE
from auth_tokens.adapters.mysql.starts import END_SESSIONS, INSERT_SESSION_AND_DEVICE
from auth_tokens.adapters.mysql.token_table import SELECT_DEVICE
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from tests.support.faults import (
    CHANGED,
    DEADLOCK,
    GONE,
    LOCK_WAIT,
    LOST,
    READ_ONLY,
    READ_ONLY_MODE,
    Arrange,
    Crash,
)
from tests.support.portals import own_sql
from tests.support.sign_ins import SIGN_INS, Person, by_backend, environment, person
from tests.support.world import CALLER, World

WRITING = {
    "standing": (own_sql(READ_UNDER_LOCK_WITH_DEVICE), own_sql(READ_USER_UNDER_LOCK_WITH_DEVICE)),
    "ends": END_SESSIONS,
    "rows": INSERT_SESSION_AND_DEVICE,
    "events": INSERT_EVENT,
}
STATEMENTS = {"begin": "BEGIN", **WRITING, "commit": "COMMIT"}
END_ALL = "UPDATE auth_user_tokens SET revoked_at = NOW(6) WHERE user_id = %s AND type <> 'device'"
PASSING = (DEADLOCK, LOCK_WAIT, CHANGED, GONE, LOST, READ_ONLY, READ_ONLY_MODE)

each_sign_in = pytest.mark.parametrize("sign_in", SIGN_INS)
each_statement = pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
each_moment = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture(scope="module")
def deps(world: World) -> IssueDeps:
    return environment(world)


def signed_in(someone: Person, sign_in: str, deps: IssueDeps) -> TokenAnswer:
    """On the remembered device, whose session ends for it."""
    device = DeviceRequest(id=someone.device_id, remember=True)
    return SIGN_INS[sign_in](someone, TokenKind.REFRESH, deps, device)


def stored(someone: Person) -> dict[str, list[dict[str, Any]]]:
    """All that the service keeps of a user."""
    tables = ("auth_user_tokens", "auth_token_events", "auth_token_users")
    return {
        table: someone.world.sql(f"SELECT * FROM {table} WHERE user_id = %s", someone.user_id)
        for table in tables
    }


def assert_done_once(someone: Person, answer: TokenAnswer, before: dict[str, list[dict[str, Any]]]) -> None:
    """One row and one event more, the device one generation on; what was answered is what lives."""
    after = stored(someone)
    assert len(after["auth_user_tokens"]) == len(before["auth_user_tokens"]) + 1
    assert len(after["auth_token_events"]) == len(before["auth_token_events"]) + 1
    assert answer.device_id == someone.device_id
    assert someone.world.row(someone.device_id)["generation"] == 1
    assert someone.live() == 2  # the one elsewhere, and this one
    assert someone.world.refresh(answer.token).session_id == answer.session_id
    again = exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, someone.world.issuing)
    assert again.session_id != answer.session_id


@each_moment
@each_statement
@each_sign_in
def test_a_passing_fault_is_not_noticed_and_the_sign_in_is_done_once(
    world: World,
    deps: IssueDeps,
    failing: Arrange,
    sign_in: str,
    statement: str | tuple[str, ...],
    after: bool,
) -> None:
    for number in PASSING:
        someone = person(world)
        before = stored(someone)
        failing(statement, number, after=after)

        answer = signed_in(someone, sign_in, deps)

        assert_done_once(someone, answer, before)


@pytest.mark.parametrize("number", PASSING)
def test_a_passing_fault_while_a_device_is_read_is_not_noticed(
    world: World, deps: IssueDeps, failing: Arrange, number: int
) -> None:
    someone = person(world)
    before = stored(someone)
    failing(own_sql(SELECT_DEVICE), number)

    answer = signed_in(someone, "exchange", deps)

    assert_done_once(someone, answer, before)


@each_moment
@pytest.mark.parametrize("statement", WRITING.values(), ids=WRITING)
@each_sign_in
def test_a_lasting_fault_is_unavailable_and_leaves_nothing(
    world: World,
    deps: IssueDeps,
    failing: Arrange,
    sign_in: str,
    statement: str | tuple[str, ...],
    after: bool,
) -> None:
    for number in (DEADLOCK, LOST, READ_ONLY):
        someone = person(world)
        before = stored(someone)
        fault = failing(statement, number, times=10, after=after)

        with pytest.raises(Unavailable):
            signed_in(someone, sign_in, deps)

        fault.end()
        assert stored(someone) == before
        assert_done_once(someone, signed_in(someone, sign_in, deps), before)


@pytest.mark.parametrize("statement", WRITING.values(), ids=WRITING)
@each_sign_in
def test_a_crash_before_the_commit_leaves_nothing(
    world: World, deps: IssueDeps, failing: Arrange, sign_in: str, statement: str | tuple[str, ...]
) -> None:
    someone = person(world)
    before = stored(someone)
    failing(statement, Crash(), after=True)

    with pytest.raises(Crash):
        signed_in(someone, sign_in, deps)

    assert stored(someone) == before
    assert_done_once(someone, signed_in(someone, sign_in, deps), before)


@pytest.mark.parametrize("fault", [Crash(), GONE, READ_ONLY, DEADLOCK], ids=str)
def test_an_exchange_whose_commit_is_never_answered_is_found_by_its_retry(
    world: World, deps: IssueDeps, failing: Arrange, fault: int | Crash
) -> None:
    someone = person(world)
    before = stored(someone)
    unanswered = failing("COMMIT", fault, times=10, after=True)
    with pytest.raises((Crash, Unavailable)):
        signed_in(someone, "exchange", deps)
    unanswered.end()

    answer = signed_in(someone, "exchange", deps)

    assert_done_once(someone, answer, before)


@each_sign_in
def test_a_session_that_ended_before_its_commit_was_answered_is_not_begun_again(
    world: World, deps: IssueDeps, failing: Arrange, sign_in: str
) -> None:
    someone = person(world)
    told = len(stored(someone)["auth_token_events"])

    def end_and_begin_anew() -> None:
        """The session is ended, and another begun on its device."""
        world.sql(END_ALL, someone.user_id)
        [newest] = world.rows_of(someone.name)[-1:]
        on = DeviceRequest(id=str(uuid.UUID(bytes=newest["device_id"])))
        others.append(by_backend(someone, TokenKind.REFRESH, world.issuing, on))

    others: list[TokenAnswer] = []
    failing("COMMIT", LOST, after=True, meanwhile=end_and_begin_anew)

    answer = SIGN_INS[sign_in](someone, TokenKind.REFRESH, deps)

    events = [row["type"] for row in stored(someone)["auth_token_events"]][told:]
    assert len(events) == {"login": 3, "issue": 3, "exchange": 2}[sign_in]
    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)
    assert world.refresh(others[0].token)


def test_an_issue_that_had_to_wait_gets_the_session_that_its_key_began_meanwhile(
    world: World, deps: IssueDeps, failing: Arrange, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = person(world)
    request = IssueRequest(
        someone.user_id,
        ("sso",),
        options=SessionOptions(device=DeviceRequest(remember=True)),
        retry_key="one",
    )
    others: list[TokenAnswer] = []
    failing("COMMIT", DEADLOCK)
    database: Any = deps.store
    monkeypatch.setattr(
        database._database, "_sleep", lambda _: others.append(issue(request, CALLER, world.issuing))
    )

    answer = issue(request, CALLER, deps)

    assert (answer.token, answer.device_token) == (others[0].token, others[0].device_token)
    assert answer.device_id == others[0].device_id
