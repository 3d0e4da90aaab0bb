"""What clients and thieves do, and what a server then did: one round of a scenario, one outcome.

A scenario is a generator: it yields where time must pass, and returns its outcome.
"""

import secrets
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from threading import Lock
from time import sleep
from typing import Any

from tests.conformance.servers import Held, Server
from tests.conformance.wire import Answer, Request, sent_together

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
Keys = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a token. call: what to send, and again after a 429; held: what its answer holds."""

    call: Callable[[], Request]
    held: Callable[[dict[str, Any]], Held]


@dataclass(slots=True)
class Lab:
    """A server, and people who present tokens to it. deferred: answers 429 that were asked again later."""

    server: Server
    deferred: int = 0
    _lock: Lock = field(default_factory=Lock)

    def use(self, token: str, key: str | None = None) -> Use:
        return Use(lambda: self.server.spend(token, key), lambda body: self.server.held(body, token))

    def use_session(self, token: str, key: str | None = None) -> Use:
        """A refresh in a session that a token opened."""
        return Use(
            lambda: self.server.refresh(token, key), lambda body: Held(str(body.get("refresh_token", token)))
        )

    def spend(self, token: str, key: str | None = None) -> Held | None:
        """What is answered to a token; None for invalid_grant. Raises ServerFailed."""
        return self._settled(self.use(token, key))

    def refresh(self, session: str, key: str | None = None) -> Held | None:
        """The same of a session's refresh token."""
        return self._settled(self.use_session(session, key))

    def goes_on(self, session: str) -> bool:
        """Whether a session lives, by a refresh in it."""
        return self.refresh(session) is not None

    def at_once(self, uses: Sequence[Use], other: Request | None = None) -> list[Held | None]:
        """Many uses that leave together, each on a connection that stands; with them another request."""
        calls = [use.call() for use in uses]
        answers = sent_together([*calls, *([other] if other else [])])
        if other:
            _expect_done(answers.pop())
        return [self._settled(use, answer) for use, answer in zip(uses, answers, strict=True)]

    def done(self, call: Request) -> None:
        """A revocation or logout, answered. Raises ServerFailed."""
        call.connect()
        _expect_done(call.send())

    def _settled(self, use: Use, answer: Answer | None = None) -> Held | None:
        answer = answer or _sent(use.call())
        while answer.status == 429 and answer.headers.get("retry-after", "").isdecimal():
            with self._lock:
                self.deferred += 1
            sleep(int(answer.headers["retry-after"]))
            answer = _sent(use.call())
        if answer.status == 200 and "access_token" in answer.body:
            return use.held(answer.body)
        if answer.status in (400, 401) and answer.body.get("error") == "invalid_grant":
            return None
        raise ServerFailed(f"{answer.status} {answer.body.get('error', '')}".strip())


def parallel(lab: Lab, keys: Sequence[str | None]) -> Round:
    """As many processes of one client as there are keys spend one token at the same moment."""
    token = lab.server.sign_in().token
    return _chain(lab, lab.at_once([lab.use(token, key) for key in keys]))
    yield


def lost_answer(lab: Lab, key: str | None) -> Round:
    """The answer is lost, the client asks again at once."""
    token = lab.server.sign_in().token
    lost = lab.spend(token, key)
    return _chain(lab, [lab.spend(token, key)], unseen=[lost])
    yield


def late_retry(lab: Lab, key: str) -> Round:
    """The answer is lost, the client asks again after the retry window, and proves by its key that it is the one."""
    token = lab.server.sign_in().token
    lost = lab.spend(token, key)
    yield
    return _chain(lab, [lab.spend(token, key)], unseen=[lost])


def late_replay(lab: Lab, key: str | None) -> Round:
    """A spent token after the retry window, without the key of its rotation: to a server, this is a thief."""
    token = lab.server.sign_in().token
    successor = lab.spend(token, key)
    yield
    return _caught(lab, lab.spend(token), [successor])


def two_tabs(lab: Lab, keys: Keys) -> Round:
    """Two tabs go on side by side, each with what it was answered last."""
    held: list[Held | None] = [Held(lab.server.sign_in().token)] * 2
    for turn in range(TURNS):
        uses = [
            lab.use(last.token, key and f"{key}-{turn}") for last, key in zip(held, keys, strict=True) if last
        ]
        held = lab.at_once(uses)
        if None in held:
            return Outcome.FALSE_ALARM
    return _chain(lab, held)
    yield


def second_tab_after_the_first(lab: Lab, keys: Keys) -> Round:
    """The second tab read the token before the first one had stored its successor."""
    token = lab.server.sign_in().token
    first = lab.spend(token, keys[0])
    return _chain(lab, [first, lab.spend(token, keys[1])])
    yield


def lockstep(lab: Lab, owner_key: str | None) -> Round:
    """Thief and owner alternate close on each other's heels, now one first, now the other; then the owner comes
    when it needs to, which is after the retry window. Both must be on one chain, and that chain must end."""
    owner = thief = lab.server.sign_in().token
    for turn in range(TURNS):
        key = owner_key and f"{owner_key}-{turn}"
        if turn % 2 == 0:
            after_thief, after_owner = lab.spend(thief), lab.spend(owner, key)
        else:
            after_owner, after_thief = lab.spend(owner, key), lab.spend(thief)
        if after_owner is None:
            return _caught(lab, None, [after_thief])
        if after_thief is None:  # shut out, though perhaps not noticed
            return Outcome.ONE_SUCCESSOR if lab.spend(after_owner.token) else Outcome.SESSION_ENDED
        owner, thief = after_owner.token, after_thief.token
    thief_has = lab.spend(thief)
    yield
    return _caught(lab, lab.spend(owner, owner_key), [thief_has])


def grandparent(lab: Lab, key: str | None) -> Round:
    """A token two generations old comes back, even with the key it was spent with, and at once."""
    first = lab.server.sign_in().token
    second = lab.spend(first, key)
    third = lab.spend(second.token if second else "", key and f"{key}-2")
    return _caught(lab, lab.spend(first, key), [third])
    yield


def after_logout(lab: Lab, key: str | None) -> Round:
    """The user logged out, or forgot the device; then the current token and its predecessor are shown."""
    tokens = lab.server.sign_in()
    current = lab.spend(tokens.token, key)
    lab.done(lab.server.sign_out(replace(tokens, token=current.token if current else "")))
    return _over(lab, [current, Held(tokens.token)], key)
    yield


def revoked_meanwhile(lab: Lab, key: str | None) -> Round:
    """Revocation (RFC 7009) and use of one token at the same moment: after both answers nothing lives."""
    token = lab.server.sign_in().token
    [successor] = lab.at_once([lab.use(token, key)], lab.server.revoke(token))
    return _over(lab, [successor, Held(token)], key)
    yield


def logged_out_meanwhile(lab: Lab, key: str | None) -> Round:
    """The same with the user's own logout, or the device forgotten."""
    tokens = lab.server.sign_in()
    [successor] = lab.at_once([lab.use(tokens.token, key)], lab.server.sign_out(tokens))
    return _over(lab, [successor, Held(tokens.token)], key)
    yield


def windows_in_one_session(lab: Lab, keys: Keys) -> Round:
    """Two windows are restored with one device token, then go on side by side in the session that both got."""
    token = lab.server.sign_in().token
    opened = lab.at_once([lab.use(token, key) for key in keys])
    held = opened
    for turn in range(TURNS):
        if None in held:
            return Outcome.FALSE_ALARM
        sessions = [last.session or last.token for last in held if last]
        held = lab.at_once(
            [
                lab.use_session(session, key and f"{key}-{turn}")
                for session, key in zip(sessions, keys, strict=True)
            ]
        )
    windows = zip(opened, held, strict=True)
    return _chain(lab, [Held(first.token, last.token) if first and last else None for first, last in windows])
    yield


def second_window_after_a_refresh(lab: Lab, keys: Keys) -> Round:
    """The second window is restored when the first one has refreshed the session already."""
    token = lab.server.sign_in().token
    first = lab.spend(token, keys[0])
    refreshed = lab.refresh(first.session if first else "", keys[0])
    second = lab.spend(token, keys[1])
    return _chain(lab, [Held(first.token, refreshed.token) if first and refreshed else None, second])
    yield


def _chain(lab: Lab, held: Sequence[Held | None], unseen: Iterable[Held | None] = ()) -> Outcome:
    """Honest clients hold these (None: was refused); unseen: answers that got lost. Is there one chain, and has
    everyone who was answered got hold of it? The same of the sessions that device tokens opened, which come first:
    another exchange would replace them."""
    unseen = list(unseen)
    of_sessions = _one_of(
        [last and last.session for last in held], [lost.session for lost in unseen if lost], lab.goes_on
    )
    of_tokens = _one_of(
        [last and last.token for last in held],
        [lost.token for lost in unseen if lost],
        lambda token: lab.spend(token) is not None,
    )
    return of_sessions if of_sessions is not Outcome.ONE_SUCCESSOR else of_tokens


def _one_of(held: Sequence[str | None], unseen: Sequence[str], lives: Callable[[str], bool]) -> Outcome:
    """What is held is tried first: trying may itself end a session."""
    tokens = list(dict.fromkeys(token for token in held if token))
    living = {token for token in [*tokens, *unseen] if token and lives(token)}
    if len(living) > 1:
        return Outcome.FORK
    if None in held or set(tokens) != living:
        return Outcome.FALSE_ALARM
    return Outcome.ONE_SUCCESSOR


def _caught(lab: Lab, answered: Held | None, others: Iterable[Held | None]) -> Outcome:
    """A replay must be refused, and the session with it."""
    alive = answered or any(other and _lives(lab, other) for other in others)
    return Outcome.MISSED_THIEF if alive else Outcome.SESSION_ENDED


def _over(lab: Lab, held: Iterable[Held | None], key: str | None) -> Outcome:
    """The session was ended: no token of it may live, with or without a key."""
    alive = any(last and (_lives(lab, last, key) or _lives(lab, last)) for last in held)
    return Outcome.MISSED_THIEF if alive else Outcome.SESSION_ENDED


def _lives(lab: Lab, held: Held, key: str | None = None) -> bool:
    is_session_alive = bool(held.session) and lab.goes_on(held.session)
    return is_session_alive or lab.spend(held.token, key) is not None


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


SUFFIXES: tuple[tuple[str, Callable[[], str | None]], ...] = (("", lambda: None), (", with key", new_key))


@dataclass(frozen=True, slots=True)
class Words:
    """How the report calls one use of a token, several, and the end of what it stands for."""

    use: str
    uses: str
    logout: str
    prefix: str = ""


REFRESH_TOKENS = Words("refresh", "refreshes", "logout")
DEVICE_TOKENS = Words("exchange", "exchanges", "forgetting", prefix="device token: ")


def scenarios(parallel_counts: Sequence[int], words: Words = REFRESH_TOKENS) -> list[Scenario]:
    """All that every kind of token is tried by, each with and without Idempotency-Key."""
    found = []
    for n in parallel_counts:
        found += [
            Scenario(f"{n} parallel {words.uses}", lambda lab, n=n: parallel(lab, [None] * n), GOES_ON),
            Scenario(
                f"{n} parallel {words.uses}, a key each",
                lambda lab, n=n: parallel(lab, [new_key() for _ in range(n)]),
                GOES_ON,
            ),
        ]
    both = frozenset({Outcome.SESSION_ENDED, Outcome.ONE_SUCCESSOR})
    for suffix, key in SUFFIXES:
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
            Scenario(
                f"replay after {words.logout}{suffix}", lambda lab, key=key: after_logout(lab, key()), ENDS
            ),
            Scenario(
                f"revocation in mid-{words.use}{suffix}",
                lambda lab, key=key: revoked_meanwhile(lab, key()),
                ENDS,
            ),
            Scenario(
                f"{words.logout} in mid-{words.use}{suffix}",
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
    return [replace(scenario, name=words.prefix + scenario.name) for scenario in found]


def device_scenarios(parallel_counts: Sequence[int]) -> list[Scenario]:
    """The same for device tokens, and what becomes of the session that one opens."""
    found = scenarios(parallel_counts, DEVICE_TOKENS)
    for suffix, key in SUFFIXES:
        keys = lambda key=key: (key(), key())  # noqa: E731
        found += [
            Scenario(
                f"{DEVICE_TOKENS.prefix}two windows go on in one session{suffix}",
                lambda lab, keys=keys: windows_in_one_session(lab, keys()),
                GOES_ON,
            ),
            Scenario(
                f"{DEVICE_TOKENS.prefix}second window after a refresh{suffix}",
                lambda lab, keys=keys: second_window_after_a_refresh(lab, keys()),
                GOES_ON,
            ),
        ]
    return found
