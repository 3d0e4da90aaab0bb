"""The traffic generator: people get on with their work, and every attack is answered as it should be."""

import random
from collections.abc import Callable

import pytest

from local.client import Client
from local.stack import LocalStack
from local.traffic import (
    CannotReach,
    Population,
    Steps,
    collector,
    forger,
    guessing,
    hurry,
    main,
    populate,
    run,
    stuffing,
    thief,
    traveller,
)


@pytest.fixture(scope="module")
def population(stack: LocalStack) -> Population:
    return populate(stack.base_url, 12, seed=7)


@pytest.mark.parametrize(
    ("attack", "who", "answers"),
    [
        (stuffing, "credential stuffing", {"401 invalid_credentials"}),
        (guessing, "guessing one account", {"401 invalid_credentials", "429 rate_limited"}),
        (thief, "thief", {"400 invalid_grant"}),
        (thief, "owner after the theft", {"400 invalid_grant"}),
        (traveller, "far away", {"200"}),
        (collector, "burst of devices", {"200"}),
        (hurry, "refresh storm", {"200"}),
        (forger, "forger", {"400 invalid_grant"}),
    ],
)
def test_an_attack_is_answered(
    stack: LocalStack, attack: Callable[[Population], Steps], who: str, answers: set[str]
) -> None:
    population = populate(stack.base_url, 12, seed=7)

    for _ in attack(population):
        pass

    assert {answer for name, _, answer in population.tally if name == who} == answers


def test_people_get_on_with_their_work_and_the_bar_moves(population: Population) -> None:
    ticks: list[float] = []

    run(population, 1.5, ticks.append)

    answers = {(action, answer) for who, action, answer in population.tally if who == "people"}
    # An account that is being guessed is limited for its owner, too.
    guessed = {("log in", "429 rate_limited")}
    assert {answer for _, answer in answers - guessed} <= {"200", "204"}
    assert population.tally["people", "log in", "200"] >= 1
    assert ticks == sorted(ticks)
    assert len(ticks) > 2


@pytest.mark.parametrize("count", [0, 1001, "3", None, 2.5])
def test_a_population_is_bounded(stack: LocalStack, count: object) -> None:
    reply = Client(stack.base_url).post("/_local/users", {"count": count})

    assert reply.status == 400
    assert reply.json["message"].startswith("count ")


def test_without_a_service_it_says_what_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--base-url", "http://127.0.0.1:1"]) == 1

    assert "start `make run` first" in capsys.readouterr().err


def test_a_service_that_goes_away_ends_it_and_is_named(population: Population) -> None:
    gone = Population("http://127.0.0.1:1", population.usernames, random.Random(7))

    with pytest.raises(CannotReach, match=r"http://127\.0\.0\.1:1 does not answer any more"):
        run(gone, 3600)
