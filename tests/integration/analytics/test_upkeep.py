"""Findings' searches, the replay of events and the recount of figures, on a real database."""

from auth_tokens.bootstrap.keeping_up import judging_findings, keeping_up
from auth_tokens.domain.caller import NO_CALLER
from auth_tokens.domain.events import EventSelection, EventType
from auth_tokens.domain.ids import MAX_UUID, uuid_text
from auth_tokens.usecases.list_events import EventFilter, ListEventsDeps, list_events
from auth_tokens.usecases.upkeep import (
    ReplayRequest,
    recount_figures,
    replay_events,
    service_debt,
    skip_event,
)
from tests.support.world import World


def test_each_filter_finds_its_events_and_together_they_find_those_of_all(world: World) -> None:
    name = world.user()
    first, _ = world.login(name), world.login(name)
    log = world.shared.event_log
    [event] = log.search(EventSelection(kinds=(EventType.LOGIN_SUCCEEDED,)), MAX_UUID, 1)
    everything = log.search(EventSelection(user_id=world.user_id(name)), MAX_UUID, 100)
    session = bytes.fromhex(first.session_id.replace("-", ""))
    deps = ListEventsDeps(log, world.clock)

    of_session = list_events(EventFilter(session_id=session), deps).events
    of_source = list_events(EventFilter(source=event.source_hash, limit=200), deps).events
    of_both = list_events(
        EventFilter(session_id=session, source=event.source_hash, type="login_succeeded"), deps
    ).events

    assert {e.id for e in of_session} == {e.id for e in everything if e.session_id == session}
    assert {e.id for e in everything} <= {e.id for e in of_source}
    assert [e.session_id for e in of_both] == [session]
    assert list_events(EventFilter(session_id=session, source=bytes(16)), deps).events == []


def test_events_are_found_by_their_ids_and_unknown_ones_are_left_out(world: World) -> None:
    world.login(world.user())
    log = world.shared.event_log
    known = log.search(EventSelection(), MAX_UUID, 3)

    found = judging_findings(world.shared).events.of_ids([*(event.id for event in known), bytes(16)])

    assert found == known
    assert log.of_ids([]) == []


def test_what_had_gone_is_pending_again_and_one_of_it_can_be_given_up(fresh_world: World) -> None:
    world = fresh_world
    name = world.user()
    for _ in range(3):
        world.login(name)
    world.sql("UPDATE auth_token_events SET published_at = UTC_TIMESTAMP(6)")
    upkeep = keeping_up(world.shared)
    assert service_debt(upkeep).pending == 0

    span = ReplayRequest(world.clock() - 60, world.clock() + 1, "SIEM restored")
    replay = replay_events(span, NO_CALLER, upkeep)

    count = world.sql("SELECT COUNT(*) AS n FROM auth_token_events")[0]["n"]
    assert (replay.events, replay.next_cursor) == (count - 1, None)  # without the event that says so
    assert service_debt(upkeep).pending == count
    [oldest] = world.sql("SELECT id FROM auth_token_events ORDER BY id LIMIT 1")
    skip_event(uuid_text(oldest["id"]), "refused", NO_CALLER, upkeep)
    assert service_debt(upkeep).pending == count  # less the one, and one more: that it was given up


def test_a_recount_forgets_counts_of_events_and_keeps_those_of_the_census(fresh_world: World) -> None:
    world = fresh_world
    hour = world.clock() - world.clock() % 3600
    for name, at in (("login_failed", hour), ("devices", hour), ("login_failed", hour - 7200)):
        world.sql(
            "INSERT INTO auth_token_rollups (hour_at, name, subject, amount) VALUES (%s, %s, %s, 1)",
            at,
            name,
            bytes(16),
        )

    recount_figures(hour - 3600, "by hand", NO_CALLER, keeping_up(world.shared))

    left = world.sql("SELECT name, hour_at FROM auth_token_rollups")
    assert {(row["name"], row["hour_at"]) for row in left} == {
        ("devices", hour),
        ("login_failed", hour - 7200),
    }
