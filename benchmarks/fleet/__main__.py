"""`python -m benchmarks.fleet`: the revocation feed of 10 to 2,000 environments against one real database.

Environments are memories of revocations in a few processes, each read at moments of its own, an interval apart. One
writer revokes: entries of one id at a steady rate, or 100,000 ids at once in entries of 32. Clients and server share
the machine's processors, so processor times say more than delays once a process falls behind («late»).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from auth_tokens.settings import Settings
from benchmarks import bench
from benchmarks.fleet import memory
from benchmarks.fleet.child import Child
from benchmarks.fleet.environments import Sample, Stamps

INTERVAL_S = 5
IDS_PER_ENTRY = 32
TTL_S = 600
TITLES = (
    "environments",
    "revocations",
    "looks/s",
    "rows read a look",
    "server CPU ms a look",
    "server, share of a processor",
    "client CPU ms a look",
    "stall p50 ms",
    "stall p99 ms",
    "delay mean s",
    "delay most s",
    "late s",
    "missed",
)
INSERT = """
INSERT INTO auth_token_revocations (written_at, keep_until, ids)
VALUES (UNIX_TIMESTAMP(), UNIX_TIMESTAMP() + %s, %s)
"""


@dataclass(frozen=True)
class Counters:
    """Of the server since its start."""

    cpu_s: float
    rows: int


class Writer:
    """Revokes on a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._connection = bench.connect(settings)
        self._stamp = Stamps()
        self.written = 0

    def steadily(self, rate: float, seconds: float) -> None:
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            self._write(1)
        time.sleep(max(0.0, began + seconds - time.monotonic()))

    def at_once(self, ids: int) -> None:
        while self.written < ids:
            self._write(min(IDS_PER_ENTRY, ids - self.written))

    def _write(self, ids: int) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(INSERT, (TTL_S + 60, b"".join(self._stamp() for _ in range(ids))))
        self.written += ids


def main() -> int:
    arguments = _arguments()
    with bench.server() as server:
        settings = server.schema("fleet")
        found = [
            row
            for environments in arguments.environments
            for row in _of(environments, settings, server, arguments)
        ]
        starts = []
        for count, per_entry in memory.sizes(arguments.ids):
            memory.fill(settings, count, per_entry)
            starts.append(memory.row(settings, per_entry, lambda: counters(server).cpu_s))
        print(
            f"\n{arguments.seconds} s each, a look every {INTERVAL_S} s. {bench.circumstances(settings)}.\n"
        )
        print(bench.table(TITLES, found))
        print()
        print(bench.table(memory.TITLES, starts))
    return 0


def _of(
    environments: int, settings: Settings, server: bench.Server, arguments: argparse.Namespace
) -> Iterator[Sequence[str]]:
    for rate in arguments.rates:
        yield _measured(environments, rate, settings, server, arguments)
    if arguments.mass and environments <= arguments.mass_environments:
        yield _measured(environments, None, settings, server, arguments)


def _measured(
    environments: int,
    rate: float | None,
    settings: Settings,
    server: bench.Server,
    arguments: argparse.Namespace,
) -> Sequence[str]:
    """rate: None for a mass revocation."""
    bench.run(settings, "DELETE FROM auth_token_revocations")
    writer = Writer(settings)
    share = -(-environments // arguments.processes)
    counts = [min(share, environments - first) for first in range(0, environments, share)]
    children = [Child(settings, count, INTERVAL_S) for count in counts]
    before = counters(server)
    for child in children:
        child.run(arguments.seconds)
    if rate is None:
        writer.at_once(arguments.mass)
    else:
        writer.steadily(rate, arguments.seconds)
    for child in children:
        child.wait()
    after = counters(server)
    sample = sum((child.finish(writer.written) for child in children), start=Sample())
    what = f"{rate:g}/s" if rate is not None else f"{arguments.mass:,} at once"
    return row(environments, what, sample, (before, after), arguments.seconds)


def row(
    environments: int, what: str, sample: Sample, span: tuple[Counters, Counters], seconds: float
) -> Sequence[str]:
    """A line of the table. span: before and after."""
    looks = len(sample.cpu_ms)
    server_s, rows = span[1].cpu_s - span[0].cpu_s, span[1].rows - span[0].rows
    return (
        f"{environments:,}",
        what,
        f"{looks / seconds:,.1f}",
        f"{rows / looks:,.1f}",
        f"{server_s * 1000 / looks:.2f}",
        f"{server_s / seconds:.2f}",
        f"{sum(sample.cpu_ms) / looks:.2f}",
        f"{bench.median(sample.stall_ms):.1f}",
        f"{bench.quantile(sample.stall_ms, 0.99):.1f}",
        f"{sample.delay_s / max(1, sample.seen):.2f}",
        f"{sample.most_s:.2f}",
        f"{sample.late_s:.2f}",
        str(sample.missed),
    )


def counters(server: bench.Server) -> Counters:
    """Processor time by proc(5); rows by the server's count of its reads, the writer's among them."""
    fields = Path(f"/proc/{server.database.pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    with contextlib.closing(server.database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Handler\\_read%'")
        rows = sum(int(value) for name, value in cursor.fetchall() if "rnd" not in str(name).lower())
    return Counters(cpu_s, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--environments", type=_numbers, default=[10, 200, 2000], help="such as 10,200")
    parser.add_argument("--rates", type=_numbers, default=[1, 50, 200], help="revocations a second")
    parser.add_argument("--mass", type=int, default=100_000, help="ids of the mass revocation; 0 for none")
    parser.add_argument(
        "--mass-environments", type=int, default=200, help="more keep more memory than a machine has"
    )
    parser.add_argument("--seconds", type=float, default=20, help="of one measurement")
    parser.add_argument("--processes", type=int, default=2, help="that share the environments")
    parser.add_argument("--ids", type=int, default=1_000_000, help="of the largest cold start")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
