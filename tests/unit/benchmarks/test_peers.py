"""The table beside peers: turns, counts and ratios, and what is seen of a server's refresh."""

from collections import Counter
from itertools import count

from benchmarks.peers.abilities import Abilities, observed
from benchmarks.peers.ways import Block, in_turns, lines
from tests.conformance.test_evaluation import DeafServer, ExactServer, LenientServer, StillServer


def test_each_way_takes_its_turn_in_each_round_and_only_its_own_statements_count() -> None:
    turns: list[str] = []
    served = count()

    def way(name: str, statements: int):
        def block(calls: int) -> Block:
            turns.append(name)
            for _ in range(calls * statements):
                next(served)
            return Block((1.0,) * calls, 0.5 * calls)

        return block

    found = in_turns({"a": way("a", 1), "b": way("b", 3)}, lambda: next(served), runs=2, rounds=2, block=5)

    assert turns == ["a", "b"] * 5  # the first to warm up
    assert [len(run) for run in found["b"].runs] == [10, 10]
    assert (found["a"].statements, found["b"].statements) == (20, 60)
    assert found["b"].cpu_ms == 10


def test_a_line_compares_with_the_floor_and_with_ours() -> None:
    ways = {name: lambda calls, ms=ms: Block((ms,) * calls, ms * calls) for name, ms in _MS.items()}
    served = count()

    table = list(lines(in_turns(ways, lambda: next(served), runs=2, rounds=1, block=2), "ours"))

    assert table == [
        ("floor", "0", "1.00", "1.00", "1.00", "1.00", "0.50 ×", "0.50, 0.50"),
        ("ours", "0", "2.00", "2.00", "2.00", "2.00", "1.00 ×", "1.00, 1.00"),
        ("peer", "0", "6.00", "6.00", "6.00", "6.00", "3.00 ×", "3.00, 3.00"),
    ]


_MS = {"floor": 1.0, "ours": 2.0, "peer": 6.0}


def test_what_a_server_does_is_seen_from_outside() -> None:
    eight = Counter({8: 2})

    assert observed(ExactServer(), 2) == Abilities(True, True, True, eight, Counter({1: 2}))
    assert observed(LenientServer(), 2) == Abilities(True, False, False, eight, eight)
    assert observed(DeafServer(), 2) == Abilities(True, True, False, Counter({1: 2}), Counter({1: 2}))
    assert observed(StillServer(), 2) == Abilities(False, False, False, eight, Counter({1: 2}))


def test_counts_that_differ_between_trials_are_each_told() -> None:
    line = Abilities(True, True, False, Counter({8: 3}), Counter({7: 1, 8: 2})).line("peer")

    assert line == ("peer", "rotates", "refused", "**goes on**", "8", "7 (1 ×), 8 (2 ×)")
