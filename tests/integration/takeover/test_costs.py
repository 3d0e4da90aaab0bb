"""What a take-over costs the database, and what costs nothing."""

from collections.abc import Callable

import pytest

from auth_tokens.domain.errors import InvalidGrant, RateLimited
from auth_tokens.domain.limits import LEGACY_LOOK_UPS, LEGACY_MISSES_PER_SOURCE
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support.legacy_portal import LegacyWindow, mapping
from tests.support.takeover_stage import Stage, stage_of

TAKEN = {**NOTHING, "Com_select": 2, "Com_begin": 1, "Com_commit": 1}


def cost_of(stage: Stage, action: Callable[[], object]) -> dict[str, int]:
    """As cost; no statement of it reads the keys, which may be too old."""
    stage.take_over(stage.token())
    return cost(stage.world, action)


def refused(stage: Stage, token: str) -> Callable[[], None]:
    def attempt() -> None:
        with pytest.raises(InvalidGrant):
            stage.take_over(token)

    return attempt


def test_a_take_over_is_two_selects_and_one_transaction(any_stage: Stage) -> None:
    token = any_stage.token()

    # The mark; the claim, the session with its device, the event; the user's row.
    assert cost_of(any_stage, lambda: any_stage.take_over(token)) == {
        **TAKEN,
        "Com_update": 1,
        "Com_insert": 3,
        "Com_insert_select": 1,
    }


def test_a_repeat_is_one_select(any_stage: Stage) -> None:
    token = any_stage.token()
    any_stage.take_over(token)

    assert cost_of(any_stage, lambda: any_stage.take_over(token)) == {**NOTHING, "Com_select": 1}


def test_a_miss_is_one_select_and_then_none_for_a_minute(any_stage: Stage) -> None:
    token = any_stage.token()[::-1]

    assert cost_of(any_stage, refused(any_stage, token)) == {**NOTHING, "Com_select": 1}
    assert cost_of(any_stage, refused(any_stage, token)) == NOTHING
    any_stage.world.clock.now += 60
    assert cost_of(any_stage, refused(any_stage, token)) == {**NOTHING, "Com_select": 1}


def test_an_ended_token_is_one_select(stage: Stage) -> None:
    token = stage.token()
    stage.portal.call("end", token=token)

    assert cost_of(stage, refused(stage, token)) == {**NOTHING, "Com_select": 1}


def test_a_source_of_many_misses_is_limited_before_the_select_and_others_are_not(stage: Stage) -> None:
    guesser, good = stage.guesser(), stage.token()
    deps = stage.environment()
    for number in range(LEGACY_MISSES_PER_SOURCE.burst):
        with pytest.raises(InvalidGrant):
            stage.take_over(f"{number:080x}", deps=deps, caller=guesser, tick=0)

    def limited() -> None:
        with pytest.raises(RateLimited) as refusal:
            stage.take_over("f" * 80, deps=deps, caller=guesser, tick=0)
        assert refusal.value.retry_after_s == 3

    assert cost(stage.world, limited) == NOTHING
    assert stage.take_over(good, deps=deps)
    stage.world.clock.now += 3
    with pytest.raises(InvalidGrant):
        stage.take_over("f" * 80, deps=deps, caller=guesser, tick=0)


def test_an_environment_makes_fifty_look_ups_a_second(stage: Stage) -> None:
    token, deps = stage.token(), stage.environment()
    stage.world.clock.now += 2
    for _ in range(LEGACY_LOOK_UPS.burst):
        stage.take_over(token, deps=deps, tick=0)

    with pytest.raises(RateLimited):
        stage.take_over(token, deps=deps, tick=0)


def test_the_plan_of_each_statement_has_no_scan(any_stage: Stage) -> None:
    for plan in any_stage.plans(any_stage.token()):
        reads = [step for step in plan if step["select_type"] != "INSERT"]
        scans = [step["table"] for step in reads if step["type"] in ("ALL", "index")]
        assert set(scans) <= {"k"}  # the service's keys, a few dozen rows (KEYS_VERSION)


def test_a_portal_whose_rows_may_not_be_written_keeps_them_as_they_are(stage: Stage) -> None:
    document = mapping("integer", stage.portal.address.name, mark="leave")
    left = stage_of(stage.world, stage.portal, document, stage.folder)
    token = stage.token()

    answer = left.take_over(token)

    assert stage.portal.is_in_force(token)
    assert left.take_over(token).token == answer.token
    left.world.database.close()


@pytest.mark.parametrize(
    "window",
    [LegacyWindow("2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z"), LegacyWindow("2099-01-01T00:00:00Z")],
)
def test_outside_the_dates_no_text_is_one_of_the_portals(stage: Stage, window: LegacyWindow) -> None:
    document = mapping("integer", stage.portal.address.name, window=window)
    closed = stage_of(stage.world, stage.portal, document, stage.folder)

    assert not closed.accepts(stage.token())
    assert stage.accepts(stage.token())


@pytest.mark.parametrize(
    "text", ["", "f" * 79, "f" * 81, "F" * 80, "f" * 79 + "\n", "g" * 80, "aut_rt_" + "f" * 73, "f" * 10_000]
)
def test_a_text_of_another_shape_is_none_of_the_portals(stage: Stage, text: str) -> None:
    assert not stage.accepts(text)
