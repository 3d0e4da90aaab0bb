"""The table of load: environments are added until the p99 doubles, and what a line is made of."""

from argparse import Namespace
from collections.abc import Sequence

import pytest

from benchmarks.load import __main__ as load
from benchmarks.load.environment import Environment, Sample


def a_load(count: int, took_ms: float) -> load.Load:
    samples = [Sample([took_ms / 1000] * 100, cpu_s=0.1)] * count
    return load.Load(samples, seconds=2, server=load.Counters(cpu_s=0.1 * count, statements=200, flushes=100))


def measured(monkeypatch: pytest.MonkeyPatch, took_ms: dict[int, float]) -> list[str]:
    """The numbers of environments that were measured."""

    def fake(what: str, environments: Sequence[Environment], server: object, seconds: float) -> load.Load:
        return a_load(len(environments), took_ms[len(environments)])

    monkeypatch.setattr(load, "_measured", fake)
    arguments = Namespace(environments=[1, 2, 4, 8], seconds=2)
    environments: list[Environment] = [object()] * 8  # type: ignore[list-item]
    rows = load._until_the_p99_doubles("refresh", environments, None, arguments)  # type: ignore[arg-type]
    return [row[1] for row in rows]


def test_the_first_line_above_twice_the_p99_of_one_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, {1: 1, 2: 2, 4: 2.1, 8: 9}) == ["1", "2", "4"]


def test_all_are_measured_where_the_p99_never_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, {1: 1, 2: 1, 4: 1, 8: 2}) == ["1", "2", "4", "8"]


def test_a_line_says_where_the_time_of_a_call_goes_and_what_two_processors_would_carry() -> None:
    line = a_load(2, took_ms=4).row("refresh", a_load(1, took_ms=2))

    assert line[:6] == ["refresh", "2", "100", "4.00", "4.0", "2.00"]
    # Of 4 ms 1 is the server's, 1 the client's; 70 % of two processors are 1400 ms a second.
    assert line[6:] == ["1.0", "0.50", "1.00", "1.00", "2.00", "1,400"]
