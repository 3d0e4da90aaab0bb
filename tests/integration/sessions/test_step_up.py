"""A step-up on the database: raced by refreshes and by ends, cut off at every write, its answer lost. It is done whole
or not at all.

Two real connections, fifty rounds each order. The rules: tests/unit/usecases/test_step_up.py.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, cast

import pytest

from auth_tokens.adapters.mysql.events import INSERT_EVENT
from auth_tokens.adapters.mysql.limits import SETTLE_BUCKETS
from auth_tokens.adapters.mysql.rotations import RAISE_SESSION, ROTATE_AND_RAISE
from auth_tokens.domain.acr import PASSWORD_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from tests.support import wiring
from tests.support.faults import DEADLOCK, GONE, LOST, READ_ONLY, Arrange, Crash
from tests.support.portals import own_sql
from tests.support.world import CALLER, PASSWORD, World

ROUNDS = 50
# A deadlock fails the test instead of holding it up for ever.
LIMIT_S = 60
# How far apart two writes may be that still meet.
HEAD_START_S = 0.003

Other = Callable[[TokenAnswer], object]


class Met:
    """Passwords whose verification ends when the other call is about to start; head_start: of the other call."""

    def __init__(self, barrier: Barrier, other_is_first: bool) -> None:
        self._barrier, self._other_is_first = barrier, other_is_first
        self._waits = True

    def verify(self, password: str, password_hash: str | None) -> bool:
        if self._waits:
            self._waits = False
            self._barrier.wait()
            _head_start(self._other_is_first)
        return password == PASSWORD

    def other(self, act: Callable[[], object]) -> object:
        self._barrier.wait()
        _head_start(not self._other_is_first)
        return act()


def _head_start(is_given: bool) -> None:
    if is_given:
        time.sleep(random.uniform(0, HEAD_START_S))


def begun(world: World) -> tuple[str, TokenAnswer]:
    """A session that some backend vouched for, a while ago."""
    name = world.user()
    answer = issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, world.issuing)
    world.clock.now += 60
    return name, answer


def is_raised(world: World, name: str, session_id: str) -> bool:
    """Is the session raised, with its one event? Fails where half of it is there."""
    row, told = world.row(session_id), world.events(name).count("step_up_succeeded")
    claims = (row["acr"], row["amr"])
    is_new = row["auth_time"] > row["created_at"]
    assert (claims, is_new, told) in [((PASSWORD_ACR, "pwd"), True, 1), (("", "mfa"), False, 0)]
    return is_new


def raised(world: World, answer: TokenAnswer, deps: IssueDeps | None = None, **fields: Any) -> TokenAnswer:
    return step_up(StepUpRequest(answer.token, PASSWORD, **fields), CALLER, deps or world.issuing)


def race(
    world: World, pool: ThreadPoolExecutor, raising: IssueDeps, other: Other, *, other_is_first: bool
) -> tuple[str, TokenAnswer, TokenAnswer | None, Any]:
    """(user, session, the step-up's answer, the other call's) of one meeting."""
    name, answer = begun(world)
    met = Met(Barrier(2, timeout=LIMIT_S), other_is_first)

    def stepping_up() -> TokenAnswer | None:
        try:
            return raised(world, answer, replace(raising, passwords=cast(Any, met)))
        except InvalidGrant:
            return None

    stepped, others = pool.submit(stepping_up), pool.submit(met.other, lambda: other(answer))
    return name, answer, stepped.result(LIMIT_S), others.result(LIMIT_S)


@pytest.mark.parametrize("other_is_first", [False, True], ids=["the step-up first", "the refresh first"])
def test_a_step_up_and_a_refresh_of_one_token_get_one_successor_and_the_session_is_raised(
    world: World, other_is_first: bool
) -> None:
    raising, refreshing = (wiring.issuing(world.environment()) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            name, begun_as, stepped, refreshed = race(
                world,
                pool,
                raising,
                lambda answer: refresh(RefreshRequest(answer.token), CALLER, refreshing),
                other_is_first=other_is_first,
            )

            assert stepped is not None and stepped.token == refreshed.token
            assert is_raised(world, name, begun_as.session_id)
            assert world.row(begun_as.session_id)["generation"] == 1
            assert world.refresh(stepped.token)


@pytest.mark.parametrize("other_is_first", [False, True], ids=["the step-up first", "the end first"])
def test_no_step_up_survives_what_ended_its_session(world: World, other_is_first: bool) -> None:
    raising, ending = wiring.issuing(world.environment()), wiring.sessions(world.environment())
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            name, begun_as, stepped, _ = race(
                world,
                pool,
                raising,
                lambda answer: revoke_token(answer.token, None, CALLER, ending),
                other_is_first=other_is_first,
            )

            assert world.row(begun_as.session_id)["revoke_reason"] == "revoked"
            assert is_raised(world, name, begun_as.session_id) == (stepped is not None)
            for token in {begun_as.token, stepped.token if stepped else begun_as.token}:
                with pytest.raises(InvalidGrant):
                    world.refresh(token)


WRITES = [own_sql(ROTATE_AND_RAISE), INSERT_EVENT, "COMMIT"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("statement", WRITES, ids=["the rotation", "the event", "the commit"])
def test_a_crash_at_any_write_leaves_the_session_as_it_was_or_raised_and_the_retry_raises_it(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch, statement: str, after: bool
) -> None:
    name, answer = begun(world)
    failing(statement, Crash(), after=after)
    with pytest.raises(Crash):
        raised(world, answer, retry_key="k")
    monkeypatch.undo()
    is_committed = statement == "COMMIT" and after
    assert is_raised(world, name, answer.session_id) == is_committed

    retried = raised(world, answer, retry_key="k")

    assert is_raised(world, name, answer.session_id)
    assert world.row(answer.session_id)["generation"] == 1
    assert world.refresh(retried.token).session_id == answer.session_id


@pytest.mark.parametrize("number", [GONE, LOST, READ_ONLY, DEADLOCK])
@pytest.mark.parametrize("statement", WRITES, ids=["the rotation", "the event", "the commit"])
def test_a_passing_fault_is_not_noticed(world: World, failing: Arrange, statement: str, number: int) -> None:
    name, answer = begun(world)
    failing(statement, number, after=True)

    stepped = raised(world, answer)

    assert is_raised(world, name, answer.session_id)
    assert world.refresh(stepped.token)


def test_a_lasting_fault_is_unavailable_and_spends_nothing(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, answer = begun(world)
    failing(own_sql(ROTATE_AND_RAISE), READ_ONLY, times=10)
    with pytest.raises(Unavailable):
        raised(world, answer)
    monkeypatch.undo()

    assert not is_raised(world, name, answer.session_id)
    assert world.refresh(answer.token)


def test_a_limit_that_cannot_be_settled_does_not_stop_a_step_up(world: World, failing: Arrange) -> None:
    name, answer = begun(world)
    failing(SETTLE_BUCKETS, READ_ONLY, times=10)

    assert raised(world, answer)
    assert is_raised(world, name, answer.session_id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_while_a_refreshed_session_is_raised_leaves_it_whole(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    name, answer = begun(world)
    refreshed = world.refresh(answer.token)
    failing(own_sql(RAISE_SESSION), Crash(), after=after)
    with pytest.raises(Crash):
        raised(world, answer)
    monkeypatch.undo()
    assert not is_raised(world, name, answer.session_id)

    assert raised(world, answer).token == refreshed.token
    assert is_raised(world, name, answer.session_id)


def test_a_step_up_touches_no_bucket_of_a_sign_in(world: World) -> None:
    name, answer = begun(world)
    world.login(name)
    before = _buckets(world)

    raised(world, answer)

    changed = _buckets(world) - before
    keys = world.issuing.keys
    assert {bucket for bucket, _ in changed} == {keys.pseudonym("step-up-user", world.user_id(name))}


def _buckets(world: World) -> set[tuple[bytes, int]]:
    return {(row["bucket"], row["tat_ms"]) for row in world.sql("SELECT * FROM auth_token_limits")}
