"""Refresh on a store in memory: each rule in milliseconds. tests/integration/refresh/test_stores_agree.py runs the same
cases on the database, so the store in memory does what MySqlTokenStore does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from auth_tokens.domain.errors import InvalidGrant, InvalidScope, Unavailable
from auth_tokens.domain.places import Place
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.presentation import MAX_RACES
from tests.support.memory_world import POLICY
from tests.support.refresh_stage import BEARER, COOKIE, MemoryStage, Stage
from tests.support.world import CALLER, START

Case = Callable[[Stage], None]
CASES: dict[str, Case] = {}


def case(checked: Case) -> Case:
    """One of the cases that both stores pass."""
    CASES[checked.__name__.replace("_", " ").strip()] = checked
    return checked


def refused(stage: Stage, token: str, **fields: str) -> None:
    with pytest.raises(InvalidGrant):
        stage.refresh(token, **fields)


def is_reuse(stage: Stage) -> bool:
    return (stage.row().revoke_reason, stage.events()) == ("reuse", ["token_reuse_detected"])


@case
def the_current_token_is_spent_for_its_successor(stage: Stage) -> None:
    stage.clock.now += 60
    answer = stage.refresh(stage.token)

    row = stage.row()
    assert answer.token != stage.token
    assert (row.generation, row.rotated_at, row.last_used_at) == (1, START + 60, START + 60)
    assert row.expires_at == START + 60 + BEARER.idle_ttl_s
    assert stage.events() == []


@case
def a_chain_goes_on(stage: Stage) -> None:
    token = stage.token
    for _ in range(5):
        stage.clock.now += 60
        token = stage.refresh(token).token

    assert stage.row().generation == 5


@case
def a_retry_within_the_window_gets_the_same_successor_and_writes_nothing(stage: Stage) -> None:
    first = stage.refresh(stage.token)
    before = stage.row()
    stage.clock.now += POLICY.retry_window_s - 1

    again = stage.refresh(stage.token)

    assert (again.token, again.is_repeat) == (first.token, True)
    assert stage.row() == before


@case
def a_spent_token_when_the_window_is_over_ends_the_session(stage: Stage) -> None:
    successor = stage.refresh(stage.token).token
    stage.clock.now += POLICY.retry_window_s

    refused(stage, stage.token)

    assert is_reuse(stage)
    refused(stage, successor)


@case
def a_late_retry_with_its_key_gets_the_same_successor(stage: Stage) -> None:
    first = stage.refresh(stage.token, retry_key="k")
    stage.clock.now += 3600

    assert stage.refresh(stage.token, retry_key="k").token == first.token


@case
def a_late_retry_with_another_key_ends_the_session(stage: Stage) -> None:
    stage.refresh(stage.token, retry_key="k")
    stage.clock.now += 3600

    refused(stage, stage.token, retry_key="other")

    assert is_reuse(stage)


@case
def a_token_two_generations_old_ends_the_session_within_the_window_too(stage: Stage) -> None:
    stage.refresh(stage.refresh(stage.token).token)

    refused(stage, stage.token)

    assert is_reuse(stage)


@case
def a_request_that_was_held_up_on_its_way_is_a_retry(stage: Stage) -> None:
    first = stage.refresh(stage.token)
    stage.clock.now += 20

    late = stage.refresh(stage.token, replace(CALLER, arrived_at=START + 5))

    assert late.token == first.token


@case
def another_client_spends_nothing(stage: Stage) -> None:
    refused(stage, stage.token, client_id="portal-app")

    assert (stage.row().generation, stage.row().revoked_at) == (0, None)


@case
def another_scope_than_the_session_s_spends_nothing(stage: Stage) -> None:
    with pytest.raises(InvalidScope):
        stage.refresh(stage.token, scope="portal:admin")

    assert stage.row().generation == 0
    assert stage.refresh(stage.token, scope="portal:read").scope == "portal:read"


@case
def a_forged_token_costs_no_read(stage: Stage) -> None:
    refused(stage, stage.token[:-1] + ("A" if stage.token[-1] != "A" else "B"))

    assert stage.store.reads == 0


@case
def a_session_that_ended_is_refused_without_an_alarm(stage: Stage) -> None:
    stage.change(revoked_at=START, revoke_reason="logout")

    refused(stage, stage.token)

    assert (stage.row().revoke_reason, stage.events()) == ("logout", [])


@case
def a_session_goes_on_a_second_before_its_idle_end(stage: Stage) -> None:
    stage.change(expires_at=START + 1)

    assert stage.refresh(stage.token).token_expires_in == BEARER.idle_ttl_s


@case
def a_session_is_over_at_its_idle_end(stage: Stage) -> None:
    stage.change(expires_at=START)

    refused(stage, stage.token)


@case
def the_idle_end_never_passes_the_absolute_one(stage: Stage) -> None:
    stage.change(absolute_expires_at=START + 100)

    assert stage.refresh(stage.token).token_expires_in == 100


@case
def a_session_is_over_at_its_absolute_end(stage: Stage) -> None:
    stage.change(absolute_expires_at=START)

    refused(stage, stage.token)


@case
def a_disabled_user_is_refused(stage: Stage) -> None:
    stage.disable_user()

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_deleted_user_is_refused(stage: Stage) -> None:
    stage.delete_user()

    refused(stage, stage.token)


@case
def a_row_that_cleanup_took_is_refused(stage: Stage) -> None:
    stage.delete_row()

    refused(stage, stage.token)


@case
def a_race_that_is_lost_to_the_same_token_gets_the_winner_s_successor(stage: Stage) -> None:
    winners: list[str] = []
    stage.store.meanwhile = [lambda: winners.append(stage.refresh(stage.token).token)]

    lost = stage.refresh(stage.token)

    assert ([lost.token], lost.is_repeat) == (winners, True)
    assert (stage.row().generation, stage.pauses) == (1, [])


@case
def a_race_that_is_lost_and_then_won_rotates_once(stage: Stage) -> None:
    stage.store.refused = 2

    answer = stage.refresh(stage.token)

    assert (stage.row().generation, answer.is_repeat) == (1, False)
    assert stage.pauses == [1]  # the second look comes at once


@case
def contention_is_unavailable_and_spends_nothing(stage: Stage) -> None:
    stage.store.refused = MAX_RACES

    with pytest.raises(Unavailable):
        stage.refresh(stage.token)

    assert (stage.row().generation, stage.row().revoked_at) == (0, None)
    assert stage.pauses == [1, 2, 3]
    assert stage.refresh(stage.token).is_repeat is False


@case
def two_rotations_meanwhile_are_unavailable_and_end_nothing(stage: Stage) -> None:
    stage.store.meanwhile = [lambda: stage.refresh(stage.refresh(stage.token).token)]

    with pytest.raises(Unavailable):
        stage.refresh(stage.token)

    assert (stage.row().generation, stage.row().revoked_at) == (2, None)


@case
def a_session_that_ends_meanwhile_is_not_rotated(stage: Stage) -> None:
    stage.store.meanwhile = [lambda: stage.change(revoked_at=START, revoke_reason="logout")]

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_session_whose_idle_end_comes_meanwhile_is_not_rotated(stage: Stage) -> None:
    stage.store.meanwhile = [lambda: stage.change(expires_at=START)]

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_session_whose_absolute_end_comes_meanwhile_is_not_rotated(stage: Stage) -> None:
    stage.store.meanwhile = [lambda: stage.change(absolute_expires_at=START)]

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_user_who_is_disabled_meanwhile_keeps_nothing_alive(stage: Stage) -> None:
    stage.store.meanwhile = [stage.disable_user]

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_user_who_is_deleted_meanwhile_keeps_nothing_alive(stage: Stage) -> None:
    stage.store.meanwhile = [stage.delete_user]

    refused(stage, stage.token)

    assert stage.row().generation == 0


@case
def a_row_that_cleanup_takes_meanwhile_is_refused(stage: Stage) -> None:
    stage.store.meanwhile = [stage.delete_row]

    refused(stage, stage.token)


@case
def impossible_travel_is_told_with_the_rotation(stage: Stage) -> None:
    at_home = replace(CALLER, place=Place("IE", (53.3, -6.3)))
    token = stage.refresh(stage.token, at_home).token
    stage.clock.now += 60

    stage.refresh(token, replace(CALLER, place=Place("AU", (-33.9, 151.2))))

    assert stage.events() == ["session_moved"]


@case
def a_rotation_that_is_refused_tells_nothing(stage: Stage) -> None:
    token = stage.refresh(stage.token, replace(CALLER, place=Place("IE", (53.3, -6.3)))).token
    stage.store.meanwhile = [stage.disable_user]

    with pytest.raises(InvalidGrant):
        stage.refresh(token, replace(CALLER, place=Place("AU", (-33.9, 151.2))))

    assert stage.events() == []


def a_browser_session_gets_a_csrf_token_and_no_access_token(stage: Stage) -> None:
    answer = stage.refresh(stage.token, kind=TokenKind.SESSION)

    assert (answer.access_token, bool(answer.csrf_token)) == (None, True)
    assert stage.row().expires_at == START + COOKIE.idle_ttl_s


@pytest.mark.parametrize("checked", CASES.values(), ids=CASES)
def test_refresh(checked: Case) -> None:
    checked(MemoryStage())


def test_refresh_of_a_browser_session() -> None:
    a_browser_session_gets_a_csrf_token_and_no_access_token(MemoryStage(TokenKind.SESSION))
