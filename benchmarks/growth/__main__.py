"""`python -m benchmarks.growth`: the same refresh on tables of different sizes, side by side in one run."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque

from auth_tokens.domain.caller import Caller
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from benchmarks import bench
from tests.support import wiring

TOKENS = 2000


class Table:
    """A schema of one size, with refresh tokens for rows all over it."""

    def __init__(self, server: bench.Server, rows: int) -> None:
        self.rows = rows
        self.settings = server.schema(f"growth_{rows}")
        bench.fill(self.settings, rows, ended=False)
        bench.run(self.settings, "ANALYZE TABLE auth_user_tokens")
        shared = bench.parts(self.settings)
        self._deps = wiring.issuing(shared)
        self._waiting = deque(bench.tokens_of_live_rows(shared, TOKENS))
        print(f"{rows:,} rows filled in", file=sys.stderr, flush=True)

    def refresh(self) -> float:
        """One rotation, of the row that was longest not rotated; its milliseconds."""
        token = self._waiting.popleft()
        started = time.perf_counter()
        answer = refresh(RefreshRequest(token), Caller("192.0.2.7", "benchmark"), self._deps)
        took_ms = (time.perf_counter() - started) * 1000
        self._waiting.append(answer.token)
        return took_ms


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with bench.server() as server:
        tables = [Table(server, rows) for rows in arguments.rows]
        bench.settle(tables[0].settings)
        rows: list[tuple[object, ...]] = []
        every: dict[int, list[float]] = {table.rows: [] for table in tables}
        for number in range(1, arguments.repeat + 1):
            timed: dict[int, list[float]] = {table.rows: [] for table in tables}
            for _ in range(arguments.rounds):
                for table in tables:
                    timed[table.rows].append(table.refresh())
            rows += _lines(number, timed)
            for size, values in timed.items():
                every[size] += values
        rows += _lines("all", every)
        titles = ("run", "rows", "refresh p50 ms", "p95 ms", "p50 of the smallest's")
        print(f"\n{arguments.rounds} refreshes a size and run, interleaved one by one.", end=" ")
        print(f"{bench.circumstances(tables[0].settings)}.\n\n{bench.table(titles, rows)}")
    return 0


def _lines(run: object, timed: dict[int, list[float]]) -> list[tuple[object, ...]]:
    smallest = bench.median(timed[min(timed)])
    return [
        (
            run,
            f"{size:,}",
            f"{bench.median(values):.2f}",
            f"{bench.quantile(values, 0.95):.2f}",
            f"{bench.median(values) / smallest:.2f}",
        )
        for size, values in timed.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
