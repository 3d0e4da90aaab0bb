"""What clients and thieves do, and what a server then did: one round of a scenario, one outcome.

A scenario is a generator: it yields where time must pass, and returns its outcome.
"""

import secrets
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from threading import Barrier, Lock
from time import sleep

from tests.conformance.servers import Request, Server
from tests.conformance.wire import TIMEOUT_S, Answer

TURNS = 3


class Outcome(Enum):
    """What a server did in one round. The first two can be right, the others never are."""

    ONE_SUCCESSOR = "one successor"
    SESSION_ENDED = "session ended"
    FORK = "fork"
    FALSE_ALARM = "false alarm"
    MISSED_THIEF = "missed thief"
    ERROR = "error"


class ServerFailed(Exception):
    """Neither tokens nor invalid_grant: a 5xx, a broken connection, a protocol error."""


Round = Generator[None, None, Outcome]


@dataclass(slots=True)
class Lab:
    """A server, and people who present tokens to it. deferred: answers 429 that were asked again later."""

    server: Server
    deferred: int = 0
    _lock: Lock = field(default_factory=Lock)

    def refresh(self, token: str, key: str | None = None) -> str | None:
        """The next refresh token; None for invalid_grant. Raises ServerFailed."""
        return self._token(lambda: self.server.refresh(token, key), token)

    def at_once(
        self, shown: Sequence[tuple[str, str | None]], other: Request | None = None
    ) -> list[str | None]:
        """Many refreshes that leave together, each on a connection that stands; with them another request."""
        calls = [self.server.refresh(token, key) for token, key in shown]
        together = [*calls, *([other] if other else [])]
        barrier = Barrier(len(together), timeout=TIMEOUT_S)

        def send(call: Request) -> Answer:
            call.connect()
            barrier.wait()
            return call.send()

        with ThreadPoolExecutor(len(together)) as pool:
            answers = list(pool.map(send, together))
        if other:
            _expect_done(answers.pop())
        return [
            self._token(lambda token=token, key=key: self.server.refresh(token, key), token, answer)
            for (token, key), answer in zip(shown, answers, strict=True)
        ]

    def done(self, call: Request) -> None:
        """A revocation or logout, answered. Raises ServerFailed."""
        call.connect()
        _expect_done(call.send())

    def _token(self, call: Callable[[], Request], shown: str, answer: Answer | None = None) -> str | None:
        answer = answer or _sent(call())
        while answer.status == 429 and answer.headers.get("retry-after", "").isdecimal():
            with self._lock:
                self.deferred += 1
            sleep(int(answer.headers["retry-after"]))
            answer = _sent(call())
        if answer.status == 200 and "access_token" in answer.body:
            return str(answer.body.get("refresh_token", shown))  # RFC 6749 §6: none sent, the old one stays
        if answer.status in (400, 401) and answer.body.get("error") == "invalid_grant":
            return None
        raise ServerFailed(f"{answer.status} {answer.body.get('error', '')}".strip())


def parallel(lab: Lab, keys: Sequence[str | None]) -> Round:
    """As many processes of one client as there are keys refresh one token at the same moment."""
    token = lab.server.sign_in().refresh_token
    return _chain(lab, lab.at_once([(token, key) for key in keys]))
    yield


def lost_answer(lab: Lab, key: str | None) -> Round:
    """The answer is lost, the client asks again at once."""
    token = lab.server.sign_in().refresh_token
    lost = lab.refresh(token, key)
    return _chain(lab, [lab.refresh(token, key)], unseen=[lost])
    yield


def late_retry(lab: Lab, key: str) -> Round:
    """The answer is lost, the client asks again after the retry window, and proves by its key that it is the one."""
    token = lab.server.sign_in().refresh_token
    lost = lab.refresh(token, key)
    yield
    return _chain(lab, [lab.refresh(token, key)], unseen=[lost])


def late_replay(lab: Lab, key: str | None) -> Round:
    """A spent token after the retry window, without the key of its rotation: to a server, this is a thief."""
    token = lab.server.sign_in().refresh_token
    successor = lab.refresh(token, key)
    yield
    return _caught(lab, lab.refresh(token), [successor])


def two_tabs(lab: Lab, keys: tuple[str | None, str | None]) -> Round:
    """Two tabs go on side by side, each with what it was answered last."""
    held: list[str | None] = [lab.server.sign_in().refresh_token] * 2
    for turn in range(TURNS):
        shown = [(token or "", key and f"{key}-{turn}") for token, key in zip(held, keys, strict=True)]
        held = lab.at_once(shown)
        if None in held:
            return Outcome.FALSE_ALARM
    return _chain(lab, held)
    yield


def second_tab_after_the_first(lab: Lab, keys: tuple[str | None, str | None]) -> Round:
    """The second tab read the token before the first one had stored its successor."""
    token = lab.server.sign_in().refresh_token
    first = lab.refresh(token, keys[0])
    return _chain(lab, [first, lab.refresh(token, keys[1])])
    yield


def lockstep(lab: Lab, owner_key: str | None) -> Round:
    """Thief and owner alternate close on each other's heels, now one first, now the other; then the owner comes
    when it needs to, which is after the retry window. Both must be on one chain, and that chain must end."""
    owner = thief = lab.server.sign_in().refresh_token
    for turn in range(TURNS):
        key = owner_key and f"{owner_key}-{turn}"
        if turn % 2 == 0:
            after_thief, after_owner = lab.refresh(thief), lab.refresh(owner, key)
        else:
            after_owner, after_thief = lab.refresh(owner, key), lab.refresh(thief)
        if after_owner is None:
            return _caught(lab, None, [after_thief])
        if after_thief is None:  # shut out, though perhaps not noticed
            return Outcome.ONE_SUCCESSOR if lab.refresh(after_owner) else Outcome.SESSION_ENDED
        owner, thief = after_owner, after_thief
    thief_has = lab.refresh(thief)
    yield
    return _caught(lab, lab.refresh(owner, owner_key), [thief_has])


def grandparent(lab: Lab, key: str | None) -> Round:
    """A token two generations old comes back, even with the key it was spent with, and at once."""
    first = lab.server.sign_in().refresh_token
    second = lab.refresh(first, key)
    third = lab.refresh(second or "", key and f"{key}-2")
    return _caught(lab, lab.refresh(first, key), [third])
    yield


def after_logout(lab: Lab, key: str | None) -> Round:
    """The user logged out; then the current token and its predecessor are shown."""
    tokens = lab.server.sign_in()
    current = lab.refresh(tokens.refresh_token, key)
    lab.done(lab.server.sign_out(type(tokens)(current or "", tokens.access_token)))
    return _over(lab, [current, tokens.refresh_token], key)
    yield


def revoked_meanwhile(lab: Lab, key: str | None) -> Round:
    """Revocation (RFC 7009) and refresh of one token at the same moment: after both answers nothing lives."""
    token = lab.server.sign_in().refresh_token
    [successor] = lab.at_once([(token, key)], lab.server.revoke(token))
    return _over(lab, [successor, token], key)
    yield


def logged_out_meanwhile(lab: Lab, key: str | None) -> Round:
    """The same with the user's own logout."""
    tokens = lab.server.sign_in()
    [successor] = lab.at_once([(tokens.refresh_token, key)], lab.server.sign_out(tokens))
    return _over(lab, [successor, tokens.refresh_token], key)
    yield


def _chain(lab: Lab, held: Sequence[str | None], unseen: Iterable[str | None] = ()) -> Outcome:
    """Honest clients hold these (None: was refused); unseen: answers that got lost. Is there one chain, and has
    everyone who was answered got hold of it? What is held is tried first: trying may itself end a session."""
    tokens = list(dict.fromkeys(token for token in held if token))
    living = {token for token in [*tokens, *unseen] if token and lab.refresh(token)}
    if len(living) > 1:
        return Outcome.FORK
    if None in held or set(tokens) != living:
        return Outcome.FALSE_ALARM
    return Outcome.ONE_SUCCESSOR


def _caught(lab: Lab, answered: str | None, others: Iterable[str | None]) -> Outcome:
    """A replay must be refused, and the session with it."""
    alive = answered or any(token and lab.refresh(token) for token in others)
    return Outcome.MISSED_THIEF if alive else Outcome.SESSION_ENDED


def _over(lab: Lab, tokens: Iterable[str | None], key: str | None) -> Outcome:
    """The session was ended: no token of it may live, with or without a key."""
    alive = any(token and (lab.refresh(token, key) or lab.refresh(token)) for token in tokens)
    return Outcome.MISSED_THIEF if alive else Outcome.SESSION_ENDED


def _sent(call: Request) -> Answer:
    try:
        call.connect()
    except OSError as exc:
        return Answer(0, {"error": type(exc).__name__})
    return call.send()


def _expect_done(answer: Answer) -> None:
    if answer.status not in (200, 204):
        raise ServerFailed(f"revocation: {answer.status} {answer.body.get('error', '')}".strip())


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name for the report, a round, and what is right."""

    name: str
    play: Callable[[Lab], Round]
    right: frozenset[Outcome]
    is_late: bool = False


GOES_ON = frozenset({Outcome.ONE_SUCCESSOR})
ENDS = frozenset({Outcome.SESSION_ENDED})


def new_key() -> str:
    return secrets.token_hex(8)


def scenarios(parallel_counts: Sequence[int]) -> list[Scenario]:
    """All of them, each with and without Idempotency-Key."""
    found = []
    for n in parallel_counts:
        found += [
            Scenario(f"{n} parallel refreshes", lambda lab, n=n: parallel(lab, [None] * n), GOES_ON),
            Scenario(
                f"{n} parallel refreshes, a key each",
                lambda lab, n=n: parallel(lab, [new_key() for _ in range(n)]),
                GOES_ON,
            ),
        ]
    both = frozenset({Outcome.SESSION_ENDED, Outcome.ONE_SUCCESSOR})
    for suffix, key in (("", lambda: None), (", with key", new_key)):
        keys = lambda key=key: (key(), key())  # noqa: E731
        found += [
            Scenario(f"lost answer{suffix}", lambda lab, key=key: lost_answer(lab, key()), GOES_ON),
            Scenario(f"two tabs at once{suffix}", lambda lab, keys=keys: two_tabs(lab, keys()), GOES_ON),
            Scenario(
                f"second tab after the first{suffix}",
                lambda lab, keys=keys: second_tab_after_the_first(lab, keys()),
                GOES_ON,
            ),
            Scenario(
                f"thief and owner in lockstep{suffix}",
                lambda lab, key=key: lockstep(lab, key()),
                both,
                is_late=True,
            ),
            Scenario(f"grandparent replay{suffix}", lambda lab, key=key: grandparent(lab, key()), ENDS),
            Scenario(f"replay after logout{suffix}", lambda lab, key=key: after_logout(lab, key()), ENDS),
            Scenario(
                f"revocation in mid-refresh{suffix}",
                lambda lab, key=key: revoked_meanwhile(lab, key()),
                ENDS,
            ),
            Scenario(
                f"logout in mid-refresh{suffix}",
                lambda lab, key=key: logged_out_meanwhile(lab, key()),
                ENDS,
            ),
            Scenario(
                f"late replay without the key{' it was spent with' if suffix else ''}",
                lambda lab, key=key: late_replay(lab, key()),
                ENDS,
                is_late=True,
            ),
        ]
    found.append(
        Scenario("late retry, with key", lambda lab: late_retry(lab, new_key()), GOES_ON, is_late=True)
    )
    return found
