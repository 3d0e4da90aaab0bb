"""The checker can fail: each figure comes of services, in memory, that do what they should not."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from tests.soak.clients import HonestClient, Robbed, traits_of
from tests.soak.evaluation import Figures, Promise, Stored, evaluate, is_late, is_missed
from tests.soak.ledger import Ledger, LetIn, Outage, Refused, Try
from tests.soak.service import Answer, Held, Mode, Person

REFUSED = Answer(400, {"error": "invalid_grant"})
UNAVAILABLE = Answer(503, {"error": "temporarily_unavailable"}, retry_after_s=1)
LOST = Answer(0)
FEED_S = 5


class FakeTime:
    """Nobody waits."""

    def __init__(self) -> None:
        self._now = 1_000_000.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


@dataclass
class Chain:
    """A session or a device: its tokens so far, and when the last one was spent by which key."""

    id: str
    user_id: str
    mode: Mode
    tokens: list[str]
    spent_at: float = 0
    key: str | None = None
    ended_at: float | None = None
    device: "Chain | None" = None
    opened: "Chain | None" = None
    is_alarmed: bool = False


@dataclass
class ExactService:
    """Does it right, and loses an answer or is unavailable now and then. Its heirs do not do it right."""

    time: FakeTime
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    window_s: float = 10
    chains: list[Chain] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    names: Iterator[int] = field(default_factory=count)
    known: dict[str, Chain] = field(default_factory=dict)

    def sign_in(self, person: Person, mode: Mode, *, remember: bool) -> Answer:
        device = self._begin(person.id, mode) if remember else None
        session = self._begin(person.id, mode, device)
        return self._opened(session, device)

    def refresh(self, held: Held, key: str | None) -> Answer:
        with self.lock:
            chain = self._chain_of(held.token)
            return self._weathered(lambda: self.show(chain, held.token, key))

    def exchange(self, device_token: str, mode: Mode, key: str | None) -> Answer:
        with self.lock:
            device = self._chain_of(device_token)
            return self._weathered(lambda: self.show(device, device_token, key))

    def call_api(self, held: Held) -> Answer:
        chain = self._chain_of(held.token)
        known = chain.ended_at is not None and self.time.now() >= chain.ended_at + FEED_S
        return Answer(403, request_id="r") if known else Answer(200)

    def call_own(self, held: Held) -> Answer:
        return Answer(200) if self._chain_of(held.token).ended_at is None else Answer(401)

    def sign_out(self, held: Held) -> Answer:
        self.end(self._chain_of(held.token))
        return Answer(204)

    def revoke(self, token: str) -> Answer:
        self.end(self._chain_of(token))
        return Answer(200)

    def revoke_all(self, person: Person) -> Answer:
        for chain in list(self.chains):
            if chain.user_id == person.id:
                self.end(chain)
        return Answer(200)

    def is_quiet(self) -> bool:
        return True

    def stored(self) -> Stored:
        sessions = [chain for chain in self.chains if chain.device or not chain.opened]
        doubled = Counter(chain.device.id for chain in sessions if chain.device and chain.ended_at is None)
        return Stored(
            reuse_events=self.events,
            rotated_at={chain.id: (chain.spent_at,) for chain in self.chains if chain.spent_at},
            generations={chain.id: len(chain.tokens) - 1 for chain in sessions},
            doubled_devices=sum(number > 1 for number in doubled.values()),
        )

    def end(self, chain: Chain) -> None:
        chain.ended_at = chain.ended_at or self.time.now()

    def show(self, chain: Chain, token: str, key: str | None) -> Answer:
        """What a token is answered."""
        if chain.ended_at is not None or token not in chain.tokens:
            return REFUSED
        behind = len(chain.tokens) - 1 - chain.tokens.index(token)
        if behind == 0:
            return self.current(chain, token, key)
        is_mine = key is not None and key == chain.key
        if behind == 1 and (is_mine or self.time.now() - chain.spent_at < self.window_s):
            return self.repeat(chain)
        return self.reuse(chain)

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        chain.tokens.append(self._name())
        chain.spent_at, chain.key = self.time.now(), key
        if chain.opened is None:
            return self._good(chain)
        self.end(chain.opened)
        return self._opened(self._begin(chain.user_id, chain.mode, chain), chain)

    def repeat(self, chain: Chain) -> Answer:
        return self._opened(chain.opened, chain) if chain.opened else self._good(chain)

    def reuse(self, chain: Chain) -> Answer:
        self.end(chain)
        if chain.opened:
            self.end(chain.opened)
        self.alarm(chain)
        return REFUSED

    def alarm(self, chain: Chain) -> None:
        if not chain.is_alarmed:
            chain.is_alarmed = True
            self.events[chain.user_id] += 1

    def _weathered(self, act: Callable[[], Answer]) -> Answer:
        """An answer of five is a 503, of which nothing was done, or gets lost when it was."""
        drawn = self.chance.random()
        if drawn < 0.1:
            return UNAVAILABLE
        answer = act()
        return LOST if drawn < 0.2 else answer

    def _begin(self, user_id: str, mode: Mode, device: Chain | None = None) -> Chain:
        chain = Chain(self._name(), user_id, mode, [self._name()], device=device)
        if device:
            device.opened = chain
        self.chains.append(chain)
        return chain

    def _good(self, chain: Chain) -> Answer:
        token = chain.tokens[-1]
        self.known[token] = chain
        if chain.mode is Mode.COOKIE:
            return Answer(200, {"session_id": chain.id, "csrf_token": "c"}, token)
        return Answer(200, {"session_id": chain.id, "refresh_token": token, "access_token": "a"})

    def _opened(self, session: Chain, device: Chain | None) -> Answer:
        answer = self._good(session)
        if device is None:
            return answer
        self.known[device.tokens[-1]] = device
        return replace(answer, body={**answer.body, "device_token": device.tokens[-1]})

    def _chain_of(self, token: str) -> Chain:
        return self.known[token]

    def _name(self) -> str:
        return f"name{next(self.names)}"


class LosingService(ExactService):
    """Forgets a live session now and then."""

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        if self.chance.random() < 0.05:
            self.end(chain)
            return REFUSED
        return super().current(chain, token, key)


class ForkingService(ExactService):
    """A repeat gets a successor of its own."""

    def repeat(self, chain: Chain) -> Answer:
        if chain.opened:
            return super().repeat(chain)
        chain.tokens[-1] = self._name()
        return self._good(chain)


class GhostService(ExactService):
    """A token is spent once more, behind its client's back."""

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        answer = super().current(chain, token, key)
        if not chain.opened:
            chain.tokens.insert(0, self._name())
        return answer


class DoublingService(ExactService):
    """An exchange opens two sessions, and tells of one."""

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        answer = super().current(chain, token, key)
        if told := chain.opened:
            self._begin(chain.user_id, chain.mode, chain)
            chain.opened = told
        return answer


class AlarmingService(ExactService):
    """Every retry is told as theft, and answered."""

    def repeat(self, chain: Chain) -> Answer:
        self.alarm(chain)
        return super().repeat(chain)


class OpenService(ExactService):
    """The service's own routes let in whom they knew."""

    def call_own(self, held: Held) -> Answer:
        return Answer(200)


class DeathlessService(ExactService):
    """What was revoked is refreshed all the same."""

    def show(self, chain: Chain, token: str, key: str | None) -> Answer:
        chain.ended_at = None
        return super().show(chain, token, key)


class LateFeedService(ExactService):
    """Other APIs learn late who has gone."""

    def call_api(self, held: Held) -> Answer:
        chain = self._chain_of(held.token)
        known = chain.ended_at is not None and self.time.now() >= chain.ended_at + 30
        return Answer(403) if known else Answer(200)


class TrustingService(ExactService):
    """Every spent token gets the successor again, whoever comes and whenever."""

    def reuse(self, chain: Chain) -> Answer:
        return self._good(chain)


class SilentService(ExactService):
    """A thief is refused, and nobody is told."""

    def alarm(self, chain: Chain) -> None:
        pass


class MildService(ExactService):
    """A thief is refused, and the session goes on."""

    def reuse(self, chain: Chain) -> Answer:
        self.alarm(chain)
        return REFUSED


class DenyingService(ExactService):
    """The authorizer takes good tokens for bad ones now and then."""

    def call_api(self, held: Held) -> Answer:
        return Answer(403, request_id="r") if self.chance.random() < 0.1 else super().call_api(held)


class BlindService(DenyingService):
    """The same, and its log says that it could not look."""

    def stored(self) -> Stored:
        return replace(super().stored(), blind={"r"})


class FailingService(ExactService):
    """Breaks now and then."""

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        if self.chance.random() < 0.1:
            return Answer(500, {"error": "server_error"})
        return super().current(chain, token, key)


class OddService(ExactService):
    """Says what no client can make anything of."""

    def current(self, chain: Chain, token: str, key: str | None) -> Answer:
        if self.chance.random() < 0.1:
            return Answer(400, {"error": "invalid_request"})
        return super().current(chain, token, key)


def play(kind: type[ExactService], *, with_thieves: bool = True) -> Figures:
    """A few hundred acts of each kind of client, and a few thefts."""
    time, ledger = FakeTime(), Ledger()
    service = kind(time)
    for number in range(10):
        person, chance = Person(f"u{number}", f"u{number}"), random.Random(number)
        client = HonestClient(person, traits_of(number), service, ledger, chance, time)
        for _ in range(200):
            client.turn()
        client.finish()
    for number in range(2 * with_thieves):
        person, chance = Person(f"t{number}", f"t{number}"), random.Random(number)
        owner = Robbed(person, traits_of(2 * number), service, ledger, chance, time)
        for _ in range(5):
            owner.turn()
    return evaluate(ledger, service.stored(), Promise(clock_spread_s=0))


def wrong(figures: Figures) -> set[str]:
    return {name for name, number in figures.must_be_none if number}


def test_a_service_that_does_it_right_has_nothing_against_it() -> None:
    figures = play(ExactService)

    assert wrong(figures) == set(), figures.evidence
    assert figures.is_right
    assert figures.refreshes > 200 and figures.exchanges > 5 and figures.sign_ins >= 10
    assert figures.ends > 5 and figures.thefts == 10 and figures.calls > 500
    assert figures.unanswered["no answer"] > 10 and figures.unanswered["503 temporarily_unavailable"] > 10
    assert figures.longest_wait_s["refresh"] > 1


FOUND: list[tuple[type[ExactService], str]] = [
    (LosingService, "sessions lost"),
    (ForkingService, "forks"),
    (GhostService, "forks"),
    (DoublingService, "forks"),
    (AlarmingService, "false alarms"),
    (OpenService, "missed revocations"),
    (DeathlessService, "missed revocations"),
    (LateFeedService, "missed revocations"),
    (TrustingService, "missed thieves"),
    (SilentService, "missed thieves"),
    (MildService, "missed thieves"),
    (DenyingService, "live sessions not let in"),
    (FailingService, "500s of the service"),
    (OddService, "other answers that no honest client should get"),
]


@pytest.mark.parametrize(("kind", "figure"), FOUND, ids=[kind.__name__ for kind, _ in FOUND])
def test_what_a_service_does_wrong_is_counted(kind: type[ExactService], figure: str) -> None:
    figures = play(kind)

    assert figure in wrong(figures), figures.markdown()
    assert not figures.is_right


@pytest.mark.parametrize(
    "kind", [LosingService, GhostService, AlarmingService, DenyingService, FailingService]
)
def test_a_fault_is_not_taken_for_another(kind: type[ExactService]) -> None:
    [expected] = [figure for each, figure in FOUND if each is kind]

    assert wrong(play(kind, with_thieves=False)) == {expected}


def test_an_authorizer_that_cannot_look_may_let_nobody_in_and_is_counted() -> None:
    figures = play(BlindService)

    assert wrong(figures) == set()
    assert figures.blind > 10


def test_what_functions_counted_and_nobody_saw_counts_as_well() -> None:
    assert wrong(evaluate(Ledger(), Stored(), Promise(), server_errors=1)) == {"500s of the service"}
    assert wrong(evaluate(Ledger(), Stored(), Promise(), failures=1)) == {
        "functions that failed and were not struck"
    }


PROMISE = Promise(retry_window_s=10, staleness_s=5, fail_after_s=60, clock_spread_s=4)
OUTAGE = Outage("database killed (-9)", 100, 110, database=True)
MOVED = Outage("functions' clocks moved", 100, 100, set_back_s=3)


def lost_at(at: float, *tries: Try, has_key: bool = False) -> Refused:
    return Refused("refresh", "u", "s", has_key, tries, at)


LATE = {
    "never tried before": (lost_at(200), (), False),
    "an unanswered try within the window": (lost_at(105.9, Try(100, False)), (), False),
    "an unanswered try before the window": (lost_at(106, Try(100, False)), (), True),
    "the same with a key": (lost_at(106, Try(100, False), has_key=True), (), False),
    "a 503 before the window": (lost_at(130, Try(100, True)), (), False),
    "a 503, and an unanswered try within the window": (
        lost_at(130, Try(100, True), Try(126, False)),
        (),
        False,
    ),
    "a 503 whose commit was caught by an outage": (lost_at(130, Try(99, True)), (100.0,), True),
    "a 503 whose commit came after the outage began": (lost_at(130, Try(99, True)), (104.5,), False),
    "a 503 whose commit came long before it": (lost_at(130, Try(90, True)), (92.5,), False),
}


@pytest.mark.parametrize(("refused", "rotated_at", "expected"), LATE.values(), ids=LATE.keys())
def test_who_has_no_key_is_owed_the_retry_window_and_no_more(
    refused: Refused, rotated_at: tuple[float, ...], expected: bool
) -> None:
    assert is_late(refused, Stored(rotated_at={"s": rotated_at}), [OUTAGE], PROMISE) is expected


def let_in(where: str, sent_at: float, ended_at: float = 95) -> LetIn:
    return LetIn(where, ended_at, sent_at, sent_at + 0.1)


MISSED = {
    "own route, at once": (let_in("own", 95), [], True),
    "own route, whatever is struck": (let_in("own", 105), [OUTAGE], True),
    "refreshed": (let_in("refresh", 95), [OUTAGE], True),
    "another API within the delay": (let_in("api", 100), [], False),
    "another API after it": (let_in("api", 100.1), [], True),
    "after it, while the database is away": (let_in("api", 105), [OUTAGE], False),
    "after it, and the database is back": (let_in("api", 112.1), [OUTAGE], True),
    "while it is away, longer than that is borne": (let_in("api", 105, ended_at=44), [OUTAGE], True),
    "within the delay by a clock that was set back": (let_in("api", 103), [MOVED], False),
    "beyond that": (let_in("api", 103.1), [MOVED], True),
    "a clock set back long ago": (let_in("api", 120, ended_at=113), [MOVED], True),
}


@pytest.mark.parametrize(("seen", "outages", "expected"), MISSED.values(), ids=MISSED.keys())
def test_a_revocation_is_missed_where_more_is_let_in_than_is_promised(
    seen: LetIn, outages: list[Outage], expected: bool
) -> None:
    assert is_missed(seen, outages, PROMISE) is expected


def test_the_table_names_every_figure_and_fault() -> None:
    figures = replace(play(LosingService), faults={"database stopped": 3}, surprises={"refresh: 418": 2})

    text = figures.markdown()

    assert text.splitlines()[:2] == ["| Figure | |", "|---|---|"]
    for line in ("| **sessions lost** | ", "| - refresh: 418 | 2 |", "| fault: database stopped | 3 |"):
        assert line in text
