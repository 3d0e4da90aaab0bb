"""Roll-ups and the summary on the real database: the figures are those of the events, however late these come."""

import random
from collections import Counter

import pytest

from auth_tokens.adapters.mysql import events, outbox
from auth_tokens.adapters.mysql.analytics import rollups
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.analytics.periods import PeriodRequest
from auth_tokens.domain.ids import MAX_UUID, uuid7
from auth_tokens.usecases.analytics.analyse import analyse
from auth_tokens.usecases.analytics.roll_up import MAX_HOURS, RESERVE_MS, roll_up
from auth_tokens.usecases.analytics.summarise import Summary, summarise
from auth_tokens.usecases.list_events import EventFilter, list_events
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import START, World

TYPES = ["login_succeeded", "login_failed", "token_reuse_detected", "session_revoked"]
DAY_S = 24 * HOUR_S


def plenty() -> int:
    return 60_000


def roll(world: World) -> int:
    return roll_up(plenty, wiring.analysing(world.shared).rolling)


def summary(world: World, span_s: int = DAY_S, step: str = "hour") -> Summary:
    return summarise(PeriodRequest(span_s=span_s, step=step), wiring.summarising(world.shared))


def tell(world: World, *told: tuple[int, str, bytes | None]) -> None:
    """Events as (instant, type, source)."""
    rows = [(uuid7(at * 1000, random.randbytes(10)), kind, to_sql(at), source) for at, kind, source in told]
    world.database.transaction(
        lambda statements: statements.execute_many(
            "INSERT INTO auth_token_events (id, type, created_at, source_hash) VALUES (%s, %s, %s, %s)", rows
        )
    )


def history(world: World, hours: int) -> list[tuple[int, str, bytes | None]]:
    """Some hours of events up to now, told."""
    chance, now = random.Random(1), world.clock.now
    told = [
        (now - chance.randrange(hours * HOUR_S), chance.choice(TYPES), bytes([1 + chance.randrange(9)]) * 16)
        for _ in range(60 * hours)
    ]
    tell(world, *told)
    return told


def test_the_summary_is_what_counting_every_event_gives(fresh_world: World) -> None:
    told = history(fresh_world, hours=50)
    roll(fresh_world)

    found = summary(fresh_world)

    counted = Counter(kind for at, kind, _ in told if at >= found.period.since)
    assert found.totals == {**dict.fromkeys(found.totals, 0), **counted}
    by_hour = Counter((hour_of(at), kind) for at, kind, _ in told if at >= found.period.since)
    assert {(at, kind): n for at, amounts in found.series for kind, n in amounts.items()} == by_hour
    sources = Counter(
        source for at, kind, source in told if at >= found.period.since and kind == "login_failed"
    )
    assert {figure.source: figure.failures for figure in found.top_sources} == sources
    assert [figure.failures for figure in found.top_sources] == sorted(sources.values(), reverse=True)


def test_a_span_begins_with_its_step_and_no_step_is_left_out(fresh_world: World) -> None:
    fresh_world.clock.now = hour_of(START) + 1800

    found = summary(fresh_world, span_s=2 * HOUR_S)

    assert found.period.since == hour_of(START) - 2 * HOUR_S
    assert [at for at, _ in found.series] == [hour_of(START) + n * HOUR_S for n in (-2, -1, 0)]


def test_by_day_the_hours_are_added(fresh_world: World) -> None:
    told = history(fresh_world, hours=70)
    roll(fresh_world)

    found = summary(fresh_world, span_s=3 * DAY_S, step="day")

    by_day = Counter((at - at % DAY_S, kind) for at, kind, _ in told)
    assert {(at, kind): n for at, amounts in found.series for kind, n in amounts.items()} == by_day


def test_by_days_of_a_zone_the_hours_that_begin_in_them_are_added(fresh_world: World) -> None:
    told = history(fresh_world, hours=70)
    roll(fresh_world)
    midnight = fresh_world.clock.now - fresh_world.clock.now % DAY_S + 5 * HOUR_S
    starts = tuple(start for start in range(midnight - 3 * DAY_S, fresh_world.clock.now, DAY_S))

    found = summarise(PeriodRequest(starts=starts), wiring.summarising(fresh_world.shared))

    by_day = Counter((found.period.step_of(at), kind) for at, kind, _ in told if at >= starts[0])
    assert {(at, kind): n for at, amounts in found.series for kind, n in amounts.items()} == by_day


def test_five_minutes_are_counted_from_the_events(fresh_world: World) -> None:
    told = history(fresh_world, hours=2)

    found = summary(fresh_world, HOUR_S, "5min")

    by_step = Counter((at - at % 300, kind) for at, kind, _ in told if at >= found.period.since)
    assert {(at, kind): n for at, amounts in found.series for kind, n in amounts.items()} == by_step


@pytest.mark.parametrize(("span_s", "step"), [(HOUR_S, "5min"), (5 * HOUR_S, "hour"), (2 * DAY_S, "day")])
def test_the_period_before_is_counted_to_the_second(fresh_world: World, span_s: int, step: str) -> None:
    told = history(fresh_world, hours=6 * 24)
    roll(fresh_world)

    before = summary(fresh_world, span_s, step).before

    counted = Counter(kind for at, kind, _ in told if before.since <= at < before.until)
    assert before.amounts == counted


def test_a_summary_costs_the_same_however_long_it_is(fresh_world: World) -> None:
    roll(fresh_world)

    costs = [
        cost(fresh_world, lambda span=span, step=step: summary(fresh_world, span, step))
        for span, step in ((DAY_S, "hour"), (30 * DAY_S, "hour"), (90 * DAY_S, "day"))
    ]

    assert costs == [{**NOTHING, "Com_select": 13}] * 3


def test_an_event_committed_late_is_counted_when_its_hour_is_closed(fresh_world: World) -> None:
    end_of_hour = hour_of(START) - 1
    fresh_world.clock.now = hour_of(START) + 300
    roll(fresh_world)
    tell(fresh_world, (end_of_hour, "login_failed", bytes(16)))
    fresh_world.clock.now += 300
    roll(fresh_world)
    fresh_world.clock.now += 5 * HOUR_S

    assert summary(fresh_world).totals["login_failed"] == 1


def test_counted_twice_an_hour_has_the_same_figures(fresh_world: World) -> None:
    history(fresh_world, hours=5)
    kept = "SELECT * FROM auth_token_rollups ORDER BY hour_at, name, subject"
    assert roll(fresh_world) == 6
    before = fresh_world.sql(kept)

    assert roll(fresh_world) == 2
    assert fresh_world.sql(kept) == before


def test_a_source_that_is_no_longer_among_the_top_leaves_them(fresh_world: World) -> None:
    at = hour_of(START)
    fresh_world.clock.now = at + 1
    tell(fresh_world, (at, "login_failed", b"\xff" * 16))
    roll(fresh_world)
    tell(
        fresh_world,
        *[(at, "login_failed", bytes([n]) * 16) for n in range(1, rollups.TOP_SOURCES + 1) for _ in "ab"],
    )

    roll(fresh_world)

    kept = fresh_world.sql(
        "SELECT subject FROM auth_token_rollups WHERE name = %s", rollups.FAILURES_OF_SOURCE
    )
    assert sorted(row["subject"][0] for row in kept) == list(range(1, rollups.TOP_SOURCES + 1))


def test_after_a_long_break_a_run_takes_some_hours_and_the_next_the_rest(fresh_world: World) -> None:
    tell(fresh_world, (START, "login_failed", None))
    roll(fresh_world)
    fresh_world.clock.now += (MAX_HOURS + 50) * HOUR_S
    tell(fresh_world, (fresh_world.clock.now - 3 * HOUR_S, "login_failed", None))

    assert roll(fresh_world) == MAX_HOURS
    assert roll(fresh_world) < MAX_HOURS
    assert summary(fresh_world).totals["login_failed"] == 1


def test_a_run_without_time_counts_nothing_and_loses_nothing(fresh_world: World) -> None:
    history(fresh_world, hours=3)

    assert roll_up(lambda: RESERVE_MS - 1, wiring.analysing(fresh_world.shared).rolling) == 0
    assert roll(fresh_world) == 4


def test_a_summary_before_the_first_run_has_the_open_hours(fresh_world: World) -> None:
    tell(fresh_world, (fresh_world.clock.now, "login_failed", b"s" * 16))

    found = summary(fresh_world)

    assert found.totals["login_failed"] == 1
    assert found.top_sources[0].failures == 1
    assert found.as_of.hours is None
    roll(fresh_world)
    assert summary(fresh_world).as_of.hours == fresh_world.clock.now


def test_the_debt_of_cleanup_is_told(fresh_world: World) -> None:
    answer = fresh_world.login(fresh_world.user())
    assert summary(fresh_world).debt.due == 0
    ended = fresh_world.clock.now + answer.token_expires_in
    fresh_world.clock.now = ended + fresh_world.settings.cleanup_retention_s
    assert summary(fresh_world).debt.oldest_at is None

    fresh_world.clock.now += 1

    assert (summary(fresh_world).debt.oldest_at, summary(fresh_world).debt.due) == (ended, 1)


@pytest.mark.parametrize("by", ["", "user", "type", "both"])
def test_a_page_is_filtered_and_goes_on_where_the_last_one_ended(fresh_world: World, by: str) -> None:
    names = [fresh_world.user(), fresh_world.user()]
    for name in names * 3:
        fresh_world.login(name)
        fresh_world.clock.now += 1
    user_id = fresh_world.user_id(names[0]) if by in ("user", "both") else None
    kind = "new_device" if by in ("type", "both") else None
    deps = wiring.listing_events(fresh_world.shared)

    found, cursor = [], None
    while True:
        page = list_events(EventFilter(user_id, kind, cursor=cursor, limit=2), deps)
        found, cursor = found + page.events, page.next_cursor
        if cursor is None:
            break

    assert len(found) == {"": 12, "user": 6, "type": 6, "both": 3}[by]
    assert [event.id for event in found] == sorted((event.id for event in found), reverse=True)
    assert user_id is None or {event.user_id for event in found} == {user_id}
    assert kind is None or {event.type for event in found} == {kind}


HOUR_IDS = (uuid7((START - HOUR_S) * 1000, bytes(10)), uuid7(START * 1000, bytes(10)))
FROM_TO = (HOUR_IDS[1], HOUR_IDS[0])
PLANS = {
    "events": (events.SELECT_EVENTS, (*FROM_TO, 50), "PRIMARY"),
    "events of a user": (events.SELECT_EVENTS_OF_USER, (*FROM_TO, "user1", 50), "ix_user"),
    "events of a type": (events.SELECT_EVENTS_OF_TYPE, (*FROM_TO, "session_revoked", 50), "ix_type"),
    "events of both": (
        events.SELECT_EVENTS_OF_USER_AND_TYPE,
        (*FROM_TO, "user1", "session_revoked", 50),
        "ix_user",
    ),
    "events of a session": (events.SELECT_EVENTS_OF_SESSION, (*FROM_TO, bytes(16), 50), "ix_session"),
    "events of a source": (events.SELECT_EVENTS_OF_SOURCE, (*FROM_TO, bytes(16), 50), "ix_source"),
    "events by id": (events.select_events_by_id(5), HOUR_IDS * 2 + HOUR_IDS[:1], "PRIMARY"),
    "events of a page of the inbox": (events.select_events_by_id(100), HOUR_IDS * 50, "PRIMARY"),
    "slice": (outbox.SELECT_SLICE_END, (*HOUR_IDS, 1000), "PRIMARY"),
    "replay": (outbox.REPLAY_SLICE, HOUR_IDS, "PRIMARY"),
    "skip": (outbox.SKIP_EVENT, (to_sql(START), HOUR_IDS[0]), "PRIMARY ix_published"),
    "forget": (rollups.FORGET_HOURS, (START - HOUR_S, 100), "PRIMARY"),
    "pending": (outbox.SELECT_PENDING, (*HOUR_IDS, 500), "ix_published"),
    "oldest pending": (outbox.SELECT_OLDEST_PENDING, (), "ix_published"),
    "mark": (outbox.MARK_PUBLISHED, (to_sql(START), *HOUR_IDS * 5), "PRIMARY"),
    "hour": (rollups.COUNT_EVENTS, HOUR_IDS, "PRIMARY"),
    "sources of an hour": (rollups.COUNT_FAILURES_OF_SOURCES, (*HOUR_IDS, 20), "PRIMARY ix_type"),
    "last hour": (rollups.SELECT_LAST_HOUR, (START, rollups.ROLLED_UP), "PRIMARY"),
    "figures": (rollups.SELECT_FIGURES, (HOUR_S, START - HOUR_S, START, bytes(16)), "PRIMARY"),
    "figures of days": (
        rollups.select_figures_of_steps(3),
        (START - HOUR_S, START - 1800, START, START - HOUR_S, START, bytes(16)),
        "PRIMARY",
    ),
    "five minutes": (rollups.COUNT_STEPS, (300, 300, *HOUR_IDS), "PRIMARY"),
    "top sources": (
        rollups.SELECT_TOP_SOURCES,
        (START - HOUR_S, START, rollups.FAILURES_OF_SOURCE, 10),
        "PRIMARY",
    ),
    "first event": (rollups.SELECT_FIRST_EVENT, (), "PRIMARY"),
    "oldest due": (rollups.SELECT_OLDEST_DUE, (to_sql(START),), "ix_expires_at"),
}


@pytest.fixture(scope="module")
def full_world(world: World) -> World:
    """A few days of events and figures, so that the optimizer has something to choose from."""
    chance = random.Random(2)
    instants = [START - chance.randrange(10 * DAY_S) for _ in range(20_000)]
    rows = [
        (
            uuid7(at * 1000, chance.randbytes(10)),
            chance.choice(TYPES),
            to_sql(at),
            f"user{chance.randrange(200)}",
            bytes([1 + chance.randrange(50)]) * 16,
            to_sql(at) if START - at > 600 else None,
        )
        for at in instants
    ]
    for part in range(0, len(rows), 2_000):
        world.database.transaction(
            lambda statements, part=part: statements.execute_many(
                "INSERT INTO auth_token_events (id, type, created_at, user_id, source_hash, published_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                rows[part : part + 2_000],
            )
        )
    for _ in range(2):
        roll(world)
    world.sql("ANALYZE TABLE auth_token_events, auth_token_rollups, auth_user_tokens")
    return world


@pytest.mark.parametrize("name", PLANS)
def test_no_statement_scans_a_table_or_reads_far_more_than_it_answers(full_world: World, name: str) -> None:
    statement, parameters, index = PLANS[name]

    [plan] = full_world.sql(f"EXPLAIN FORMAT=TRADITIONAL {statement}", *parameters)

    assert plan["key"] in index.split()
    # An index read from its end, for one row, is no scan.
    assert plan["type"] in ("range", "ref") or (plan["type"] == "index" and int(plan["rows"]) == 1)


def test_of_several_types_no_more_is_read_than_is_shown_of_each(full_world: World) -> None:
    each = (MAX_UUID, uuid7(0, bytes(10)))
    kinds = TYPES[:3]
    parameters = [value for kind in kinds for value in (*each, kind, 20)]

    plan = full_world.sql(
        f"EXPLAIN FORMAT=TRADITIONAL {events.select_events_of_types(len(kinds))}", *parameters, 20
    )
    read = [row for row in plan if row["table"] == "auth_token_events"]
    assert {(row["key"], row["type"]) for row in read} <= {("ix_type", "range"), ("ix_type", "ref")}
    assert len(read) == len(kinds)

    found = list_events(
        EventFilter(type=",".join(kinds), limit=100), wiring.listing_events(full_world.shared)
    ).events
    everything = list_events(EventFilter(limit=200), wiring.listing_events(full_world.shared)).events
    wanted = [event.id for event in everything if event.type in kinds]
    assert [event.id for event in found] == wanted[:100]


def test_the_schedule_rolls_up_and_publishes(fresh_world: World) -> None:
    fresh_world.login(fresh_world.user())

    report = analyse(plenty, wiring.analysing(fresh_world.shared))

    assert report is not None
    assert report.hours == 1
