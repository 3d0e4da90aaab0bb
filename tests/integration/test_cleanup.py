"""Cleanup on the real database: only what is past its end plus retention, in index order, within its time."""

from collections.abc import Iterator

import pytest

from auth_tokens import bootstrap
from auth_tokens.adapters.mysql import purges
from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.ids import uuid7
from auth_tokens.usecases.cleanup import RESERVE_MS, cleanup
from tests.support.world import World


def plenty() -> int:
    return 60_000


@pytest.fixture
def own_world(fresh_world: World) -> Iterator[World]:
    """A schema of its own: cleanup looks at the whole table."""
    yield fresh_world


def _rows(world: World) -> int:
    [row] = world.sql("SELECT COUNT(*) AS n FROM auth_user_tokens WHERE type <> 'device'")
    return int(row["n"])


@pytest.mark.parametrize(("past", "left"), [(-1, 1), (0, 1), (1, 0)])
def test_a_row_goes_the_second_after_its_end_plus_retention(own_world: World, past: int, left: int) -> None:
    answer = own_world.login(own_world.user())
    retention = own_world.settings.cleanup_retention_s

    own_world.clock.now += answer.token_expires_in + retention + past
    cleanup(plenty, bootstrap.cleaning(own_world.shared))

    assert _rows(own_world) == left


def test_a_live_session_stays_and_refreshes_afterwards(own_world: World) -> None:
    answer = own_world.login(own_world.user())
    own_world.clock.now += answer.token_expires_in - 1

    report = cleanup(plenty, bootstrap.cleaning(own_world.shared))

    assert report.deleted["auth_user_tokens"] == 0
    assert own_world.refresh(answer.token)


def test_a_spent_token_is_still_known_as_such_after_a_cleanup(own_world: World) -> None:
    first = own_world.login(own_world.user())
    own_world.refresh(first.token)
    own_world.clock.now += 3600
    cleanup(plenty, bootstrap.cleaning(own_world.shared))

    with pytest.raises(Exception, match="reuse"):
        own_world.refresh(first.token)


def test_many_rows_go_in_batches_and_twice_is_harmless(own_world: World) -> None:
    _insert_expired(own_world, 2 * purges.BATCH_ROWS + 7)
    deps = bootstrap.cleaning(own_world.shared)

    first, second = cleanup(plenty, deps), cleanup(plenty, deps)

    assert first.deleted["auth_user_tokens"] == 2 * purges.BATCH_ROWS + 7
    assert first.is_complete
    assert second.deleted["auth_user_tokens"] == 0


def test_it_stops_before_its_time_is_up_and_goes_on_next_time(own_world: World) -> None:
    _insert_expired(own_world, 2 * purges.BATCH_ROWS)
    remaining = iter([10_000, RESERVE_MS - 1])
    deps = bootstrap.cleaning(own_world.shared)

    first = cleanup(lambda: next(remaining), deps)
    assert not first.is_complete
    assert first.deleted["auth_user_tokens"] == purges.BATCH_ROWS

    assert cleanup(plenty, deps).deleted["auth_user_tokens"] == purges.BATCH_ROWS


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        (purges.DELETE_EXPIRED_TOKENS, "time"),
        (purges.DELETE_IDLE_LIMITS, 1000),
        (purges.DELETE_OLD_EVENTS, b"\x01" * 16),
    ],
    ids=["tokens", "limits", "events"],
)
def test_no_cleanup_statement_scans_or_sorts(own_world: World, statement: str, bound: object) -> None:
    _insert_expired(own_world, 3000)
    _insert_live(own_world, 3000)
    chosen = to_sql(own_world.clock.now - 1) if bound == "time" else bound

    [plan] = own_world.sql(f"EXPLAIN {statement}", chosen, 1000)

    assert plan["type"] == "range"
    assert "filesort" not in (plan["Extra"] or "")


def _insert_expired(world: World, count: int) -> None:
    _insert(world, count, world.clock.now - world.settings.cleanup_retention_s - 10)


def _insert_live(world: World, count: int) -> None:
    _insert(world, count, world.clock.now + 1000)


def _insert(world: World, count: int, ends_at: int) -> None:
    end = to_sql(ends_at)

    def work(statements: object) -> None:
        rows = [
            (uuid7(ends_at * 1000 + n, n.to_bytes(10, "big")), end, end, end, end, end) for n in range(count)
        ]
        statements.execute_many(  # type: ignore[attr-defined]
            "INSERT INTO auth_user_tokens (id, type, user_id, client_id, scope, generation, key_epoch, acr, amr,"
            " created_at, last_used_at, auth_time, expires_at, absolute_expires_at)"
            " VALUES (%s, 'refresh', 'u', 'c', '', 0, 1, '', '', %s, %s, %s, %s, %s)",
            rows,
        )
        statements.execute_many(  # type: ignore[attr-defined]
            "INSERT INTO auth_token_limits (bucket, tat_ms) VALUES (%s, %s)",
            [(row[0], ends_at * 1000) for row in rows],
        )
        statements.execute_many(  # type: ignore[attr-defined]
            "INSERT INTO auth_token_events (id, type, created_at) VALUES (%s, 'login_failed', %s)",
            [(row[0], end) for row in rows],
        )

    world.database.transaction(work)
    world.sql("ANALYZE TABLE auth_user_tokens, auth_token_limits, auth_token_events")
