"""`python -m benchmarks.cleanup`: cleanup beside refreshes, and one big DELETE beside the same refreshes.

Cleanup runs as Lambda runs it: invocations of a few seconds with a pause between them, so that refreshes with and
without it are timed side by side through the whole run. What the server does after a deletion counts as «with» it:
purge takes the rows, only marked until then, out of the indexes. It runs beside cleanup, and after one DELETE, whose
own speed is therefore flattering: both are told. A refresh is timed from when it was due, so that waiting behind a
slow one counts.

What is measured is the database. Its clients are Lambda functions, on machines of their own, so here none of them
waits for a processor that the server is using (`bench.as_client`); with `--beside` they do.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from auth_tokens.settings import Settings
from auth_tokens.usecases.cleanup import CATCH_UP, RESERVE_MS, STEADY, BatchLimits, cleanup
from benchmarks import bench
from benchmarks.cleanup.refreshing import Refresher, Timing
from tests.support import wiring

DELETE_ALL = "DELETE FROM auth_user_tokens WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 1 DAY"
# What is still being purged at the end of an invocation is not to slow down the refreshes «without».
PURGE_S = 0.5


@dataclass
class Phase:
    """rows and seconds: of the deletion itself; purged_s: until the server had purged them, too; spans: of the
    refreshes that count as beside it."""

    rows: int = 0
    seconds: float = 0
    purged_s: float = 0
    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.seconds

    @property
    def purged_per_s(self) -> float:
        return self.rows / self.purged_s

    def __add__(self, other: Phase) -> Phase:
        return Phase(self.rows + other.rows, self.seconds + other.seconds, self.purged_s + other.purged_s)

    def latencies_ms(self, timings: list[Timing]) -> list[float]:
        return [t.took_s * 1000 for t in timings if any(a <= t.due_at < b for a, b in self.spans)]


def main() -> int:
    arguments = _arguments()
    try:
        with bench.as_client(apart=arguments.apart):
            pass
    except (PermissionError, AttributeError):
        _say("No real-time priority here: run it as root on Linux, or with --beside.")
        return 1
    with bench.server() as server:
        settings = server.schema("cleanup")
        _say(f"{arguments.rows:,} rows, half of them ended")
        bench.fill(settings, arguments.rows // 2, ended=True)
        bench.fill(settings, arguments.rows // 2, ended=False)
        tokens = bench.tokens_of_live_rows(bench.parts(settings), 2000 * arguments.workers)
        results = []
        with _refreshing(settings, tokens, arguments) as refreshers:
            for number in range(arguments.repeat):
                if number:
                    bench.fill(settings, arguments.rows // 2, ended=True)
                results.append(_repetition(settings, refreshers, arguments, number))
        print(_report(results, arguments, bench.circumstances(settings)))
    return 0


def _repetition(
    settings: Settings, refreshers: list[Refresher], arguments: argparse.Namespace, number: int
) -> dict[str, tuple[Phase, list[float]]]:
    """No cleanup, cleanup, catching up (where asked for), one DELETE; the latter two on rows filled in anew."""
    ways: dict[str, Callable[[Phase, Phase], None]] = {
        "cleanup": lambda quiet, busy: _by_invocations(settings, STEADY, arguments.slice_s, quiet, busy),
    }
    if arguments.catch_up:
        ways["catch_up"] = lambda quiet, busy: _by_invocations(
            settings, CATCH_UP, arguments.slice_s, quiet, busy
        )
    ways["one DELETE"] = lambda quiet, busy: _at_once(settings, arguments.slice_s, quiet, busy)
    results: dict[str, tuple[Phase, list[float]]] = {}
    for name, work in ways.items():
        if results:
            bench.fill(settings, arguments.rows // 2, ended=True)
        bench.run(settings, "ANALYZE TABLE auth_user_tokens")
        quiet, busy = Phase(), Phase()
        for refresher in refreshers:
            refresher.go()
        time.sleep(1)
        with bench.as_client(apart=arguments.apart):
            work(quiet, busy)
        timings = [timing for refresher in refreshers for timing in refresher.rest()]
        assert busy.rows >= arguments.rows // 2 * 0.99, busy.rows
        results[name] = (busy, busy.latencies_ms(timings))
        results[f"none, beside {name}"] = (quiet, quiet.latencies_ms(timings))
        _say(f"{number + 1}. {name}: {busy.rows_per_s:,.0f} rows/s, {busy.purged_per_s:,.0f} with purge")
    return results


def _by_invocations(
    settings: Settings, limits: BatchLimits, slice_s: float, quiet: Phase, busy: Phase
) -> None:
    deps = wiring.cleaning(bench.parts(settings))
    is_complete = False
    while not is_complete:
        with _span(quiet):
            time.sleep(slice_s)
        with _span(busy):
            started = time.monotonic()
            ends_at = started + slice_s + RESERVE_MS / 1000

            def remaining_ms(ends_at: float = ends_at) -> int:
                return int((ends_at - time.monotonic()) * 1000)

            report = cleanup(remaining_ms, deps, limits)
            busy.seconds += time.monotonic() - started
            time.sleep(PURGE_S)
        busy.rows += report.tables["auth_user_tokens"].deleted
        is_complete = report.is_complete
    with _span(busy):
        started = time.monotonic()
        bench.settle(settings)
        busy.purged_s = busy.seconds + time.monotonic() - started


def _at_once(settings: Settings, slice_s: float, quiet: Phase, busy: Phase) -> None:
    with _span(quiet):
        time.sleep(2 * slice_s)
    with _span(busy):
        started = time.monotonic()
        busy.rows = bench.run(settings, DELETE_ALL)
        busy.seconds = time.monotonic() - started
        bench.settle(settings)
        busy.purged_s = time.monotonic() - started
    with _span(quiet):
        time.sleep(2 * slice_s)


@contextlib.contextmanager
def _span(phase: Phase) -> Iterator[None]:
    started = time.monotonic()
    yield
    phase.spans.append((started, time.monotonic()))


@contextlib.contextmanager
def _refreshing(
    settings: Settings, tokens: list[str], arguments: argparse.Namespace
) -> Iterator[list[Refresher]]:
    workers = arguments.workers
    refreshers = [
        Refresher(settings, tokens[number::workers], arguments.rate / workers, apart=arguments.apart)
        for number in range(workers)
    ]
    try:
        yield refreshers
    finally:
        for refresher in refreshers:
            refresher.stop()


def _report(
    results: list[dict[str, tuple[Phase, list[float]]]], arguments: argparse.Namespace, about: str
) -> str:
    ways = [name for name in results[0] if not name.startswith("none")]
    rows = []
    for number, result in enumerate(results, start=1):
        for way in ways:
            (busy, with_it), (_, without) = result[way], result[f"none, beside {way}"]
            rows.append((number, way, *_cells(busy, with_it, without, result["one DELETE"][0])))
    for way in ways:
        every = [(result[way][0], result[way][1], result[f"none, beside {way}"][1]) for result in results]
        total = sum((phase for phase, _, _ in every), Phase())
        one = sum((result["one DELETE"][0] for result in results), Phase())
        with_it = [value for _, values, _ in every for value in values]
        without = [value for _, _, values in every for value in values]
        rows.append(("all", way, *_cells(total, with_it, without, one)))
    titles = (
        "run",
        "deletion",
        "rows/s",
        "of one DELETE",
        "with purge",
        "of one DELETE",
        "p50 ms (without)",
        "p99 ms (without)",
        "ratio",
        "longest ms (without)",
        "ratio",
        "refreshes (without)",
    )
    place = "as if apart from the server" if arguments.apart else "beside the server"
    head = (
        f"{arguments.rows:,} rows, half of them ended; {arguments.rate} refreshes/s by {arguments.workers}"
        f" workers, all clients {place}."
    )
    return f"\n{head} {about}.\n\n{bench.table(titles, rows)}"


def _cells(busy: Phase, with_it: list[float], without: list[float], one: Phase) -> list[str]:
    p50, p99, longest = ((bench.quantile(with_it, q), bench.quantile(without, q)) for q in (0.5, 0.99, 1))
    return [
        f"{busy.rows_per_s:,.0f}",
        f"{busy.rows_per_s / one.rows_per_s:.2f}",
        f"{busy.purged_per_s:,.0f}",
        f"{busy.purged_per_s / one.purged_per_s:.2f}",
        f"{p50[0]:.1f} ({p50[1]:.1f})",
        f"{p99[0]:.1f} ({p99[1]:.1f})",
        f"{p99[0] / p99[1]:.2f}",
        f"{longest[0]:.0f} ({longest[1]:.0f})",
        f"{longest[0] / longest[1]:.2f}",
        f"{len(with_it):,} ({len(without):,})",
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cleanup", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=int, default=200, help="refreshes a second, all workers together")
    parser.add_argument("--slice-s", type=float, default=5, help="of an invocation, and between two")
    parser.add_argument(
        "--beside", dest="apart", action="store_false", help="clients share the server's processors"
    )
    parser.add_argument("--catch-up", action="store_true", help="time the catch-up mode as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
