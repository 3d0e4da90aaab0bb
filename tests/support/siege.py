"""A siege: guessers at one account, and its owner who comes by now and then; in memory, with the clock in hand.

The rules are those of domain/login_limits.py; tests/integration/sign_in/test_siege.py lays the same sieges on the real
use case and the real database.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from auth_tokens.domain.errors import RateLimited
from auth_tokens.domain.login_limits import (
    Admission,
    Attempt,
    Bucket,
    Levels,
    Settlement,
    Take,
    admission,
    settlements,
)
from tests.support.world import START

ACCOUNT = "alice@example.com"
HOUR_MS = 3_600_000
# How long the owner tries before giving up, and how often.
PATIENCE_MS = 30_000
RETRY_MS = 3000


class BucketsInMemory:
    """Port ports.limits.AccountLimiter, but for its clock."""

    def __init__(self) -> None:
        self.tats: dict[Bucket, int] = {}

    def levels(self, buckets: Sequence[Bucket], at_ms: int) -> Levels:
        return Levels(at_ms, {bucket: self.tats[bucket] for bucket in buckets if bucket in self.tats})

    def take(self, takes: Sequence[Take], at_ms: int) -> None:
        for take in takes:
            self.tats[take.bucket] = max(self.tats.get(take.bucket, 0), at_ms) + take.step_ms

    def settle(self, settlements: Sequence[Settlement]) -> None:
        for each in settlements:
            tat_ms = self.tats.get(each.bucket, 0) - each.refund_ms if each.refund_ms else each.tat_ms
            self.tats[each.bucket] = tat_ms


@dataclass(frozen=True, slots=True)
class Attackers:
    """rate: wrong passwords a second; sources: networks that they come from in turn, None: ever new ones; tries:
    how often from one before the next."""

    rate: int
    sources: int | None
    tries: int = 1

    def network(self, number: int) -> str:
        turn = number // self.tries
        return f"attacker {turn if self.sources is None else turn % self.sources}"


@dataclass
class Door:
    """What stands before the password. `verified`: the wrong passwords that it looked at."""

    buckets: BucketsInMemory = field(default_factory=BucketsInMemory)
    verified: int = 0

    def knock(self, network: str, at_ms: int, *, is_right: bool = False, device: str = "") -> bool:
        """Does it open?"""
        attempt = Attempt(ACCOUNT, network, network, device)
        try:
            admitted = admission(attempt, self.buckets.levels(attempt.buckets, at_ms))
        except RateLimited:
            return False
        self.buckets.take(admitted.takes, at_ms)
        self.verified += admitted.opens and not is_right
        if is_right and admitted.opens:
            self.buckets.settle(settlements(attempt, admitted, at_ms))
        return is_right and admitted.opens

    def knock_wrongly(self, network: str, at_ms: int) -> int:
        """1: the password was looked at."""
        before = self.verified
        assert not self.knock(network, at_ms)
        return self.verified - before

    def remember(self, network: str, at_ms: int) -> None:
        """The owner has signed in from there."""
        self.buckets.settle(settlements(Attempt(ACCOUNT, network, network), Admission(), at_ms))


Visit = Callable[[Door, int, int], bool]
"""One try of the owner: the door, the number of the visit, the instant."""


def from_a_new_address(door: Door, visit: int, at_ms: int) -> bool:
    return door.knock(f"new {visit}", at_ms, is_right=True)


def from_a_known_network(door: Door, visit: int, at_ms: int) -> bool:
    return door.knock("home", at_ms, is_right=True)


def on_a_known_device(door: Door, visit: int, at_ms: int) -> bool:
    return door.knock(f"new {visit}", at_ms, is_right=True, device="laptop")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a siege: how often the owner got in within PATIENCE_MS, and how many guesses were verified, an hour."""

    entered: int
    visits: int
    guesses_an_hour: int


def besieged(attackers: Attackers, visit: Visit, *, mistyped: bool = False, visits: int = 30) -> Outcome:
    """An hour of siege, and then half of another, in which the owner comes once a minute; mistyped: wrong at first."""
    chance = random.Random(1)
    door, number = Door(), 0
    begun_ms = START * 1000
    door.remember("home", begun_ms - HOUR_MS)
    owner = _owners_tries(chance, begun_ms + HOUR_MS, visits)
    entered: set[int] = set()
    guesses_before = 0
    for at_ms in range(begun_ms, begun_ms + HOUR_MS + visits * 60_000, 1000 // attackers.rate):
        if at_ms - begun_ms <= HOUR_MS:
            guesses_before = door.verified
        while owner and owner[0][0] <= at_ms:
            when_ms, which, is_first = owner.pop(0)
            if which in entered:
                continue
            if mistyped and is_first:
                guesses_before += door.knock_wrongly(f"new {which}", when_ms)
            elif visit(door, which, when_ms):
                entered.add(which)
        door.knock_wrongly(attackers.network(number), at_ms)
        number += 1
    return Outcome(len(entered), visits, (door.verified - guesses_before) * 60 // visits)


def _owners_tries(chance: random.Random, since_ms: int, visits: int) -> list[tuple[int, int, bool]]:
    """Instant, visit, and whether it is the visit's first try."""
    tries = []
    for number in range(visits):
        begun_ms = since_ms + number * 60_000 + chance.randrange(20_000)
        tries += [(begun_ms + wait_ms, number, wait_ms == 0) for wait_ms in range(0, PATIENCE_MS, RETRY_MS)]
    return tries
