"""A token of the Portal at POST /auth/revoke: nothing of it is alive then, here or at the Portal, in whatever order the
calls come."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.domain.errors import InvalidGrant, RateLimited, Unavailable
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.domain.limits import LEGACY_LOOK_UPS, LEGACY_MISSES_PER_SOURCE
from auth_tokens.domain.tokens import TokenKind
from tests.integration.server.test_statement_counts import NOTHING
from tests.integration.takeover.test_costs import cost_of
from tests.integration.takeover.test_take_over import revive
from tests.support.legacy_portal import LegacyWindow, mapping
from tests.support.takeover_stage import Stage, stage_of

WRITTEN = {**NOTHING, "Com_select": 1, "Com_begin": 1, "Com_commit": 1}
LOST = 2013


def events_of(stage: Stage, user: str) -> list[str]:
    """Their types, newest first."""
    return [event.type for event in stage.world.shared.event_log.page(MAX_UUID, 0, user, None, 9)]


def assert_refused(stage: Stage, token: str, kind: TokenKind = TokenKind.REFRESH) -> None:
    with pytest.raises(InvalidGrant):
        stage.take_over(token, kind, deps=stage.environment())


def test_a_token_whose_answer_was_lost_ends_the_session_and_device_that_it_became(any_stage: Stage) -> None:
    user = any_stage.user()
    token = any_stage.token(user)
    answer = any_stage.take_over(token)

    for _ in range(2):
        any_stage.revoke(token)

    assert not any_stage.is_alive(user, token)
    assert any_stage.world.row(answer.session_id)["revoke_reason"] == "revoked"
    assert sorted(events_of(any_stage, user)) == ["device_revoked", "session_revoked", "session_taken_over"]
    with pytest.raises(InvalidGrant):
        any_stage.world.refresh(answer.token)
    assert_refused(any_stage, token)


def test_a_live_token_that_was_not_moved_is_in_force_nowhere_any_more(any_stage: Stage) -> None:
    user = any_stage.user()
    token = any_stage.token(user)

    for _ in range(2):
        any_stage.revoke(token)

    assert not any_stage.is_alive(user, token)
    assert any_stage.portal.call("rotate", token=token) is None
    assert events_of(any_stage, user) == ["legacy_token_revoked"]
    assert_refused(any_stage, token)
    revive(any_stage)
    assert_refused(any_stage, token)


def test_a_device_token_ends_its_device_and_sessions_moved_or_not(stage: Stage) -> None:
    user = stage.user()
    moved, unmoved = (stage.token(user, type="device") for _ in range(2))
    stage.take_over(moved, TokenKind.DEVICE)

    for token in (moved, unmoved):
        stage.revoke(token)

    assert not stage.is_alive(user, moved) and not stage.portal.is_in_force(unmoved)
    for token in (moved, unmoved):
        assert_refused(stage, token, TokenKind.DEVICE)


def test_a_token_that_is_spelt_otherwise_or_is_of_another_type_ends_nothing(stage: Stage) -> None:
    other = stage.token(type="reset_password")
    good = stage.token()

    for text in (other, good[::-1], good[:-1], good.upper()):
        stage.revoke(text)

    assert stage.portal.is_in_force(other) and stage.portal.is_in_force(good)


def test_a_collation_that_finds_another_spelling_ends_nothing(stages: Callable[[str], Stage]) -> None:
    stage = stages("text")  # plain tokens
    token = stage.token()

    stage.revoke(token.swapcase())

    assert stage.portal.is_in_force(token)


def test_another_client_ends_nothing(stage: Stage) -> None:
    user = stage.user()
    token = stage.token(user)

    stage.revoke(token, "portal-app")
    assert stage.portal.is_in_force(token)
    stage.revoke(token, "portal-web")
    assert not stage.is_alive(user, token)


def test_what_the_portal_has_ended_is_left_as_it_is(stage: Stage) -> None:
    user = stage.user()
    ended, expired = stage.token(user), stage.token(user, lives_s=-3600)
    stage.portal.call("end", token=ended)

    for token in (ended, expired):
        stage.revoke(token)

    assert events_of(stage, user) == []


def test_after_the_take_over_s_last_day_sessions_and_tokens_still_end(stage: Stage) -> None:
    user = stage.user()
    moved, unmoved = stage.token(user), stage.token(user)
    stage.take_over(moved)
    window = LegacyWindow("2000-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    over = stage_of(
        stage.world, stage.portal, mapping("integer", stage.portal.address.name, window=window), stage.folder
    )
    over.world.clock.now = over.deps.legacy.keep_until - 10
    assert not over.accepts(unmoved)

    for token in (moved, unmoved):
        over.revoke(token)

    assert not over.is_alive(user, moved) and not over.portal.is_in_force(unmoved)
    over.world.database.close()


def test_where_the_portals_rows_may_not_be_written_the_token_is_never_taken_over_all_the_same(
    stage: Stage,
) -> None:
    document = mapping("integer", stage.portal.address.name, mark="leave")
    left = stage_of(stage.world, stage.portal, document, stage.folder)
    user = left.user()
    moved, unmoved = left.token(user), left.token(user)
    left.take_over(moved)

    assert cost_of(left, lambda: left.revoke(unmoved)) == {
        **WRITTEN,
        "Com_insert": 1,  # the event
        "Com_insert_select": 1,
    }
    left.revoke(moved)

    assert left.portal.is_in_force(unmoved)  # which Node must refuse by itself
    for token in (moved, unmoved):
        assert_refused(left, token)
    assert events_of(left, user).count("legacy_token_revoked") == 1
    left.world.database.close()


def test_the_end_of_an_unmoved_token_is_one_select_and_one_transaction(any_stage: Stage) -> None:
    token = any_stage.token()

    # The mark; the claim and the event.
    assert cost_of(any_stage, lambda: any_stage.revoke(token)) == {
        **WRITTEN,
        "Com_update": 1,
        "Com_insert": 2,
    }
    assert cost_of(any_stage, lambda: any_stage.revoke(token)) == {**NOTHING, "Com_select": 1}


def test_the_end_of_a_moved_one_is_one_select_and_one_transaction(stage: Stage) -> None:
    token = stage.token()
    stage.take_over(token)

    # The session with its device; the user's row and the events; the record for authorizers.
    assert cost_of(stage, lambda: stage.revoke(token)) == {
        **WRITTEN,
        "Com_update": 1,
        "Com_insert": 2,
        "Com_insert_select": 1,
    }
    assert cost_of(stage, lambda: stage.revoke(token)) == {**NOTHING, "Com_select": 1}


def test_a_miss_is_one_select_and_then_none_for_a_minute(any_stage: Stage) -> None:
    token = any_stage.token()[::-1]
    revoke = partial(any_stage.revoke, token)

    assert cost_of(any_stage, revoke) == {**NOTHING, "Com_select": 1}
    assert cost_of(any_stage, revoke) == NOTHING


@pytest.mark.parametrize("text", ["f" * 79, "F" * 80, "aut_rt_" + "f" * 73, "f" * 10_000, "", "a.b.c"])
def test_a_text_of_another_shape_costs_no_statement(stage: Stage, text: str) -> None:
    assert cost_of(stage, lambda: stage.revoke(text)) == NOTHING


@pytest.mark.parametrize(
    "window",
    [LegacyWindow("2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z"), LegacyWindow("2099-01-01T00:00:00Z")],
)
def test_a_token_outside_the_dates_costs_no_statement(stage: Stage, window: LegacyWindow) -> None:
    document = mapping("integer", stage.portal.address.name, window=window)
    closed = stage_of(stage.world, stage.portal, document, stage.folder)
    token = stage.token()

    assert cost_of(closed, lambda: closed.revoke(token)) == NOTHING
    assert stage.portal.is_in_force(token)


def test_a_source_of_many_misses_is_told_to_wait_before_the_select_and_others_are_not(stage: Stage) -> None:
    guesser, token, user = stage.guesser(), stage.token(), stage.user()
    deps, others = stage.ending_environment(), stage.token(user)
    for number in range(LEGACY_MISSES_PER_SOURCE.burst):
        stage.revoke(f"{number:080x}", deps=deps, caller=guesser, tick=0)

    with pytest.raises(RateLimited):
        stage.revoke(token, deps=deps, caller=guesser, tick=0)
    stage.revoke(others, deps=deps)

    assert stage.portal.is_in_force(token)
    assert not stage.is_alive(user, others)


def test_an_environment_makes_fifty_look_ups_a_second(stage: Stage) -> None:
    token, deps = stage.token(), stage.ending_environment()
    for _ in range(LEGACY_LOOK_UPS.burst):
        stage.revoke(token, deps=deps, tick=0)

    with pytest.raises(RateLimited):
        stage.revoke(token, deps=deps, tick=0)


@pytest.mark.parametrize("where", ["rows", "transaction"])
def test_without_the_database_no_revocation_is_confirmed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    token = stage.token()
    with monkeypatch.context() as patch:

        def unreachable(*_: object) -> None:
            raise Unavailable("no database")

        patch.setattr(Database, where, unreachable)
        with pytest.raises(Unavailable):
            stage.revoke(token)

    assert stage.portal.is_in_force(token)
    stage.revoke(token)
    assert not stage.portal.is_in_force(token)


def test_a_commit_whose_answer_is_lost_is_a_revocation_once(stage: Stage) -> None:
    user = stage.user()
    token = stage.token(user)

    with a_lost_commit():
        stage.revoke(token)

    assert not stage.is_alive(user, token)
    assert events_of(stage, user) == ["legacy_token_revoked"]


@contextmanager
def a_lost_commit() -> Iterator[None]:
    """Of the first commit the answer never comes."""
    execute, lost = Transaction.execute, []

    def losing(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        count = execute(statements, sql, parameters)
        if sql == "COMMIT" and not lost:
            lost.append(sql)
            statements._connection._force_close()  # type: ignore[attr-defined]
            raise pymysql.err.OperationalError(LOST, "Lost connection to MySQL server during query")
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "execute", losing)
        yield


def test_a_take_over_that_comes_between_the_look_up_and_the_end_is_ended(any_stage: Stage) -> None:
    user = any_stage.user()
    token = any_stage.token(user)
    other = any_stage.environment()

    with interrupted(lambda: any_stage.take_over(token, deps=other)):
        any_stage.revoke(token)

    assert not any_stage.is_alive(user, token)
    assert "session_revoked" in events_of(any_stage, user)


def test_a_revocation_that_comes_between_the_look_up_and_the_take_over_wins(any_stage: Stage) -> None:
    user = any_stage.user()
    token = any_stage.token(user)
    other = any_stage.ending_environment()

    with interrupted(lambda: any_stage.revoke(token, deps=other)), pytest.raises(InvalidGrant):
        any_stage.take_over(token)

    assert not any_stage.is_alive(user, token)
    assert events_of(any_stage, user) == ["legacy_token_revoked"]


@contextmanager
def interrupted(meanwhile: Callable[[], object]) -> Iterator[None]:
    """Runs something, once and by another thread, before the Portal's row is marked."""
    execute, waiting = Transaction.execute, [meanwhile]

    def run(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if waiting and sql.startswith("\nUPDATE") and " AS old" in sql:
            thread = threading.Thread(target=waiting.pop())
            thread.start()
            thread.join()
        return execute(statements, sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "execute", run)
        yield


def test_nothing_is_alive_whichever_of_a_take_over_and_a_revocation_comes_first(stage: Stage) -> None:
    taking, ending, again = (
        stage.environment(),
        stage.ending_environment(),
        stage.ending_environment(),
    )
    users = [stage.user() for _ in range(30)]
    tokens = {user: stage.token(user) for user in users}
    with ThreadPoolExecutor(3) as pool:
        firsts = [_at_once(pool, stage, tokens[user], taking, [ending, again]) for user in users]

    assert [user for user in users if stage.is_alive(user, tokens[user])] == []
    told = [sorted(events_of(stage, user)) for user in users]
    moved = ["device_revoked", "session_revoked", "session_taken_over"]
    assert [each for each in told if each not in (moved, ["legacy_token_revoked"])] == []
    assert [each == moved for each in told] == firsts


def _at_once(pool: ThreadPoolExecutor, stage: Stage, token: str, taking: Any, endings: list[Any]) -> bool:
    """One take-over and two revocations. True: the token was taken over."""
    start = threading.Barrier(3)

    def take() -> bool:
        start.wait()
        try:
            stage.take_over(token, deps=taking)
        except InvalidGrant:
            return False
        return True

    def end(deps: Any) -> None:
        start.wait()
        stage.revoke(token, deps=deps)

    taken, *ended = [pool.submit(take), *(pool.submit(end, deps) for deps in endings)]
    for each in ended:
        each.result()
    return taken.result()
