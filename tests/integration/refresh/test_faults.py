"""The database fails at any point of a refresh: either the old token lives, or the retry gets its successor."""

from dataclasses import replace

import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.adapters.mysql.ends import REVOKE_ROW
from auth_tokens.adapters.mysql.rotations import ROTATE_TOKEN
from auth_tokens.adapters.mysql.token_table import SELECT_TOKEN
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.tokens import MalformedToken
from auth_tokens.usecases.refresh import RefreshRequest, refresh
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
from tests.support.world import CALLER, World


@pytest.mark.parametrize(
    "statement", [own_sql(SELECT_TOKEN), own_sql(ROTATE_TOKEN)], ids=["reading", "writing"]
)
@pytest.mark.parametrize("number", [DEADLOCK, LOCK_WAIT, CHANGED, GONE, LOST, READ_ONLY, READ_ONLY_MODE])
def test_a_passing_fault_is_not_noticed(world: World, failing: Arrange, statement: str, number: int) -> None:
    answer = world.login(world.user())
    failing(statement, number)

    refreshed = world.refresh(answer.token)

    assert world.row(answer.session_id)["generation"] == 1
    assert world.refresh(refreshed.token)


@pytest.mark.parametrize("number", [GONE, LOST, DEADLOCK])
def test_a_connection_lost_after_the_commit_gives_the_one_successor(
    world: World, failing: Arrange, number: int
) -> None:
    answer = world.login(world.user())
    failing(own_sql(ROTATE_TOKEN), number, after=True)

    refreshed = world.refresh(answer.token)

    row = world.row(answer.session_id)
    assert (row["generation"], row["revoked_at"]) == (1, None)
    assert world.refresh(refreshed.token)


@pytest.mark.parametrize("number", [DEADLOCK, LOCK_WAIT, CHANGED, GONE, LOST, READ_ONLY, READ_ONLY_MODE])
def test_a_lasting_fault_is_unavailable_and_spends_nothing(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    answer = world.login(world.user())
    failing(own_sql(ROTATE_TOKEN), number, times=10)

    with pytest.raises(Unavailable):
        world.refresh(answer.token)

    monkeypatch.undo()
    assert world.row(answer.session_id)["generation"] == 0
    assert world.refresh(answer.token)


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the commit"])
def test_a_crash_leaves_the_old_token_or_a_retry_that_gets_the_successor(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    answer = world.login(world.user())
    failing(own_sql(ROTATE_TOKEN), Crash(), after=after)
    with pytest.raises(Crash):
        world.refresh(answer.token)
    monkeypatch.undo()

    retried = world.refresh(answer.token)

    assert world.row(answer.session_id)["generation"] == 1
    assert world.refresh(retried.token).session_id == answer.session_id


@pytest.mark.parametrize("statement", [REVOKE_ROW, "COMMIT"], ids=["before the commit", "after the commit"])
def test_a_crash_while_a_reused_session_is_ended_is_made_good_by_the_next_replay(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    name = world.user()
    answer = world.login(name)
    world.refresh(answer.token)
    world.clock.now += 60
    failing(statement, Crash(), after=True)
    with pytest.raises(Crash):
        world.refresh(answer.token)
    monkeypatch.undo()
    assert (world.row(answer.session_id)["revoked_at"] is not None) == (statement == "COMMIT")

    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)

    assert world.row(answer.session_id)["revoke_reason"] == "reuse"
    assert world.events(name).count("token_reuse_detected") == 1


@pytest.mark.parametrize("number", [GONE, LOST, READ_ONLY, DEADLOCK])
def test_a_fault_while_a_reused_session_is_ended_leaves_one_event(
    world: World, failing: Arrange, number: int
) -> None:
    name = world.user()
    answer = world.login(name)
    world.refresh(answer.token)
    world.clock.now += 60
    failing("COMMIT", number, after=True)

    with pytest.raises(InvalidGrant):
        world.refresh(answer.token)

    assert world.row(answer.session_id)["revoke_reason"] == "reuse"
    assert world.events(name).count("token_reuse_detected") == 1


def test_a_reuse_that_cannot_be_committed_is_unavailable_not_reported(
    world: World, failing: Arrange, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.user()
    answer = world.login(name)
    world.refresh(answer.token)
    world.clock.now += 60
    failing(REVOKE_ROW, READ_ONLY, times=10)

    with pytest.raises(Unavailable):
        world.refresh(answer.token)

    monkeypatch.undo()
    assert world.row(answer.session_id)["revoked_at"] is None
    assert "token_reuse_detected" not in world.events(name)


def test_a_key_service_that_is_down_before_the_write_spends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.login(world.user())
    with monkeypatch.context() as down:
        down.setattr(type(world.issuing.keys), "chain_epoch", _unavailable)
        with pytest.raises(Unavailable):
            world.refresh(answer.token)
    assert world.row(answer.session_id)["generation"] == 0

    assert world.refresh(answer.token)


def test_a_row_of_an_epoch_not_seen_yet_is_unavailable_and_repaired_by_the_retry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.login(world.user())
    refreshed = world.refresh(answer.token)
    with monkeypatch.context() as behind:
        behind.setattr(type(world.issuing.codec), "successor", _unknown_epoch)
        with pytest.raises(Unavailable):
            world.refresh(answer.token)

    assert world.refresh(answer.token).token == refreshed.token


def test_endless_contention_is_unavailable_within_a_bound_and_waits_longer_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.login(world.user())
    attempts: list[int] = []
    pauses: list[int] = []
    deps = replace(world.issuing, pause=pauses.append)
    with monkeypatch.context() as contended:
        contended.setattr(type(world.issuing.store), "rotate", lambda *_: attempts.append(1))
        with pytest.raises(Unavailable):
            refresh(RefreshRequest(answer.token), CALLER, deps)

    assert len(attempts) == 4
    assert pauses == [1, 2, 3]
    assert world.refresh(answer.token)


def _unavailable(*_: object) -> int:
    raise Unavailable("kms")


def _unknown_epoch(*_: object) -> object:
    raise MalformedToken("epoch")


def test_a_unit_of_work_whose_row_changed_since_it_was_read_is_run_again(world: World) -> None:
    """MariaDB ends it with error 1020 from version 11 on; before, and MySQL, change the row as it is by then."""
    answer = world.login(world.user())
    one, other = world.environment().database, world.environment().database
    seen = []

    def work(statements: Transaction) -> int:
        seen.append(statements.query("SELECT acr FROM auth_user_tokens WHERE id = %s", (row_id,))[0]["acr"])
        if len(seen) == 1:
            other.execute("UPDATE auth_user_tokens SET acr = 'changed' WHERE id = %s", (row_id,))
        return statements.execute("UPDATE auth_user_tokens SET amr = 'otp' WHERE id = %s", (row_id,))

    row_id = world.row(answer.session_id)["id"]

    assert one.transaction(work) == 1

    assert (world.row(answer.session_id)["acr"], world.row(answer.session_id)["amr"]) == ("changed", "otp")
    assert seen[1:] in ([], ["changed"])
