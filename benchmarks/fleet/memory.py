"""What an environment's memory of revocations costs: a cold start, bytes, and a look-up beside one in a frozenset."""

from __future__ import annotations

import itertools
import secrets
import time
import tracemalloc
from collections.abc import Callable, Container, Iterator, Sequence

from auth_tokens.adapters.mysql.revocations import MySqlRevocationLog
from auth_tokens.adapters.revocation_log import RevocationLog
from auth_tokens.settings import Settings
from benchmarks import bench

TITLES = (
    "ids",
    "ids an entry",
    "cold start, client CPU ms",
    "whole ms",
    "server CPU ms",
    "memory, bytes an id",
    "peak, MB",
    "look-up µs",
    "in a frozenset µs",
    "ratio",
)
_PROBES, _ROUNDS = 2000, 15
_ROWS = 2000
_KEPT_S = (300, 600, 900)


def fill(settings: Settings, count: int, per_entry: int) -> None:
    """An empty log, then so many ids, over three spans of time."""
    bench.run(settings, "DELETE FROM auth_token_revocations")
    now, kept = int(time.time()), itertools.cycle(_KEPT_S)
    entries = ((now, now + next(kept), secrets.token_bytes(8 * per_entry)) for _ in range(count // per_entry))
    connection = bench.connect(settings)
    with connection.cursor() as cursor:
        while rows := list(itertools.islice(entries, _ROWS)):
            cursor.executemany(
                "INSERT INTO auth_token_revocations (written_at, keep_until, ids) VALUES (%s, %s, %s)", rows
            )
    connection.close()


def row(settings: Settings, per_entry: int, server_cpu_s: Callable[[], float]) -> Sequence[str]:
    """Measures on the log as it is."""
    source = MySqlRevocationLog(bench.parts(settings).database)
    source.width()  # connects
    server_s, cpu_s, started = server_cpu_s(), time.process_time(), time.monotonic()
    log = _read(source)
    cpu_s, whole_s = time.process_time() - cpu_s, time.monotonic() - started
    server_s = server_cpu_s() - server_s
    ids = len(log._ids)
    tracemalloc.start()
    again = _read(source)
    source.width()  # the driver keeps the rows of its last answer
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del again
    ours_us, theirs_us = look_ups(log, frozenset(secrets.token_bytes(16) for _ in range(ids)))
    return (
        f"{ids:,}",
        str(per_entry),
        f"{cpu_s * 1000:.0f}",
        f"{whole_s * 1000:.0f}",
        f"{server_s * 1000:.0f}",
        f"{kept / ids:.1f}",
        f"{peak / 2**20:.1f}",
        f"{ours_us:.2f}",
        f"{theirs_us:.2f}",
        f"{ours_us / theirs_us:.1f}",
    )


def look_ups(ours: Container[bytes], theirs: Container[bytes]) -> tuple[float, float]:
    """Microseconds of a look-up of an id that is not there, medians of rounds in turns, less the empty loop's."""
    probes = [secrets.token_bytes(16) for _ in range(_PROBES)]
    rounds = [(_timed(probes, ours), _timed(probes, theirs), _timed(probes, None)) for _ in range(_ROUNDS)]
    empty = bench.median([each[2] for each in rounds])
    return bench.median([each[0] for each in rounds]) - empty, bench.median(
        [each[1] for each in rounds]
    ) - empty


def _read(source: MySqlRevocationLog) -> RevocationLog:
    log = RevocationLog(source)
    assert log.read(int(time.time()))
    _ = len(log._ids), bytes(16) in log  # puts all in order, as validations would
    return log


def _timed(probes: Sequence[bytes], known: Container[bytes] | None) -> float:
    started = time.process_time()
    if known is None:
        for _ in probes:
            pass
    else:
        for probe in probes:
            _ = probe in known
    return (time.process_time() - started) * 1e6 / len(probes)


def sizes(largest: int) -> Iterator[tuple[int, int]]:
    """(ids, ids an entry)."""
    yield from ((count, 1) for count in (10_000, 100_000, 200_000) if count <= largest)
    yield from ((count, 32) for count in (200_000, 1_000_000) if count <= largest)
