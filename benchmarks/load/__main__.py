"""`python -m benchmarks.load`: how many calls a second one database carries, by number of environments.

Environments are processes that call without a pause. They are added until the p99 is twice that of a single one.
Clients and server share the machine's processors, so the server's own processor time of a call says more than the calls
a second: by it the last column estimates a server that has two such processors to itself.

A login is measured with the cheapest password hash that the settings allow, unless --password-cost says otherwise: the
hash costs the function's processor alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from argon2 import PasswordHasher

from auth_tokens.settings import Settings
from benchmarks import bench
from benchmarks.load.environment import PASSWORD, Environment, Sample

WAYS = ("validate", "refresh", "issue", "login")
LEAST_KIB, LEAST_PASSES = 7168, 1
# The instance of the estimate, db.r7g.large, has two processors. Above this share of them the waiting grows fast.
PROCESSORS, BUSY = 2, 0.7
# MySQL counts flushes of its log by themselves, MariaDB those of all files.
FLUSHES = ("innodb_os_log_fsyncs", "innodb_data_fsyncs")
TITLES = (
    "what",
    "environments",
    "calls/s",
    "p50 ms",
    "p99 ms",
    "p99 of one's",
    "statements",
    "flushes",
    "server CPU ms",
    "client CPU ms",
    "else ms",
    "db.r7g.large, calls/s (estimate)",
)


@dataclass(frozen=True)
class Counters:
    """Of the server since its start."""

    cpu_s: float
    statements: int
    flushes: int

    def __sub__(self, earlier: Counters) -> Counters:
        return Counters(
            self.cpu_s - earlier.cpu_s, self.statements - earlier.statements, self.flushes - earlier.flushes
        )


@dataclass(frozen=True)
class Load:
    """One measurement: all environments together, and what the server did meanwhile."""

    samples: list[Sample]
    seconds: float
    server: Counters

    @property
    def took_ms(self) -> list[float]:
        return [took * 1000 for sample in self.samples for took in sample.took_s]

    @property
    def p99_ms(self) -> float:
        return bench.quantile(self.took_ms, 0.99)

    def row(self, what: str, alone: Load) -> list[str]:
        calls = len(self.took_ms)
        server_ms = self.server.cpu_s * 1000 / calls
        client_ms = sum(sample.cpu_s for sample in self.samples) * 1000 / calls
        return [
            what,
            str(len(self.samples)),
            f"{calls / self.seconds:,.0f}",
            f"{bench.median(self.took_ms):.2f}",
            f"{self.p99_ms:.1f}",
            f"{self.p99_ms / alone.p99_ms:.2f}",
            f"{self.server.statements / calls:.1f}",
            f"{self.server.flushes / calls:.2f}",
            f"{server_ms:.2f}",
            f"{client_ms:.2f}",
            f"{sum(self.took_ms) / calls - server_ms - client_ms:.2f}",
            f"{PROCESSORS * BUSY * 1000 / server_ms:,.0f}",
        ]


def main() -> int:
    arguments = _arguments()
    with bench.server() as server:
        settings = server.schema("load")
        if not arguments.password_cost:
            settings = replace(settings, argon2_memory_kib=LEAST_KIB, argon2_passes=LEAST_PASSES)
        bench.fill(settings, arguments.rows, ended=False)
        _give_everybody_the_password(settings)
        with _environments(settings, max(arguments.environments)) as environments:
            rows = [
                row
                for what in ([arguments.only] if arguments.only else WAYS)
                for row in _until_the_p99_doubles(what, environments, server, arguments)
            ]
        print(f"\n{arguments.rows:,} rows; {arguments.seconds} s each. {bench.circumstances(settings)}.\n")
        print(bench.table(TITLES, rows))
    return 0


def _until_the_p99_doubles(
    what: str, environments: list[Environment], server: bench.Server, arguments: argparse.Namespace
) -> Iterator[list[str]]:
    """The last row is the first one above the bound, if there is one."""
    alone: Load | None = None
    for number in arguments.environments:
        load = _measured(what, environments[:number], server, arguments.seconds)
        alone = alone or load
        yield load.row(what, alone)
        if load.p99_ms > 2 * alone.p99_ms:
            return


def _measured(what: str, environments: list[Environment], server: bench.Server, seconds: float) -> Load:
    before = _counters(server)
    for environment in environments:
        environment.run(what, seconds)
    samples = [environment.answer() for environment in environments]
    return Load(samples, seconds, _counters(server) - before)


def _counters(server: bench.Server) -> Counters:
    fields = Path(f"/proc/{server.database.pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)
    with contextlib.closing(server.database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS")
        status = {str(name).lower(): value for name, value in cursor.fetchall()}
    flushes = next((int(status[name]) for name in FLUSHES if name in status), 0)
    return Counters(cpu_s, int(status["questions"]), flushes)


def _give_everybody_the_password(settings: Settings) -> None:
    hasher = PasswordHasher(settings.argon2_passes, settings.argon2_memory_kib, settings.argon2_lanes)
    bench.run(settings, f"UPDATE auth_users SET password_hash = '{hasher.hash(PASSWORD)}'")


@contextlib.contextmanager
def _environments(settings: Settings, count: int) -> Iterator[list[Environment]]:
    environments = [Environment(settings, number, count) for number in range(count)]
    try:
        for environment in environments:
            environment.ready()
        yield environments
    finally:
        for environment in environments:
            environment.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--only", choices=WAYS, help="this kind of call alone")
    parser.add_argument("--environments", type=_numbers, default=(1, 2, 4, 8, 16), help="such as 1,2,4")
    parser.add_argument("--seconds", type=float, default=5, help="of one measurement")
    parser.add_argument("--rows", type=int, default=100_000, help="live sessions in the table beforehand")
    parser.add_argument(
        "--password-cost", action="store_true", help="the settings' own Argon2id, not the cheapest"
    )
    return parser.parse_args()


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
