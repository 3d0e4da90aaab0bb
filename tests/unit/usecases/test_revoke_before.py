"""Everything before an instant ends."""

import pytest

from auth_tokens.domain.caller import NO_CALLER
from auth_tokens.domain.cutoff_marks import MarkedCutoff
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import InvalidRequest, NotFound, Unavailable
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.usecases.revoke_before import (
    COMMITTED_WITHIN_S,
    RevokeBeforeDeps,
    RevokeBeforeRequest,
    RevokedBefore,
    revoke_before,
)
from tests.support.cases import Case, Cases, is_live
from tests.support.memory_world import memory_world
from tests.support.world import World

case = Cases()
DELAY_S = 5


class MemoryCutoffs:
    """Port ports.cutoffs.Cutoffs. slow_s: how long a commit takes."""

    def __init__(self, world: World, slow_s: int = 0) -> None:
        self.world = world
        self.slow_s = slow_s
        self.decided: list[Cutoff] = []
        self.events: list[SecurityEvent] = []

    def decide(self, cutoff: Cutoff, event: SecurityEvent) -> Cutoff | None:
        self.world.clock.now += self.slow_s
        there = next((c for c in self.decided if c.client_id == cutoff.client_id), None)
        if there is not None and there.before >= cutoff.before:
            return there
        self.decided = [*self.decided, cutoff]
        self.events.append(event)
        return None

    def in_force(self) -> list[MarkedCutoff]:
        return [MarkedCutoff(cutoff, b"") for cutoff in self.decided]


def end(
    world: World, before: int | None, cutoffs: MemoryCutoffs | None = None, **whose: str
) -> RevokedBefore:
    deps = RevokeBeforeDeps(world.sessions, cutoffs or MemoryCutoffs(world), DELAY_S)
    return revoke_before(RevokeBeforeRequest(before, "leak", **whose), NO_CALLER, deps)


@case
def everything_is_one_entry_with_its_event(world: World) -> None:
    now, cutoffs = world.clock.now, MemoryCutoffs(world)

    result = end(world, now - 1, cutoffs)

    assert cutoffs.decided == [Cutoff("", now - 1, now)]
    assert [event.detail for event in cutoffs.events] == [{"before": now - 1, "note": "leak"}]
    assert result == RevokedBefore(now - 1, True, None, now, now + DELAY_S)


@case
def a_client_s_entry_names_it_and_now_is_the_service_s_own(world: World) -> None:
    cutoffs = MemoryCutoffs(world)

    end(world, None, cutoffs, client_id="portal-app")

    assert cutoffs.decided == [Cutoff("portal-app", world.clock.now, world.clock.now)]


@case
def what_stays_in_force_is_returned_instead_of_an_earlier_instant(world: World) -> None:
    now, cutoffs = world.clock.now, MemoryCutoffs(world)
    end(world, now - 1, cutoffs)
    world.clock.now += 100

    assert end(world, now - 2, cutoffs) == RevokedBefore(now - 1, False, None, now, now + DELAY_S)


@case
def an_instant_to_come_is_refused_and_the_present_one_is_not(world: World) -> None:
    cutoffs = MemoryCutoffs(world)
    with pytest.raises(InvalidRequest, match="future"):
        end(world, world.clock.now + 1, cutoffs)
    assert cutoffs.decided == []

    assert end(world, world.clock.now, cutoffs).is_changed


@case
def a_client_or_a_user_that_is_none_is_refused_and_nothing_ends(world: World) -> None:
    cutoffs = MemoryCutoffs(world)
    with pytest.raises(InvalidRequest, match="client_id"):
        end(world, 1, cutoffs, client_id="nobody")
    with pytest.raises(NotFound):
        end(world, 1, cutoffs, user_id="nobody")

    assert cutoffs.decided == []


@case
def a_user_s_sessions_end_by_their_rows_up_to_the_second(world: World) -> None:
    name, cutoffs = world.user(), MemoryCutoffs(world)
    before = world.login(name)
    instant = world.clock.now
    world.clock.now += 1
    after = world.login(name)

    result = end(world, instant, cutoffs, user_id=world.user_id(name))

    assert (result.is_changed, result.ended) == (True, 2)
    assert is_live(world, before.session_id, after.session_id) == [False, True]
    assert cutoffs.decided == []


@pytest.mark.parametrize(
    ("slow_s", "is_in_time"), [(COMMITTED_WITHIN_S, True), (COMMITTED_WITHIN_S + 1, False)]
)
def test_a_commit_that_took_too_long_is_to_be_repeated(slow_s: int, is_in_time: bool) -> None:
    world = memory_world()
    cutoffs = MemoryCutoffs(world, slow_s)

    if is_in_time:
        assert end(world, world.clock.now, cutoffs).is_changed
    else:
        with pytest.raises(Unavailable):
            end(world, world.clock.now, cutoffs)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_revoke_before(checked: Case) -> None:
    checked(memory_world())
