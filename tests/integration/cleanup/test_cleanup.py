"""Cleanup on the real database: only what is past its end plus retention, in index order, and in nobody's way."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pymysql
import pytest

from auth_tokens.adapters.mysql import index_scans, purges
from auth_tokens.adapters.mysql.connection import Database, Row, Transaction
from auth_tokens.adapters.mysql.created_tokens import COUNT_CREATED_TOKENS
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.adapters.revoked_rows import MEMORY_S
from auth_tokens.domain.bounds import MIN_RETENTION_S
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import uuid7
from auth_tokens.ports.jobs import Purge
from auth_tokens.settings import Settings
from auth_tokens.usecases.cleanup import (
    CREATION_SPAN_S,
    FIRST_ROWS,
    RESERVE_MS,
    CleanupReport,
    cleanup,
)
from auth_tokens.usecases.validate import validate
from local.templates.schedules import schedules_in
from local.templates.stacks import PRODUCT
from tests.support import wiring
from tests.support.world import START, World

TOKENS = "auth_user_tokens"
LIMITS = "auth_token_limits"
EVENTS = "auth_token_events"
KEYS = "auth_token_keys"
ROLLUPS = "auth_token_rollups"
GROUPS = "auth_token_finding_groups"
USERS = "auth_token_users"
LONG_AGO = START - 500 * 86_400
HOLD_ONE = f"SELECT id FROM {TOKENS} WHERE id = %s FOR UPDATE"
HOLD_ENTRY = (
    f"SELECT user_id FROM {TOKENS} FORCE INDEX (ix_user_type) WHERE user_id = 'other' LOCK IN SHARE MODE"
)
HOLD_FIRST = f"SELECT id FROM {TOKENS} FORCE INDEX (ix_expires_at) WHERE expires_at < %s FOR UPDATE"
EDGE = pytest.mark.parametrize(("past", "left"), [(-1, 1), (0, 1), (1, 0)], ids=["before", "at", "after"])


def plenty() -> int:
    return 60_000


def clean(world: World) -> CleanupReport:
    """A run in an execution environment of its own."""
    return cleanup(plenty, wiring.cleaning(world.environment()))


def rows_in(world: World, table: str) -> int:
    [row] = world.sql(f"SELECT COUNT(*) AS n FROM {table}")
    return int(row["n"])


def purge(world: World, table: str = TOKENS) -> Purge:
    """One table's scan, from its low end."""
    [found] = [p for p in wiring.cleaning(world.environment()).purges if p.name == table]
    return found


# Each kind of row has an end and a retention of its own; at the second of both it is still there.


@EDGE
@pytest.mark.parametrize("kind", ["refresh", "session", "device", "access"])
@pytest.mark.parametrize("is_revoked", [False, True], ids=["ended", "revoked"])
def test_a_token_row_goes_the_second_after_its_end_plus_retention(
    fresh_world: World, kind: str, is_revoked: bool, past: int, left: int
) -> None:
    insert_tokens(fresh_world, 1, START, kind=kind, revoked_at=START - 10 if is_revoked else None)

    fresh_world.clock.now = START + fresh_world.settings.cleanup_retention_s + past
    clean(fresh_world)

    assert rows_in(fresh_world, TOKENS) == left


@EDGE
def test_a_limit_goes_an_hour_after_it_stopped_to_count(fresh_world: World, past: int, left: int) -> None:
    fresh_world.sql(f"INSERT INTO {LIMITS} (bucket, tat_ms) VALUES (%s, %s)", b"b" * 16, START * 1000)

    fresh_world.clock.now = START + purges.LIMIT_RETENTION_S + past
    clean(fresh_world)

    assert rows_in(fresh_world, LIMITS) == left


@EDGE
def test_an_event_goes_after_the_retention_of_events(fresh_world: World, past: int, left: int) -> None:
    insert_events(fresh_world, 1, START)

    fresh_world.clock.now = START + fresh_world.settings.event_retention_s + past
    clean(fresh_world)

    assert rows_in(fresh_world, EVENTS) == left


@EDGE
def test_a_gone_signing_key_goes_after_the_retention_of_keys(
    fresh_world: World, past: int, left: int
) -> None:
    insert_key(fresh_world, "signing", "gone")

    fresh_world.clock.now = START + purges.GONE_KEY_RETENTION_S + past
    clean(fresh_world)

    assert rows_in(fresh_world, KEYS) == left


@EDGE
def test_figures_of_an_hour_go_after_the_retention_of_figures(
    fresh_world: World, past: int, left: int
) -> None:
    insert_figures(fresh_world, START)

    fresh_world.clock.now = START + purges.ROLLUP_RETENTION_S + past
    clean(fresh_world)

    assert rows_in(fresh_world, ROLLUPS) == 3 * left


@EDGE
def test_the_order_of_a_user_goes_after_its_retention(fresh_world: World, past: int, left: int) -> None:
    insert_user_order(fresh_world, START)

    fresh_world.clock.now = START + purges.USER_ORDER_RETENTION_S + past
    clean(fresh_world)

    assert rows_in(fresh_world, USERS) == left


def test_old_figures_go_batch_by_batch_and_the_others_stay(fresh_world: World) -> None:
    for hour in range(4):
        insert_figures(fresh_world, START + hour * 3600)
    rollups = purge(fresh_world, ROLLUPS)
    now = START + purges.ROLLUP_RETENTION_S + 2 * 3600

    batches = [rollups.delete_batch(now, 4), rollups.delete_batch(now, 4), rollups.delete_batch(now, 4)]

    assert [(batch.deleted, batch.is_last) for batch in batches] == [(4, False), (2, True), (0, True)]
    left = fresh_world.sql(f"SELECT DISTINCT hour_at FROM {ROLLUPS} ORDER BY hour_at")
    assert [row["hour_at"] for row in left] == [START + 2 * 3600, START + 3 * 3600]


@pytest.mark.parametrize(
    ("purpose", "state"),
    [("signing", "published"), ("signing", "signing"), ("signing", "retired"), ("token-chain", "gone")],
)
def test_any_other_key_stays_for_good(fresh_world: World, purpose: str, state: str) -> None:
    insert_key(fresh_world, purpose, state)

    fresh_world.clock.now = START + 10 * purges.GONE_KEY_RETENTION_S
    clean(fresh_world)

    assert rows_in(fresh_world, KEYS) == 1


@pytest.mark.parametrize(("past", "left"), [(0, 1), (1, 0)], ids=["at", "after"])
def test_a_session_in_use_until_its_absolute_end_goes_by_that_end(
    fresh_world: World, past: int, left: int
) -> None:
    name = fresh_world.user(refresh_idle_ttl_s=1000, refresh_absolute_ttl_s=1500)
    answer = fresh_world.login(name)
    fresh_world.clock.now += 900
    fresh_world.refresh(answer.token)

    fresh_world.clock.now = START + 1500 + fresh_world.settings.cleanup_retention_s + past
    clean(fresh_world)

    assert len(fresh_world.sql(f"SELECT id FROM {TOKENS} WHERE type = 'refresh'")) == left


# What others still need stays.


def shortest_retention(world: World) -> World:
    """A world on the same schema whose rows go as early as settings allow."""
    settings = {name: getattr(world.settings, name) for name in Settings.__dataclass_fields__}
    other = World(Settings(**{**settings, "cleanup_retention_s": MIN_RETENTION_S}))
    other.clock.now = world.clock.now
    return other


def test_the_least_retention_is_no_shorter_than_the_memory_of_the_feed() -> None:
    assert MIN_RETENTION_S >= MEMORY_S


@pytest.mark.parametrize("revoked_after_s", [30, 61, 90], ids=["before its end", "at it", "after it"])
def test_a_revoked_session_is_refused_for_as_long_as_its_longest_access_token_lives(
    fresh_world: World, revoked_after_s: int
) -> None:
    """An access token outlives its session's idle end where the user's idle time was shortened after it."""
    world = shortest_retention(fresh_world)
    name = world.user(access_ttl_s=3600)
    answer = world.login(name)
    world.sql("UPDATE user_config SET refresh_idle_ttl_s = 60")
    world.clock.now = START + 1
    world.refresh(answer.token)
    world.clock.now = START + revoked_after_s
    event = SecurityEvent(EventType.USER_REVOKED, world.clock.now, world.user_id(name))
    world.shared.store.revoke_user(world.user_id(name), RevokeReason.ADMIN, event)

    for second in (3599, 3600):
        world.clock.now = START + second
        clean(world)
        reason = "revoked" if second < 3600 else "exp"
        with pytest.raises(InvalidAccessToken, match=reason):
            validate(
                Credential(Transport.BEARER, answer.access_token or ""),
                wiring.authorizing(world.environment()),
            )


def test_a_revoked_row_is_in_the_feed_until_no_access_token_of_it_lives(fresh_world: World) -> None:
    """The shortest retention, a session that ended idle and was revoked at that second."""
    world = shortest_retention(fresh_world)
    insert_tokens(world, 1, START, revoked_at=START)

    world.clock.now = START + MEMORY_S
    clean(world)
    assert rows_in(world, TOKENS) == 1

    world.clock.now = START + MEMORY_S + 1
    clean(world)
    assert rows_in(world, TOKENS) == 0


def test_a_live_session_stays_and_refreshes_afterwards(fresh_world: World) -> None:
    answer = fresh_world.login(fresh_world.user())
    fresh_world.clock.now += answer.token_expires_in - 1

    report = clean(fresh_world)

    assert report.tables[TOKENS].deleted == 0
    assert fresh_world.refresh(answer.token)


def test_a_spent_token_is_still_known_as_such_after_a_cleanup(fresh_world: World) -> None:
    first = fresh_world.login(fresh_world.user())
    fresh_world.refresh(first.token)
    fresh_world.clock.now += 3600
    clean(fresh_world)

    with pytest.raises(InvalidGrant, match="reuse"):
        fresh_world.refresh(first.token)


# It walks on, comes back, and two of them share the work.


def test_many_rows_go_in_batches_and_twice_is_harmless(fresh_world: World) -> None:
    insert_all(fresh_world, 2 * FIRST_ROWS + 7)

    first, second = clean(fresh_world), clean(fresh_world)

    assert {name: table.deleted for name, table in first.tables.items()} == {
        TOKENS: 2 * FIRST_ROWS + 7,
        LIMITS: 2 * FIRST_ROWS + 7,
        EVENTS: 2 * FIRST_ROWS + 7,
        KEYS: 0,
        ROLLUPS: 0,
        GROUPS: 0,
        "auth_token_revocations": 0,
        USERS: 0,
    }
    assert first.is_complete
    assert sum(table.deleted for table in second.tables.values()) == 0


def test_it_stops_before_its_time_is_up_and_goes_on_next_time(fresh_world: World) -> None:
    insert_tokens(fresh_world, 2 * FIRST_ROWS, LONG_AGO)
    # Asked before the round, before the batch, after it, before the next table.
    remaining = iter([10_000, 10_000, 9_990, RESERVE_MS - 1])
    deps = wiring.cleaning(fresh_world.environment())

    first = cleanup(lambda: next(remaining, RESERVE_MS - 1), deps)
    assert not first.is_complete
    assert first.tables[TOKENS].deleted == FIRST_ROWS
    assert first.tables[TOKENS].debt.rows == FIRST_ROWS

    assert cleanup(plenty, deps).tables[TOKENS].deleted == FIRST_ROWS


def test_a_batch_reads_on_from_where_the_last_one_ended(fresh_world: World) -> None:
    """Rows deleted a moment ago are still in the index: whoever starts at its low end reads them all again."""
    insert_tokens(fresh_world, 1000, LONG_AGO, same_end=True)
    parts = fresh_world.environment()
    walk = wiring.cleaning(parts).purges[0]
    with frozen_purge(fresh_world):
        walk.delete_batch(START, 900)
        before = index_reads(parts.database)
        assert walk.delete_batch(START, 50).deleted == 50
        read_on = index_reads(parts.database) - before

    assert 50 <= read_on < 900


def test_from_its_end_the_walk_begins_anew(fresh_world: World) -> None:
    insert_tokens(fresh_world, 10, LONG_AGO + 100)
    walk = purge(fresh_world)
    assert walk.delete_batch(START, 50).is_last

    insert_tokens(fresh_world, 3, LONG_AGO)

    assert walk.delete_batch(START, 50).deleted == 3


def test_two_at_once_delete_each_row_once_and_neither_waits_or_fails(fresh_world: World) -> None:
    rows = 3000
    insert_all(fresh_world, rows)
    reports: list[CleanupReport] = []
    barrier = threading.Barrier(2)

    def run() -> None:
        deps = wiring.cleaning(fresh_world.environment())
        barrier.wait()
        reports.append(cleanup(plenty, deps))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reports) == 2
    clean(fresh_world)  # whoever ended first left what the other one held at that moment
    for table in (TOKENS, LIMITS, EVENTS):
        assert sum(report.tables[table].deleted for report in reports) == rows
        assert rows_in(fresh_world, table) == 0


def test_the_second_of_two_takes_the_rows_behind_those_that_the_first_holds(fresh_world: World) -> None:
    insert_tokens(fresh_world, 100, LONG_AGO)
    with held(fresh_world, HOLD_FIRST, to_sql(LONG_AGO + 50)):
        walk = purge(fresh_world)
        batches = [walk.delete_batch(START, 60), walk.delete_batch(START, 60)]

    assert sum(batch.deleted for batch in batches) == 49  # the first holds one more than it asked for
    assert [batch.is_last for batch in batches] == [False, True]
    assert rows_in(fresh_world, TOKENS) == 51


# A bad row: one that somebody holds, one that another table refers to, one that a trigger protects.


def test_a_row_that_somebody_holds_is_left_for_the_next_run(fresh_world: World) -> None:
    insert_tokens(fresh_world, 10, LONG_AGO)
    with held(fresh_world, HOLD_ONE, token_id(0)):
        report = clean(fresh_world)
        assert report.is_complete
        assert report.tables[TOKENS].deleted == 9
        assert report.tables[TOKENS].debt.rows == 1

    assert clean(fresh_world).tables[TOKENS].deleted == 1


def test_a_row_that_another_table_refers_to_is_stepped_over_and_told(fresh_world: World) -> None:
    insert_tokens(fresh_world, 700, LONG_AGO)
    fresh_world.sql(
        f"CREATE TABLE portal_case (id INT PRIMARY KEY, session_id BINARY(16), FOREIGN KEY (session_id)"
        f" REFERENCES {TOKENS} (id)) ENGINE=InnoDB"
    )
    fresh_world.sql(f"INSERT INTO portal_case SELECT 1, id FROM {TOKENS} ORDER BY id LIMIT 1")
    fresh_world.sql(f"INSERT INTO portal_case SELECT 2, id FROM {TOKENS} ORDER BY id LIMIT 1 OFFSET 399")

    report = clean(fresh_world).tables[TOKENS]

    assert (report.deleted, report.refused) == (698, 2)
    assert report.debt.rows == 2
    assert rows_in(fresh_world, TOKENS) == 2


def test_a_row_that_a_trigger_protects_is_stepped_over_and_told(fresh_world: World) -> None:
    insert_tokens(fresh_world, 20, LONG_AGO)
    fresh_world.sql(f"UPDATE {TOKENS} SET acr = 'hold' ORDER BY id LIMIT 1")
    fresh_world.sql(
        f"CREATE TRIGGER hold BEFORE DELETE ON {TOKENS} FOR EACH ROW"
        " IF OLD.acr = 'hold' THEN SIGNAL SQLSTATE '45000'; END IF"
    )

    report = clean(fresh_world).tables[TOKENS]

    assert (report.deleted, report.refused) == (19, 1)


def test_a_fault_that_is_no_rows_is_not_stepped_over(fresh_world: World) -> None:
    insert_tokens(fresh_world, 20, LONG_AGO)
    fresh_world.sql(
        f"CREATE TRIGGER broken BEFORE DELETE ON {TOKENS} FOR EACH ROW INSERT INTO absent VALUES (1)"
    )

    with pytest.raises(pymysql.err.ProgrammingError):
        clean(fresh_world)

    assert rows_in(fresh_world, TOKENS) == 20


def test_a_deadlock_costs_a_batch_and_not_the_run(fresh_world: World) -> None:
    """The other holds an entry of the last row in another index, then wants the first row. It has changed
    more than the batch, so the batch is what the server undoes; which is tried again once the other is done."""
    insert_tokens(fresh_world, 30, LONG_AGO)
    fresh_world.sql(f"UPDATE {TOKENS} SET user_id = 'other' WHERE id = %s", token_id(29))
    reports: list[CleanupReport] = []
    parts = fresh_world.environment()
    is_done = threading.Event()
    parts.database._sleep = lambda _: is_done.wait(10)
    with held(fresh_world, HOLD_ENTRY) as other, other.cursor() as cursor:
        rows = [(n.to_bytes(16, "big"), 2**40) for n in range(1000)]
        cursor.executemany(f"INSERT INTO {LIMITS} (bucket, tat_ms) VALUES (%s, %s)", rows)
        run = threading.Thread(target=lambda: reports.append(cleanup(plenty, wiring.cleaning(parts))))
        run.start()
        while fresh_world.sql(f"{HOLD_ONE} SKIP LOCKED", token_id(0)):
            pass  # until the batch holds it

        assert cursor.execute(HOLD_ONE, (token_id(0),)) == 1  # it is ours: the batch gave way

        other.rollback()
        is_done.set()
        run.join()
    assert reports[0].tables[TOKENS].deleted == 30


# What it reports.


def test_the_debt_is_what_is_due_and_for_how_long(fresh_world: World) -> None:
    retention = fresh_world.settings.cleanup_retention_s
    insert_tokens(fresh_world, 3, START - retention - 120, same_end=True)
    insert_tokens(fresh_world, 4, START - retention, same_end=True)

    debt = purge(fresh_world).debt(START)

    assert (debt.rows, debt.age_s) == (3, 120)


@pytest.mark.parametrize("table", [TOKENS, LIMITS, EVENTS, KEYS, ROLLUPS, USERS, GROUPS])
def test_the_age_of_a_debt_counts_from_the_end_plus_the_retention_of_its_table(
    fresh_world: World, table: str
) -> None:
    insert_all(fresh_world, 1)
    insert_key(fresh_world, "signing", "gone", at=LONG_AGO)
    insert_figures(fresh_world, LONG_AGO, names=["logins"])
    insert_user_order(fresh_world, LONG_AGO)
    insert_groups(fresh_world, LONG_AGO)
    retention = {
        TOKENS: fresh_world.settings.cleanup_retention_s,
        LIMITS: purges.LIMIT_RETENTION_S,
        EVENTS: fresh_world.settings.event_retention_s,
        KEYS: purges.GONE_KEY_RETENTION_S,
        ROLLUPS: purges.ROLLUP_RETENTION_S,
        USERS: purges.USER_ORDER_RETENTION_S,
        GROUPS: fresh_world.settings.event_retention_s,
    }

    debt = purge(fresh_world, table).debt(START)

    assert (debt.rows, debt.age_s) == (1, START - LONG_AGO - retention[table])


def test_without_a_debt_its_age_is_nought(fresh_world: World) -> None:
    debt = purge(fresh_world).debt(START)

    assert (debt.rows, debt.age_s) == (0, 0)


def test_a_debt_is_counted_up_to_a_bound(fresh_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_tokens(fresh_world, 30, LONG_AGO)
    monkeypatch.setattr(purges, "COUNT_LIMIT", 20)

    assert purge(fresh_world).debt(START).rows == 20


@pytest.mark.parametrize(("age_s", "created"), [(CREATION_SPAN_S, 1), (CREATION_SPAN_S + 1, 0)])
def test_rows_created_are_those_of_the_span(fresh_world: World, age_s: int, created: int) -> None:
    insert_tokens(fresh_world, 1, START + 1000, id_s=START - age_s)

    assert clean(fresh_world).created == created


def test_the_span_is_that_of_the_schedule() -> None:
    [schedule] = [s for s in schedules_in(PRODUCT) if s.function == "CleanupFunction"]

    assert schedule.every_s == CREATION_SPAN_S


# No statement scans or sorts, whatever the share of rows that are due.

FIND = {"place": to_sql(LONG_AGO), "id": b"", "bound": to_sql(START - 100_000), "rows": 500, "offset": 499}
FIND |= {"last": to_sql(LONG_AGO + 500)}
FIND_NUMBERS = {**FIND, "place": 1, "bound": (START - 100_000) * 1000, "last": (LONG_AGO + 500) * 1000}
FIND_IDS = {**FIND, "place": b"\x01" * 16, "bound": uuid7((START - 100_000) * 1000, bytes(10))}
FIND_IDS |= {"last": uuid7(LONG_AGO * 1000, bytes(10))}
FIND_USERS = {**FIND, "id": "", "bound": to_sql(START - 86_400)}
IDS = [uuid7(LONG_AGO * 1000, n.to_bytes(10, "big")) for n in range(purges.IDS_PER_STATEMENT)]
USER_IDS = [f"{n:036}" for n in range(purges.IDS_PER_STATEMENT)]
DUE = {"listed": index_scans.listed(IDS), "bound": to_sql(START)}
DUE_NUMBERS = {**DUE, "bound": START * 1000}
DUE_IDS = {**DUE, "bound": uuid7(START * 1000, bytes(10))}
DUE_USERS = {**DUE, "listed": index_scans.listed(USER_IDS)}


@pytest.fixture(scope="module")
def filled(world: World) -> World:
    insert_all(world, 4000)
    insert_all(world, 4000, START - 1000)
    for hour in range(100):
        insert_figures(world, START - 50 * 3600 + hour * 3600, [f"figure_{n}" for n in range(30)])
    insert_user_order(world, *(START - number * 60 for number in range(2000)))
    insert_groups(world, *(START - number * 60 for number in range(2000)))
    world.sql(f"ANALYZE TABLE {TOKENS}, {LIMITS}, {EVENTS}, {ROLLUPS}, {USERS}, {GROUPS}")
    return world


@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        (purges.TOKENS.sql(index_scans.FIND_LAST), FIND, "ix_expires_at"),
        (purges.TOKENS.sql(index_scans.LOCK), FIND, "ix_expires_at"),
        (purges.TOKENS.sql(index_scans.DELETE_LOCKED), FIND, "ix_expires_at"),
        (
            purges.TOKENS.sql(index_scans.DELETE_LOCKED),
            {**FIND, "last": to_sql(START + 10_000)},
            "ix_expires_at",
        ),
        (purges.TOKENS.sql(index_scans.FIND), FIND, "ix_expires_at"),
        (purges.TOKENS.sql(index_scans.FIND), {**FIND, "place": to_sql(0)}, "ix_expires_at"),
        (purges.TOKENS.sql(index_scans.COUNT), FIND, "ix_expires_at"),
        (purges.TOKENS.sql(index_scans.LOCK_FREE), DUE, "PRIMARY"),
        (purges.TOKENS.sql(index_scans.DELETE_LISTED), DUE, "PRIMARY"),
        (COUNT_CREATED_TOKENS, (uuid7((START - 1200) * 1000, bytes(10)), 100_000), "PRIMARY"),
        (purges.LIMITS.sql(index_scans.FIND_LAST), FIND_NUMBERS, "ix_tat_ms"),
        (purges.LIMITS.sql(index_scans.LOCK), FIND_NUMBERS, "ix_tat_ms"),
        (purges.LIMITS.sql(index_scans.DELETE_LOCKED), FIND_NUMBERS, "ix_tat_ms"),
        (purges.LIMITS.sql(index_scans.FIND), FIND_NUMBERS, "ix_tat_ms"),
        (purges.LIMITS.sql(index_scans.COUNT), FIND_NUMBERS, "ix_tat_ms"),
        (purges.LIMITS.sql(index_scans.LOCK_FREE), DUE_NUMBERS, "PRIMARY"),
        (purges.LIMITS.sql(index_scans.DELETE_LISTED), DUE_NUMBERS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.FIND_LAST), FIND_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.LOCK), FIND_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.DELETE_LOCKED), FIND_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.FIND), FIND_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.COUNT), FIND_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.LOCK_FREE), DUE_IDS, "PRIMARY"),
        (purges.EVENTS.sql(index_scans.DELETE_LISTED), DUE_IDS, "PRIMARY"),
        (purges.DELETE_GONE_KEYS, (to_sql(START), 500), "ux_purpose_epoch"),
        (purges.COUNT_GONE_KEYS, (to_sql(START),), "ux_purpose_epoch"),
        (purges.DELETE_OLD_ROLLUPS, (START - 40 * 3600, 500), "PRIMARY"),
        (purges.COUNT_OLD_ROLLUPS, (START - 40 * 3600,), "PRIMARY"),
        (purges.DELETE_OLD_GROUPS, (uuid7((START - 86_400) * 1000, bytes(10)), 500), "ix_newest"),
        (purges.COUNT_OLD_GROUPS, (uuid7((START - 86_400) * 1000, bytes(10)),), "ix_newest"),
        (purges.USERS.sql(index_scans.FIND_LAST), FIND_USERS, "ix_changed_at"),
        (purges.USERS.sql(index_scans.LOCK), FIND_USERS, "ix_changed_at"),
        (purges.USERS.sql(index_scans.DELETE_LOCKED), FIND_USERS, "ix_changed_at"),
        (purges.USERS.sql(index_scans.FIND), FIND_USERS, "ix_changed_at"),
        (purges.USERS.sql(index_scans.LOCK_FREE), DUE_USERS, "PRIMARY"),
        (purges.USERS.sql(index_scans.DELETE_LISTED), DUE_USERS, "PRIMARY"),
        (purges.USERS.sql(index_scans.COUNT), FIND_USERS, "ix_changed_at"),
    ],
)
def test_no_cleanup_statement_scans_or_sorts(
    filled: World, statement: str, parameters: Any, index: str
) -> None:
    plan = filled.shared.database.query(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)

    assert_held_to_its_index(plan, statement, index)


def some(due: dict[str, Any], rows: int) -> dict[str, Any]:
    ids = USER_IDS if due is DUE_USERS else IDS
    return {**due, "listed": index_scans.listed(ids[:rows])}


@pytest.mark.parametrize("size", [10, 60, 600])
@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        (purges.TOKENS.sql(index_scans.DELETE_LOCKED), lambda rows: {**FIND, "rows": rows}, "ix_expires_at"),
        (
            purges.LIMITS.sql(index_scans.DELETE_LOCKED),
            lambda rows: {**FIND_NUMBERS, "rows": rows},
            "ix_tat_ms",
        ),
        (purges.EVENTS.sql(index_scans.DELETE_LOCKED), lambda rows: {**FIND_IDS, "rows": rows}, "PRIMARY"),
        (
            purges.USERS.sql(index_scans.DELETE_LOCKED),
            lambda rows: {**FIND_USERS, "rows": rows},
            "ix_changed_at",
        ),
        (purges.TOKENS.sql(index_scans.LOCK_FREE), lambda rows: some(DUE, rows), "PRIMARY"),
        (purges.LIMITS.sql(index_scans.LOCK_FREE), lambda rows: some(DUE_NUMBERS, rows), "PRIMARY"),
        (purges.EVENTS.sql(index_scans.LOCK_FREE), lambda rows: some(DUE_IDS, rows), "PRIMARY"),
        (purges.USERS.sql(index_scans.LOCK_FREE), lambda rows: some(DUE_USERS, rows), "PRIMARY"),
        (purges.TOKENS.sql(index_scans.DELETE_LISTED), lambda rows: some(DUE, rows), "PRIMARY"),
        (purges.LIMITS.sql(index_scans.DELETE_LISTED), lambda rows: some(DUE, rows), "PRIMARY"),
        (purges.EVENTS.sql(index_scans.DELETE_LISTED), lambda rows: some(DUE, rows), "PRIMARY"),
        (purges.USERS.sql(index_scans.DELETE_LISTED), lambda rows: some(DUE_USERS, rows), "PRIMARY"),
    ],
)
def test_a_small_table_that_is_nearly_all_due_is_not_scanned_either(
    fresh_world: World, statement: str, parameters: Callable[[int], Any], index: str, size: int
) -> None:
    """Scanning would be cheaper, and would lock the rows of those who are signed in."""
    insert_all(fresh_world, size)
    insert_user_order(fresh_world, *range(LONG_AGO, LONG_AGO + size))

    plan = fresh_world.shared.database.query(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters(size - 1))

    assert_held_to_its_index(plan, statement, index, limit=size - 1)


def assert_held_to_its_index(plan: list[Row], statement: str, index: str, limit: int = 0) -> None:
    """Rows are found by a range of an index, and those to be deleted one by one by their key.

    limit: so many rows may also be read from the index's low end, as MySQL does where all of them are due: no
    more is read than a range would, and no row is locked that is not deleted.
    """
    read = [row for row in plan if str(row["table"]).startswith("auth_")]
    found = [
        (row["type"], row["key"])
        for row in read
        if not (row["type"] == "index" and row["key"] == index and int(row["rows"]) <= limit)
    ]
    by_key = [(row["type"], row["key"]) for row in plan if row["table"] in ("doomed", "due")]
    assert set(found) <= {("range", index), ("ref", index)}
    assert by_key == [("eq_ref", "PRIMARY")] * statement.count("STRAIGHT_JOIN")
    assert read or by_key
    assert not [row for row in plan if "filesort" in (row["Extra"] or "")]


# Nor does a batch that comes to the end of what is due read on into the rows of those who are signed in.

LIVE = 5
LIVE_ROWS = {
    TOKENS: f"SELECT id FROM {TOKENS} FORCE INDEX (ix_expires_at) WHERE expires_at >= {{live}}",
    LIMITS: f"SELECT bucket FROM {LIMITS} FORCE INDEX (ix_tat_ms) WHERE tat_ms >= {{live_ms}}",
    EVENTS: f"SELECT id FROM {EVENTS} FORCE INDEX (PRIMARY) WHERE id >= {{live_id}}",
    USERS: f"SELECT user_id FROM {USERS} FORCE INDEX (ix_changed_at) WHERE changed_at >= {{live}}",
}


@pytest.fixture(params=[10, 60, 600], ids=lambda due: f"{due} due")
def nearly_all_due(fresh_world: World, request: pytest.FixtureRequest) -> tuple[World, int]:
    """Small tables, of which nearly all rows are due, and statistics from before the others came: that is where a
    database would rather read a whole index than a part of it."""
    due = int(request.param)
    insert_all(fresh_world, due)
    insert_user_order(fresh_world, *range(LONG_AGO, LONG_AGO + due))
    fresh_world.sql(f"ANALYZE TABLE {TOKENS}, {LIMITS}, {EVENTS}, {USERS}")
    insert_all(fresh_world, LIVE, START)
    rows = [(f"live-{n}", to_sql(START + n)) for n in range(LIVE)]
    insert(fresh_world, f"INSERT INTO {USERS} (user_id, changed_at) VALUES (%s, %s)", rows)
    return fresh_world, due


@pytest.mark.parametrize("more", [0, 1, 1000], ids=lambda more: f"{more} more than are due")
@pytest.mark.parametrize("table", LIVE_ROWS)
def test_no_batch_locks_a_row_that_is_not_due(
    nearly_all_due: tuple[World, int], table: str, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, due = nearly_all_due
    walk = purge(world, table)
    free: list[int] = []
    execute = Transaction.execute

    def looked_at(statements: Transaction, sql: str, parameters: Any = ()) -> int:
        if sql == "COMMIT":
            free.append(len(world.sql(f"{live_rows(table)} FOR UPDATE SKIP LOCKED")))
        return execute(statements, sql, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "execute", looked_at)
        assert walk.delete_batch(START, due + more).deleted == due

    assert free
    assert set(free) == {LIVE}


@pytest.mark.parametrize("table", LIVE_ROWS)
def test_no_batch_waits_for_a_row_that_is_not_due(nearly_all_due: tuple[World, int], table: str) -> None:
    world, due = nearly_all_due

    with held(world, f"{live_rows(table)} FOR UPDATE"):
        batch = purge(world, table).delete_batch(START, due + 1)

    assert (batch.deleted, batch.is_last) == (due, True)


def live_rows(table: str) -> str:
    live_id = f"x'{uuid7(START * 1000, bytes(10)).hex()}'"
    return LIVE_ROWS[table].format(live=f"'{to_sql(START)}'", live_ms=START * 1000, live_id=live_id)


def test_a_batch_is_two_selects_and_one_delete_and_no_row_travels_but_the_last(
    fresh_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_tokens(fresh_world, 1000, LONG_AGO)
    parts = fresh_world.environment()
    walk = wiring.cleaning(parts).purges[0]
    kinds = ("Com_begin", "Com_select", "Com_delete_multi", "Com_commit")
    before = {kind: status(parts.database, kind) for kind in kinds}
    answers: list[int] = []
    query = Transaction.query

    def counted(statements: Transaction, sql: str, parameters: Any = ()) -> list[Row]:
        rows = query(statements, sql, parameters)
        answers.append(len(rows))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "query", counted)
        assert walk.delete_batch(START, 500).deleted == 500

    spent = {kind: status(parts.database, kind) - before[kind] for kind in kinds}
    assert spent == {**dict.fromkeys(kinds, 1), "Com_select": 2}
    assert answers == [1, 1]


@pytest.mark.parametrize(
    ("statement", "due"),
    [
        (purges.TOKENS.sql(index_scans.DELETE_LISTED), DUE),
        (purges.TOKENS.sql(index_scans.LOCK_FREE), DUE),
        (purges.USERS.sql(index_scans.DELETE_LISTED), DUE_USERS),
        (purges.USERS.sql(index_scans.LOCK_FREE), DUE_USERS),
    ],
    ids=["delete tokens", "lock tokens", "delete users", "lock users"],
)
def test_a_statement_with_a_list_is_short_enough_for_the_proxy(
    filled: World, statement: str, due: dict[str, Any]
) -> None:
    """16 KB of text would pin the connection."""
    with contextlib.closing(filled.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        longest = cursor.mogrify(statement, due)

    assert len(longest) < 16_384


# Rows to clean, and others in the way.


def insert_all(world: World, count: int, ends_at: int = LONG_AGO) -> None:
    """As many rows in each of the large tables."""
    insert_tokens(world, count, ends_at)
    insert_events(world, count, ends_at)
    rows = [(uuid7(ends_at * 1000, n.to_bytes(10, "big")), (ends_at + n) * 1000) for n in range(count)]
    insert(world, f"INSERT INTO {LIMITS} (bucket, tat_ms) VALUES (%s, %s)", rows)


def insert_tokens(
    world: World,
    count: int,
    ends_at: int,
    *,
    kind: str = "refresh",
    revoked_at: int | None = None,
    same_end: bool = False,
    id_s: int | None = None,
) -> None:
    """Rows a second apart from ends_at on. id_s: of their ids, or as their ends."""
    rows = []
    for n in range(count):
        end = to_sql(ends_at + (0 if same_end else n))
        row_id = uuid7((ends_at if id_s is None else id_s) * 1000, n.to_bytes(10, "big"))
        rows.append((row_id, kind, end, end, end, end, end, to_sql(revoked_at) if revoked_at else None))
    insert(
        world,
        f"INSERT INTO {TOKENS} (id, type, user_id, client_id, scope, generation, key_epoch, acr, amr,"
        " created_at, last_used_at, auth_time, expires_at, absolute_expires_at, revoked_at)"
        " VALUES (%s, %s, 'u', 'c', '', 0, 1, '', '', %s, %s, %s, %s, %s, %s)",
        rows,
    )


def token_id(n: int, at: int = LONG_AGO) -> bytes:
    """Of the n-th row."""
    return uuid7(at * 1000, n.to_bytes(10, "big"))


def insert_events(world: World, count: int, at: int) -> None:
    rows = [(uuid7(at * 1000, n.to_bytes(10, "big")), to_sql(at)) for n in range(count)]
    insert(world, f"INSERT INTO {EVENTS} (id, type, created_at) VALUES (%s, 'login_failed', %s)", rows)


def insert_figures(world: World, hour_at: int, names: Sequence[str] = ("login", "refresh", "logout")) -> None:
    rows = [(hour_at, name, bytes(16)) for name in names]
    insert(world, f"INSERT INTO {ROLLUPS} (hour_at, name, subject, amount) VALUES (%s, %s, %s, 1)", rows)


def insert_user_order(world: World, *instants: int) -> None:
    rows = [(f"user-{index}", to_sql(at)) for index, at in enumerate(instants)]
    insert(world, f"INSERT INTO {USERS} (user_id, changed_at) VALUES (%s, %s)", rows)


def insert_groups(world: World, *instants: int) -> None:
    rows = [(f"user-{index}", uuid7(at * 1000, bytes(10))) for index, at in enumerate(instants)]
    columns = "rule, subject, state, severity, findings, first_at, newest_id"
    insert(world, f"INSERT INTO {GROUPS} ({columns}) VALUES ('device_burst', %s, 'open', 1, 1, 1, %s)", rows)


def insert_key(world: World, purpose: str, state: str, at: int = START) -> None:
    world.sql(
        f"INSERT INTO {KEYS} (kid, purpose, epoch, state, algorithm, created_at, changed_at)"
        " VALUES ('k', %s, 1, %s, 'ES256', %s, %s)",
        purpose,
        state,
        to_sql(at),
        to_sql(at),
    )


def insert(world: World, statement: str, rows: list[tuple[Any, ...]]) -> None:
    world.database.transaction(lambda statements: statements.execute_many(statement, rows))


@contextlib.contextmanager
def held(world: World, locking: str, *parameters: object) -> Iterator["pymysql.Connection[Any]"]:
    """Somebody's open transaction that holds what a statement locks."""
    with contextlib.closing(world.connect(autocommit=False)) as connection:
        connection.begin()
        connection.cursor().execute(locking, parameters)
        yield connection
        connection.rollback()


@contextlib.contextmanager
def frozen_purge(world: World) -> Iterator[None]:
    """Somebody's old view, for whom the server keeps what is deleted in the indexes."""
    with held(world, f"SELECT COUNT(*) FROM {TOKENS}"):
        yield


def index_reads(database: Database) -> int:
    return status(database, "Handler\\_read\\_%")


def status(database: Database, pattern: str) -> int:
    """The server's own counters of this connection, added up."""
    rows = database.query("SHOW SESSION STATUS LIKE %s", (pattern,))
    return sum(int(row["Value"]) for row in rows)
