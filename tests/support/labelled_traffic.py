"""An hour of security events of a made-up Portal, with attacks hidden in it and named.

People come from homes, from offices behind one address, and from phones that change theirs; they mistype, forget,
buy devices and log out. Attacks vary in size, down to some that no rule can tell from people.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from auth_tokens.domain.analytics.findings import EVERYBODY, Finding, Rule
from auth_tokens.domain.events import EventType, RecordedEvent
from auth_tokens.domain.ids import uuid7, uuid_text
from tests.support.world import START

HOUR_S = 3600
USERS = 800


@dataclass
class Hour:
    """events; truth: (rule, subject) of the attacks in it."""

    seed: int
    chance: random.Random = field(init=False)
    events: list[RecordedEvent] = field(default_factory=list)
    truth: set[tuple[Rule, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def at(self) -> int:
        return START - HOUR_S + self.chance.randrange(HOUR_S)

    def address(self) -> bytes:
        return self.chance.randbytes(16)

    def tell(
        self,
        kind: EventType,
        user_id: str | None,
        source: bytes,
        at: int | None = None,
        session_id: bytes | None = None,
        **detail: str | int,
    ) -> None:
        when = self.at() if at is None else at
        event_id = uuid7(when * 1000 + self.chance.randrange(1000), self.chance.randbytes(10))
        self.events.append(RecordedEvent(event_id, kind.value, when, user_id, session_id, source, detail))

    def session(self) -> bytes:
        return uuid7(START * 1000, self.chance.randbytes(10))


def user(number: int) -> str:
    return f"user{number}"


def people(hour: Hour) -> None:
    """An ordinary hour: 800 users, one in eight behind one of four offices' addresses."""
    chance = hour.chance
    offices = [hour.address() for _ in range(4)]
    for number in range(USERS):
        source = chance.choice(offices) if chance.random() < 0.125 else hour.address()
        at = hour.at() - 120
        if chance.random() < 0.12:
            _mistypes(hour, user(number), source, at)
        if chance.random() < 0.9:
            hour.tell(EventType.LOGIN_SUCCEEDED, user(number), source, at + 60)
        for _ in range(chance.choices([0, 1, 2, 3, 4], [80, 14, 4, 1.5, 0.5])[0]):
            hour.tell(EventType.NEW_DEVICE, user(number), source)
        for _ in range(chance.choices([0, 1, 2, 8], [96, 3, 0.9, 0.1])[0]):
            hour.tell(EventType.SESSION_REVOKED, user(number), source, reason="logout")
    for _ in range(chance.randrange(4)):
        hour.tell(EventType.TOKEN_REUSE_DETECTED, user(chance.randrange(USERS)), hour.address())


def _mistypes(hour: Hour, user_id: str, source: bytes, at: int) -> None:
    for _ in range(hour.chance.choices([1, 2, 3, 6, 12], [70, 20, 7, 2, 1])[0]):
        if hour.chance.random() < 0.1:  # on the train: another address each time
            source = hour.address()
        hour.tell(EventType.LOGIN_FAILED, user_id, source, at)


def _fail(hour: Hour, source: bytes) -> None:
    """A name from a list: three in four are nobody's here."""
    if hour.chance.random() < 0.25:
        hour.tell(EventType.LOGIN_FAILED, user(hour.chance.randrange(USERS)), source)
    else:
        hour.tell(EventType.LOGIN_FAILED, None, source, account=hour.chance.randbytes(16).hex())


def stuffing_from_one_source(hour: Hour) -> None:
    source = hour.address()
    for _ in range(hour.chance.randint(8, 200)):
        _fail(hour, source)
    hour.truth.add((Rule.STUFFING_FROM_ONE_SOURCE, source.hex()))


def stuffing_from_many_sources(hour: Hour) -> None:
    for _ in range(hour.chance.randint(150, 800)):
        source = hour.address()
        for _ in range(hour.chance.randint(1, 2)):
            _fail(hour, source)
    hour.truth.add((Rule.STUFFING_FROM_MANY_SOURCES, EVERYBODY))


def guessing_one_account(hour: Hour) -> None:
    victim = user(hour.chance.randrange(USERS))
    for _ in range(hour.chance.randint(8, 60)):
        hour.tell(EventType.LOGIN_FAILED, victim, hour.address())
    hour.truth.add((Rule.GUESSING_ONE_ACCOUNT, victim))


def reuse_spike(hour: Hour) -> None:
    for _ in range(hour.chance.randint(6, 40)):
        hour.tell(EventType.TOKEN_REUSE_DETECTED, user(hour.chance.randrange(USERS)), hour.address())
    hour.truth.add((Rule.REUSE_SPIKE, EVERYBODY))


def far_apart(hour: Hour) -> None:
    session_id = hour.session()
    victim = user(hour.chance.randrange(USERS))
    hour.tell(EventType.SESSION_MOVED, victim, hour.address(), session_id=session_id, km=9000)
    hour.truth.add((Rule.FAR_APART, uuid_text(session_id)))


def device_burst(hour: Hour) -> None:
    victim = user(hour.chance.randrange(USERS))
    for _ in range(hour.chance.randint(4, 30)):
        hour.tell(EventType.NEW_DEVICE, victim, hour.address())
    hour.truth.add((Rule.DEVICE_BURST, victim))


def revocation_storm(hour: Hour) -> None:
    for _ in range(hour.chance.randint(150, 400)):
        hour.tell(EventType.USER_REVOKED, user(hour.chance.randrange(USERS)), hour.address(), reason="admin")
    hour.truth.add((Rule.REVOCATION_STORM, EVERYBODY))


def refresh_burst(hour: Hour) -> None:
    session_id = hour.session()
    victim = user(hour.chance.randrange(USERS))
    for _ in range(hour.chance.randint(1, 20)):
        hour.tell(EventType.REFRESH_BURST, victim, hour.address(), session_id=session_id, usual_s=600)
    hour.truth.add((Rule.REFRESH_BURST, uuid_text(session_id)))


ATTACKS: tuple[Callable[[Hour], None], ...] = (
    stuffing_from_one_source,
    stuffing_from_many_sources,
    guessing_one_account,
    reuse_spike,
    far_apart,
    device_burst,
    revocation_storm,
    refresh_burst,
)
# What an hour of people has, on average: what the roll-ups would say.
USUAL = {
    EventType.LOGIN_FAILED.value: 150.0,
    EventType.TOKEN_REUSE_DETECTED.value: 1.5,
    EventType.SESSION_REVOKED.value: 44.0,
}


def labelled_hour(seed: int) -> Hour:
    """People, and each attack with one chance in three."""
    hour = Hour(seed)
    people(hour)
    for attack in ATTACKS:
        if hour.chance.random() < 1 / 3:
            attack(hour)
    hour.events.sort(key=lambda event: event.id, reverse=True)
    return hour


@dataclass
class Score:
    """Of one rule: attacks found, found where there was none, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def scores(find: Callable[[list[RecordedEvent]], list[Finding]], seeds: range) -> dict[Rule, Score]:
    """How right each rule is, over an hour for each seed."""
    result = {rule: Score() for rule in Rule}
    for seed in seeds:
        hour = labelled_hour(seed)
        found = {(finding.rule, finding.subject) for finding in find(hour.events)}
        for rule, _ in found & hour.truth:
            result[rule].right += 1
        for rule, _ in found - hour.truth:
            result[rule].wrong += 1
        for rule, _ in hour.truth - found:
            result[rule].missed += 1
    return result


def score_table(result: dict[Rule, Score]) -> str:
    """The scores as Markdown."""
    lines = ["| rule | attacks | found | false | precision | recall |", "|---|---|---|---|---|---|"]
    for rule, score in result.items():
        attacks = score.right + score.missed
        counts = f"{attacks} | {score.right} | {score.wrong}"
        lines.append(f"| `{rule.value}` | {counts} | {score.precision:.2f} | {score.recall:.2f} |")
    return "\n".join(lines)
