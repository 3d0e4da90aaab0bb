"""The operators' queries on millions of events: python -m benchmarks.analytics [events] [days]

Fills a private MariaDB, rolls up, and times what `GET /admin/security/*` and the schedule do.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from auth_tokens.adapters.mysql.times import to_sql
from auth_tokens.domain.events import EventType
from auth_tokens.domain.ids import uuid7
from auth_tokens.usecases.analytics.analyse import AnalyseDeps, analyse
from auth_tokens.usecases.analytics.summarise import summarise
from auth_tokens.usecases.list_events import EventFilter, list_events
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.servers.database.private import private_server
from tests.conftest import new_world
from tests.support import wiring
from tests.support.fakes import FakeBus
from tests.support.labelled_traffic import score_table, scores
from tests.support.world import START, World

DAY_S = 86_400
BATCH_ROWS = 5000
ROUNDS = 15
# How often each type is, out of 1000; the last are rare.
MIX = {
    EventType.LOGIN_SUCCEEDED: 500,
    EventType.LOGIN_FAILED: 250,
    EventType.NEW_DEVICE: 100,
    EventType.SESSION_REVOKED: 100,
    EventType.SESSION_ISSUED: 47,
    EventType.TOKEN_REUSE_DETECTED: 2,
    EventType.FINDING: 1,
}


def main(arguments: list[str]) -> None:
    """Prints the tables."""
    count, days = int(arguments[0]) if arguments else 5_000_000, int(arguments[1]) if arguments[1:] else 89
    with _world() as world:
        started = time.perf_counter()
        for rows in _batches(count, days):
            world.database.transaction(lambda s, rows=rows: s.execute_many(_INSERT, rows))  # type: ignore[misc]
        world.sql("ANALYZE TABLE auth_token_events")
        print(f"{count:,} events of {days} days, filled in {time.perf_counter() - started:.0f} s\n")
        _first_runs(world)
        print("| what | median | slowest |\n|---|---|---|")
        for name, action in _queries(world):
            _row(name, action)
    _detections()


_INSERT = (
    "INSERT INTO auth_token_events (id, type, created_at, user_id, source_hash, published_at)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)


@contextlib.contextmanager
def _world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="aut-") as folder:
        server, aws = private_server(Path(folder) / "server", durable=False), LocalAws(Path(folder))
        try:
            server.start()
            aws.start()
            server.wait()
            address: DatabaseAddress = server.address
            with _environment(aws), new_world(address, aws) as world:
                yield world
        finally:
            aws.stop()
            server.stop()


@contextlib.contextmanager
def _environment(aws: LocalAws) -> Iterator[None]:
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        yield


def _batches(count: int, days: int) -> Iterator[list[tuple[object, ...]]]:
    """In the order of time, as they would have come; published but for the last minutes."""
    chance = random.Random(1)
    kinds = [kind.value for kind, share in MIX.items() for _ in range(share)]
    sources = [chance.randbytes(16) for _ in range(20_000)]
    step_ms = days * DAY_S * 1000 / count
    first_ms = (START - days * DAY_S) * 1000
    numbers = iter(range(count))
    while chunk := list(itertools.islice(numbers, BATCH_ROWS)):
        rows: list[tuple[object, ...]] = []
        for number in chunk:
            at_ms = int(first_ms + number * step_ms)
            at = to_sql(at_ms // 1000)
            user_id = f"user{chance.randrange(100_000)}"
            published = at if START - at_ms // 1000 > 300 else None
            event_id = uuid7(at_ms, chance.randbytes(10))
            rows.append((event_id, chance.choice(kinds), at, user_id, chance.choice(sources), published))
        yield rows


def _first_runs(world: World) -> None:
    """The schedule on a database with a past: some hours a run."""
    runs, started = 0, time.perf_counter()
    scheduled = _scheduled(world)
    while runs == 0 or (scheduled.rolling.rollups.last_hour(START) or 0) + 3600 <= START:
        analyse(lambda: 60_000, scheduled)
        runs += 1
    print(f"rolled up in {runs} runs, {time.perf_counter() - started:.1f} s\n")


def _scheduled(world: World) -> AnalyseDeps:
    made = wiring.analysing(world.shared)
    return replace(made, publishing=replace(made.publishing, bus=FakeBus()))


def _queries(world: World) -> list[tuple[str, Callable[[], object]]]:
    events, figures = wiring.listing_events(world.shared), wiring.summarising(world.shared)
    scheduled = _scheduled(world)
    user = "user4711"
    return [
        ("events, newest 50", lambda: list_events(EventFilter(limit=50), events)),
        ("events of a user", lambda: list_events(EventFilter(user_id=user, limit=50), events)),
        ("events of a rare type", lambda: list_events(EventFilter(type="finding", limit=50), events)),
        ("… of a user, none", lambda: list_events(EventFilter(user_id=user, type="user_revoked"), events)),
        ("summary, a day by hour", lambda: summarise(DAY_S, "hour", figures)),
        ("summary, 90 days by day", lambda: summarise(90 * DAY_S, "day", figures)),
        ("summary, 90 days by hour", lambda: summarise(90 * DAY_S, "hour", figures)),
        ("a run of the schedule", lambda: analyse(lambda: 60_000, scheduled)),
        (
            "for comparison: counting 90 days",
            lambda: world.database.query("SELECT type, COUNT(*) FROM auth_token_events GROUP BY type"),
        ),
    ]


def _row(name: str, action: Callable[[], object]) -> None:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    print(f"| {name} | {statistics.median(times):.1f} ms | {max(times):.1f} ms |", flush=True)


def _detections() -> None:
    """Precision and recall on hours that the tests do not use."""
    from auth_tokens.domain.analytics.detections import findings_in
    from tests.support.labelled_traffic import USUAL

    print("\n" + score_table(scores(lambda told: findings_in(told, USUAL), range(1000, 1500))))


if __name__ == "__main__":
    main(sys.argv[1:])
