"""The eight rules in virtual time: with all of them no session ends, and without each of them sessions do."""

import dataclasses

import pytest

from tests.clients.python.mutants import ALL_RULES, ICY, LATE, MUTANTS, Mutant, play
from tests.clients.python.simulation import Misfortunes, Plan

PLANS = {
    "three processes": (Plan(think_s=25), 100),
    "clocks an hour apart": (Plan(think_s=25, misfortunes=Misfortunes(own_clocks=True, jumps=10)), 40),
    "machines just started, clocks two hours apart": (
        Plan(think_s=10, up_s=5, misfortunes=Misfortunes(own_clocks=True, delayed=0.5, jumps=2, killed=0.03)),
        30,
    ),
    "a store of seconds": (Plan(think_s=25, read_s=5), 40),
    "three threads each": (Plan(think_s=60, threads=3), 25),
    "writes that fail": (Plan(think_s=25, misfortunes=Misfortunes(write_fails=0.3)), 40),
    "an API that refuses": (Plan(think_s=15, misfortunes=Misfortunes(api_refuses=0.2, delayed=0.3)), 20),
    "freezes": (ICY, 40),
}
# A mutant that ends none of so many sessions would go unseen.
MANY = 150


@pytest.mark.parametrize(("plan", "runs"), PLANS.values(), ids=PLANS)
def test_with_all_rules_no_session_ends_and_nobody_asks_too_soon(plan: Plan, runs: int) -> None:
    for seed in range(runs):
        figures = play(dataclasses.replace(ALL_RULES, plan=plan), seed)

        assert (figures.ended, figures.signed_out, figures.too_soon) == (0, 0, 0), f"seed {seed}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_without_a_rule_sessions_end(mutant: Mutant) -> None:
    runs = (play(mutant, seed) for seed in range(MANY))

    assert any(figures.ended or figures.signed_out for figures in runs)


def test_the_rule_of_late_answers_is_a_second_line_behind_compare_and_set() -> None:
    assert not any(play(LATE, seed).ended for seed in range(10))


def test_the_same_seed_gives_the_same_run() -> None:
    assert play(ALL_RULES, 7) == play(ALL_RULES, 7)


def test_a_calm_hour_refreshes_as_often_as_it_must() -> None:
    calm = Misfortunes(
        request_lost=0,
        answer_lost=0,
        answer_cut=0,
        delayed=0,
        slow_connect=0,
        frozen=0,
        killed=0,
        outages=0,
        jumps=0,
        sleeps=0,
        api_refuses=0,
    )
    plan = Plan(think_s=5, misfortunes=calm)

    figures = play(dataclasses.replace(ALL_RULES, plan=plan), 1)

    # A life of 120 s is refreshed at 65 to 85 % of it, by whichever of three processes comes first.
    assert 3600 / (120 * 0.85) <= figures.rotations <= 3600 / (120 * 0.60)
    assert figures.repeats <= 1
    assert figures.refused_calls == 0
