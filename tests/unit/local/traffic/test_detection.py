"""Which finding answers which planted attack, and which is about people who did nothing."""

import random

import pytest

from auth_tokens.domain.analytics.findings import EVERYBODY, Rule
from auth_tokens.domain.events import EventType
from auth_tokens.domain.rotation import ReuseKind
from local.traffic.attacks import Attack, NotPlanted, Spike
from local.traffic.detection import Found, judge
from local.traffic.planting import Plant, victims_of
from local.traffic.population import Population, Steps

BURST, SPIKE, STORM = Rule.DEVICE_BURST.value, Rule.REUSE_SPIKE.value, Rule.REVOCATION_STORM.value
REUSED = EventType.TOKEN_REUSE_DETECTED


def nothing(population: Population) -> Steps:
    yield 0


def planted(attack: Attack, user_id: str = "victim") -> Plant:
    population = Population("http://127.0.0.1:1", ["v"], random.Random(1), user_ids={"v": user_id})
    plant = Plant(attack, population)
    for _ in plant.steps():
        pass
    return plant


def found(rule: str, subject: str, *users: str) -> Found:
    return Found(rule, "high", subject, "…", frozenset(users))


ONE = Attack("one", nothing, rule=Rule.DEVICE_BURST)
MANY = Attack("many", nothing, rule=Rule.REVOCATION_STORM, spike=Spike((), 5))
OF_ONE = Attack("of one", nothing, rule=Rule.REVOCATION_STORM)
THIEF = Attack("thief", nothing, reuse=ReuseKind.OLDER_GENERATION)


@pytest.mark.parametrize(
    ("attack", "what", "is_answer"),
    [
        (ONE, found(BURST, "victim", "victim"), True),
        (ONE, found(BURST, "calm", "calm"), False),
        (ONE, found(STORM, "victim", "victim"), False),
        (MANY, found(STORM, EVERYBODY, "somebody"), True),
        (MANY, found(STORM, "victim", "victim"), False),
        (OF_ONE, found(STORM, "victim", "victim"), True),
        (OF_ONE, found(STORM, EVERYBODY, "victim"), False),
        (THIEF, found("older_generation", "session", "victim"), True),
        (THIEF, found("recent_predecessor", "session", "victim"), False),
    ],
    ids=[
        *("its rule and victim", "of another user", "of another rule", "a spike is about everybody"),
        *("a spike is not about one user", "one user's", "not about everybody", "an alarm of its kind"),
        "an alarm of another kind",
    ],
)
def test_a_plant_is_answered_by_its_rule_about_its_victims(
    attack: Attack, what: Found, is_answer: bool
) -> None:
    plant = planted(attack)

    judged = judge([plant], [what], {"calm"})

    assert judged.answers == [(plant, [what] if is_answer else [])]
    assert judged.missed == ([] if is_answer else [plant])


@pytest.mark.parametrize(
    ("user", "false", "others"), [("calm", 1, 0), ("victim", 0, 0), ("alice", 0, 1)], ids=str
)
def test_what_answers_no_plant_is_false_where_it_is_about_calm_people(
    user: str, false: int, others: int
) -> None:
    judged = judge([planted(ONE)], [found(SPIKE, EVERYBODY, user)], {"calm"})

    assert (len(judged.false), len(judged.others)) == (false, others)


def test_what_could_not_be_planted_is_not_missed() -> None:
    def refused(population: Population) -> Steps:
        yield 0
        raise NotPlanted("no device is remembered")

    plant = planted(Attack("refused", refused, rule=Rule.DEVICE_BURST))

    assert (plant.why_not, plant.is_over) == ("no device is remembered", True)
    assert judge([plant], [], set()).missed == []


@pytest.mark.parametrize(
    ("usual", "victims"),
    [(0, 5), (4.9 / 5, 5), (1, 6), (19.9, 100), (20, 0)],
    ids=["a quiet day", "below", "as many as usual", "the most", "too many for one run"],
)
def test_a_spike_is_as_large_as_a_usual_hour_asks_for(usual: float, victims: int) -> None:
    attack = Attack("spike", nothing, 5, Rule.REUSE_SPIKE, spike=Spike((REUSED,), 5))

    assert victims_of(attack, {REUSED.value: usual}) == victims
