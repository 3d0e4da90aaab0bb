"""The census on the real database: exact however many runs it takes, and whatever cleanup deletes meanwhile."""

import pytest

from auth_tokens.adapters.mysql.analytics import census as statements
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.analytics.figures import figures_of
from auth_tokens.domain.analytics.periods import PeriodRequest
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.usecases.analytics import take_census as census
from auth_tokens.usecases.analytics.summarise import summarise
from auth_tokens.usecases.analytics.take_census import take_census
from auth_tokens.usecases.cleanup import cleanup
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World


def plenty() -> int:
    return 60_000


def take(world: World) -> bool:
    return take_census(plenty, wiring.analysing(world.shared).counting)


def figures(world: World) -> dict[str, int | None]:
    summary = summarise(PeriodRequest(span_s=3600, step="day"), wiring.summarising(world.shared))
    return figures_of(summary.series[-1][1])


def refresh(world: World, token: str, times: int) -> str:
    for _ in range(times):
        world.clock.now += 60
        token = world.refresh(token).token
    return token


def test_refreshes_are_counted_between_two_censuses(fresh_world: World) -> None:
    old = refresh(fresh_world, fresh_world.login(fresh_world.user()).token, 3)
    assert take(fresh_world)
    assert figures(fresh_world)["refreshes"] is None

    refresh(fresh_world, old, 4)
    refresh(fresh_world, fresh_world.login(fresh_world.user()).token, 5)
    take(fresh_world)
    take(fresh_world)

    assert figures(fresh_world)["refreshes"] == 9


def test_sessions_that_ended_or_are_gone_count_with_what_they_did_before(fresh_world: World) -> None:
    token = fresh_world.login(fresh_world.user()).token
    take(fresh_world)
    ending = refresh(fresh_world, token, 2)
    refresh(fresh_world, fresh_world.login(fresh_world.user()).token, 1)
    take(fresh_world)
    assert figures(fresh_world)["refreshes"] == 3
    assert ending

    fresh_world.clock.now += fresh_world.settings.refresh_idle_ttl_s
    take(fresh_world)
    fresh_world.clock.now += fresh_world.settings.cleanup_retention_s + 60
    cleanup(plenty, wiring.cleaning(fresh_world.shared))
    refresh(fresh_world, fresh_world.login(fresh_world.user()).token, 2)
    take(fresh_world)

    assert figures(fresh_world)["refreshes"] == 2


def test_sessions_and_devices_that_live_are_counted(fresh_world: World) -> None:
    answers = [fresh_world.login(fresh_world.user(), DeviceRequest(remember=True)) for _ in range(3)]
    validated = validate(
        Credential(Transport.BEARER, answers[0].access_token or ""), fresh_world.sessions.validation
    )
    logout(LogoutScope.CURRENT, validated.claims, CALLER, fresh_world.sessions)

    take(fresh_world)

    assert figures(fresh_world)["active_sessions"] == 2
    assert figures(fresh_world)["devices"] == 3


def test_a_census_of_several_runs_is_that_of_one(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "SLICE_ROWS", 3)
    monkeypatch.setattr(census, "MAX_SLICES", 1)
    tokens = [fresh_world.login(fresh_world.user()).token for _ in range(5)]
    while not take(fresh_world):
        pass
    for number, token in enumerate(tokens):
        refresh(fresh_world, token, number)

    runs = 1
    while not take(fresh_world):
        runs += 1

    assert runs == 4  # ten rows, three a run
    assert figures(fresh_world) | {"refreshes": 10, "active_sessions": 5, "devices": 5} == figures(
        fresh_world
    )


def test_a_run_without_time_counts_nothing_and_goes_on_later(fresh_world: World) -> None:
    fresh_world.login(fresh_world.user())
    counting = wiring.analysing(fresh_world.shared).counting

    assert not take_census(lambda: census.RESERVE_MS - 1, counting)
    assert take_census(lambda: census.RESERVE_MS, counting)
    assert figures(fresh_world)["active_sessions"] == 1


def test_a_slice_is_read_in_the_order_of_the_primary_key(world: World) -> None:
    for _ in range(20):
        world.login(world.user())
    world.sql("ANALYZE TABLE auth_user_tokens")
    now = to_sql(world.clock.now)

    plan = world.sql(
        f"EXPLAIN FORMAT=TRADITIONAL {statements.COUNT_SLICE}", now, now, now, now, bytes(16), 10
    )

    [read] = [row for row in plan if row["table"] == "auth_user_tokens"]
    assert (read["key"], read["type"]) == ("PRIMARY", "range")
