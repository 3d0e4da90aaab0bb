"""The revocation log is cleaned from its low end, and keeps its last row."""

import pytest

from auth_tokens.adapters.mysql.log_purge import (
    COUNT_OLD_LOG,
    LOG_RETENTION_S,
    SELECT_FIRST_TO_STAY,
    LogPurge,
)
from tests.support.world import World

INSERT = "INSERT INTO auth_token_revocations (written_at, keep_until, ids) VALUES (0, %s, '12345678')"


@pytest.fixture
def purge(fresh_world: World) -> LogPurge:
    return LogPurge(fresh_world.database)


def insert(world: World, *keep_until: int) -> None:
    for each in keep_until:
        world.sql(INSERT, each)


def left(world: World) -> list[int]:
    return [
        row["keep_until"] for row in world.sql("SELECT keep_until FROM auth_token_revocations ORDER BY seq")
    ]


@pytest.mark.parametrize(("after_s", "rows_left"), [(0, 2), (1, 1)])
def test_a_row_goes_once_its_time_and_the_retention_have_passed(
    fresh_world: World, purge: LogPurge, after_s: int, rows_left: int
) -> None:
    now = fresh_world.clock.now
    insert(fresh_world, now, now + 1000)

    purge.delete_batch(now + LOG_RETENTION_S + after_s, 500)

    assert len(left(fresh_world)) == rows_left


def test_the_last_row_stays_however_old_it_is_and_is_no_debt(fresh_world: World, purge: LogPurge) -> None:
    insert(fresh_world, 1, 2, 3)

    batch = purge.delete_batch(fresh_world.clock.now, 500)

    assert (batch.deleted, batch.is_last) == (2, True)
    assert left(fresh_world) == [3]
    assert purge.debt(fresh_world.clock.now).rows == 0


def test_what_is_behind_a_row_that_stays_stays_too(fresh_world: World, purge: LogPurge) -> None:
    now = fresh_world.clock.now
    insert(fresh_world, 1, now, 2, 3)

    purge.delete_batch(now, 500)

    assert left(fresh_world) == [now, 2, 3]


def test_batches_follow_until_nothing_is_due(fresh_world: World, purge: LogPurge) -> None:
    now = fresh_world.clock.now
    insert(fresh_world, *range(1, 8))
    assert purge.debt(now).rows == 6

    batches = [purge.delete_batch(now, 3) for _ in range(4)]

    assert [batch.deleted for batch in batches] == [2, 2, 2, 0]
    assert [batch.is_last for batch in batches] == [False, False, False, True]
    assert purge.debt(now).rows == 0


def test_an_empty_log_is_no_debt(fresh_world: World, purge: LogPurge) -> None:
    assert purge.delete_batch(fresh_world.clock.now, 500).is_last
    assert purge.debt(fresh_world.clock.now).rows == 0


@pytest.mark.parametrize(
    ("statement", "parameters"), [(SELECT_FIRST_TO_STAY, (5, 500)), (COUNT_OLD_LOG, (5,))]
)
def test_what_is_due_is_found_by_the_primary_key(
    fresh_world: World, statement: str, parameters: tuple[int, ...]
) -> None:
    insert(fresh_world, 1, 2, 3)

    plan = fresh_world.database.query(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)

    [log] = [row for row in plan if row["table"] == "l"]
    assert log["key"] == "PRIMARY"
    assert "filesort" not in (log["Extra"] or "")
