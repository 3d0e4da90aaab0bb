"""One operation done in several ways, which take turns in small blocks; and what came of it, as a table's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import bench
from tests.conformance.peers.starter import timed

TITLES = ("what", "statements", "p50 ms", "p95 ms", "CPU ms", "of the floor", "ours is faster", "in each run")


@dataclass(frozen=True, slots=True)
class Block:
    """Some calls in a row. ms: of each; cpu_ms: of the client's process, of all of them."""

    ms: tuple[float, ...]
    cpu_ms: float


Way = Callable[[int], Block]


@dataclass(slots=True)
class Taken:
    """What one way took. runs: the milliseconds of each call, by run; statements: by the server's own count."""

    runs: list[list[float]] = field(default_factory=list)
    cpu_ms: float = 0
    statements: int = 0

    @property
    def ms(self) -> list[float]:
        return [one for run in self.runs for one in run]

    def note(self, block: Block, statements: int) -> None:
        self.runs[-1] += block.ms
        self.cpu_ms += block.cpu_ms
        self.statements += statements


def here(call: Callable[[], object]) -> Way:
    """A way within this process."""

    def block(count: int) -> Block:
        taken = timed(call, count)
        return Block(tuple(taken["ms"]), taken["cpu_ms"])

    return block


def in_turns(
    ways: Mapping[str, Way], questions: Callable[[], int], *, runs: int, rounds: int, block: int
) -> dict[str, Taken]:
    """Each way a block in each round of each run. questions: statements that the server has answered so far, this
    question included."""
    found = {name: Taken() for name in ways}
    for way in ways.values():
        way(2 * block)
    for _ in range(runs):
        for taken in found.values():
            taken.runs.append([])
        for _ in range(rounds):
            for name, way in ways.items():
                before = questions()
                found[name].note(way(block), questions() - before - 1)
    return found


def lines(found: Mapping[str, Taken], ours: str) -> Iterator[Sequence[object]]:
    """A table's lines. The first way is the floor; ours: the one that the others' p50 is divided by."""
    floor = bench.median(next(iter(found.values())).ms)
    own = found[ours]
    for name, taken in found.items():
        p50, count = bench.median(taken.ms), len(taken.ms)
        in_each = [
            bench.median(theirs) / bench.median(our) for theirs, our in zip(taken.runs, own.runs, strict=True)
        ]
        yield (
            name,
            f"{taken.statements / count:.3g}",
            f"{p50:.2f}",
            f"{bench.quantile(taken.ms, 0.95):.2f}",
            f"{taken.cpu_ms / count:.2f}",
            f"{p50 / floor:.2f}",
            f"{p50 / bench.median(own.ms):.2f} ×",
            ", ".join(f"{ratio:.2f}" for ratio in in_each),
        )
