"""Clients act in turns, each after its pause."""

import pytest

from local.traffic.population import Steps
from local.traffic.turns import Turns


def test_clients_with_shorter_pauses_act_more_often_and_all_of_them_end() -> None:
    acted: list[str] = []

    def client(name: str, pause_s: float) -> Steps:
        for _ in range(3):
            acted.append(name)
            yield pause_s

    turns = Turns()
    turns.add(client("slow", 0.05))
    turns.add(client("quick", 0.0))
    turns.run(lambda: False, lambda: None)

    assert sorted(acted) == ["quick"] * 3 + ["slow"] * 3
    assert acted[-1] == "slow"


def test_it_ends_when_it_is_over_though_clients_have_turns_left() -> None:
    def for_ever() -> Steps:
        while True:
            yield 0

    ticks: list[None] = []
    turns = Turns()
    turns.add(for_ever())
    turns.run(lambda: len(ticks) >= 3, lambda: ticks.append(None))

    assert len(ticks) == 3


def test_a_failure_of_a_client_ends_all_and_is_raised() -> None:
    def broken() -> Steps:
        yield 0
        raise OSError("gone")

    turns = Turns()
    turns.add(broken())

    with pytest.raises(OSError, match="gone"):
        turns.run(lambda: False, lambda: None)
