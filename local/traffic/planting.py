"""Which attacks are planted in a run, in whom, and whether it worked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.traffic.attacks import ATTACKS, Attack, NotPlanted
from local.traffic.population import Population, Steps

# A rule about everybody asks for more than a usual hour has. Beyond this many users another attack shows nothing new.
MOST_VICTIMS = 100
UsualHour = Mapping[str, float]
"""How many events of each type an hour has, by the mean that the rules compare with."""


@dataclass
class Plant:
    """An attack of this run. why_not: why it is not made; empty once it is. is_over: nothing more will come of it."""

    attack: Attack
    population: Population
    why_not: str = "the run ended before"
    is_over: bool = False

    def steps(self) -> Steps:
        """The attack, and then: it is planted."""
        try:
            self._check()
            yield from self.attack.steps(self.population)
            self.why_not = ""
        except NotPlanted as exc:
            self.why_not = str(exc)
        self.is_over = True

    def _check(self) -> None:
        """Raises NotPlanted."""
        if self.attack.many_addresses and not self.population.addresses.are_many:
            raise NotPlanted("this system has a single loopback address, so all clients are one network")
        if not self.population.usernames:
            raise NotPlanted("the last 24 hours had so much of it that no rule would take this for unusual")


def victims_of(attack: Attack, usual: UsualHour) -> int:
    """How many users it needs; 0 where these would be more than MOST_VICTIMS."""
    if attack.spike is None:
        return attack.victims
    events = attack.spike.factor * sum(usual.get(kind.value, 0.0) for kind in attack.spike.events)
    victims = max(attack.victims, math.floor(events / attack.per_victim) + 1)
    return victims if victims <= MOST_VICTIMS else 0


def users_needed(usual: UsualHour) -> int:
    """By all attacks together."""
    return sum(victims_of(attack, usual) for attack in ATTACKS)


def plants(population: Population, users: Sequence[str], usual: UsualHour) -> list[Plant]:
    """Each attack with victims of its own. users: users_needed(usual) of the population's."""
    made, free = [], list(users)
    for attack in ATTACKS:
        count = victims_of(attack, usual)
        victims, free = free[:count], free[count:]
        made.append(Plant(attack, population.part(victims, attack.name)))
    return made
