"""The suite is no rubber stamp: servers that get refresh wrong, each in its way, are found out."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import pytest

from tests.conformance.report import run
from tests.conformance.scenarios import Lab, Outcome, scenarios
from tests.conformance.servers import Tokens
from tests.conformance.wire import Answer

WINDOW_S = 10
ONE, ENDED, FORK = Outcome.ONE_SUCCESSOR, Outcome.SESSION_ENDED, Outcome.FORK
ALARM, MISSED, ERROR = Outcome.FALSE_ALARM, Outcome.MISSED_THIEF, Outcome.ERROR
REFUSED = Answer(400, {"error": "invalid_grant"})


@dataclass
class Session:
    live: set[str]
    spent: dict[str, tuple[str, str | None, int]] = field(default_factory=dict)
    is_over: bool = False


@dataclass
class Ready:
    """A request to a server in this process."""

    send: Callable[[], Answer]

    def connect(self) -> None:
        """Nothing lies between."""


class ExactServer:
    """Does what the retry rules say. Its heirs do not."""

    name = "in memory"
    sessions = 10

    def __init__(self) -> None:
        self.now = 0
        self._session_of: dict[str, Session] = {}
        self._names = (f"token-{number}" for number in itertools.count())
        self._lock = Lock()

    def sign_in(self) -> Tokens:
        token = next(self._names)
        self._session_of[token] = Session({token})
        return Tokens(token, "access")

    def refresh(self, token: str, key: str | None) -> Ready:
        return Ready(lambda: self._one_at_a_time(token, key))

    def revoke(self, token: str) -> Ready:
        return Ready(lambda: self._revoked(token))

    def sign_out(self, tokens: Tokens) -> Ready:
        return self.revoke(tokens.refresh_token)

    def wait(self) -> None:
        self.now += WINDOW_S + 1

    def current(self, session: Session, token: str, key: str | None) -> Answer:
        successor = self.another(session)
        session.live.remove(token)
        session.spent[token] = (successor, key, self.now)
        return _good(successor)

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        successor, rotation_key, at = session.spent[token]
        if successor in session.live and (self.now - at < WINDOW_S or (key and key == rotation_key)):
            return _good(successor)
        session.is_over = True
        return REFUSED

    def another(self, session: Session) -> str:
        token = next(self._names)
        session.live.add(token)
        self._session_of[token] = session
        return token

    def _one_at_a_time(self, token: str, key: str | None) -> Answer:
        with self._lock:
            session = self._session_of[token]
            if session.is_over:
                return REFUSED
            act = self.current if token in session.live else self.spent
            return act(session, token, key)

    def _revoked(self, token: str) -> Answer:
        with self._lock:
            self._session_of[token].is_over = True
            return Answer(200)


class StrictServer(ExactServer):
    """Every spent token is theft."""

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        session.is_over = True
        return REFUSED


class LenientServer(ExactServer):
    """Every spent token gets a successor of its own."""

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        return _good(self.another(session))


class DeafServer(ExactServer):
    """A spent token is refused, and that is all."""

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        return REFUSED


class StillServer(ExactServer):
    """The token is never rotated."""

    def current(self, session: Session, token: str, key: str | None) -> Answer:
        return _good(token)


class DeadSuccessorServer(ExactServer):
    """A repeat gets a token that does not live."""

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        if token not in session.spent:
            return REFUSED
        stillborn = self.another(session)
        session.live.remove(stillborn)
        return _good(stillborn)


class ForgetfulServer(ExactServer):
    """Says that it has revoked."""

    def _revoked(self, token: str) -> Answer:
        return Answer(200)


class FailingServer(ExactServer):
    """Fails where it should decide."""

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        return Answer(500, {"error": "server_error"})


class BusyServer(ExactServer):
    """Asks to come back once, before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def current(self, session: Session, token: str, key: str | None) -> Answer:
        if token not in self._seen:
            self._seen.add(token)
            return Answer(429, {"error": "rate_limited"}, {"retry-after": "0"})
        return super().current(session, token, key)


def _good(token: str) -> Answer:
    return Answer(200, {"access_token": "access", "refresh_token": token})


SHOWN = (
    "2 parallel refreshes",
    "lost answer",
    "late retry, with key",
    "late replay without the key",
    "grandparent replay",
    "thief and owner in lockstep",
    "replay after logout",
)
FOUND: dict[type[ExactServer], tuple[Outcome, ...]] = {
    ExactServer: (ONE, ONE, ONE, ENDED, ENDED, ENDED, ENDED),
    BusyServer: (ONE, ONE, ONE, ENDED, ENDED, ENDED, ENDED),
    StrictServer: (ALARM, ALARM, ALARM, ENDED, ENDED, ENDED, ENDED),
    LenientServer: (FORK, FORK, FORK, MISSED, MISSED, MISSED, ENDED),
    DeafServer: (ALARM, ALARM, ALARM, MISSED, MISSED, MISSED, ENDED),
    StillServer: (ONE, ONE, ONE, MISSED, MISSED, MISSED, ENDED),
    DeadSuccessorServer: (ALARM, ALARM, ALARM, MISSED, MISSED, MISSED, ENDED),
    ForgetfulServer: (ONE, ONE, ONE, ENDED, ENDED, ENDED, MISSED),
    FailingServer: (ERROR, ERROR, ERROR, ERROR, ERROR, ERROR, ENDED),
}


@pytest.mark.parametrize(("kind", "expected"), FOUND.items(), ids=[kind.__name__ for kind in FOUND])
def test_what_a_server_does_is_named(kind: type[ExactServer], expected: tuple[Outcome, ...]) -> None:
    server = kind()
    by_name = {scenario.name: scenario for scenario in scenarios((2,))}

    report = run(Lab(server), [by_name[name] for name in SHOWN], 2, server.wait, lambda _: None)

    assert [set(result.outcomes) for result in report.results] == [{outcome} for outcome in expected]
    assert report.is_right == (kind in (ExactServer, BusyServer))


def test_an_exact_server_is_right_in_every_scenario() -> None:
    server = ExactServer()

    report = run(Lab(server), scenarios((2, 20)), 3, server.wait, lambda _: None)

    assert report.is_right, report.markdown()
    assert all(sum(result.outcomes.values()) == 3 for result in report.results)


def test_the_table_has_a_line_for_each_scenario_and_tells_how_the_server_failed() -> None:
    server = FailingServer()

    report = run(Lab(server), scenarios((2,)), 1, server.wait, lambda _: None)

    lines = report.markdown().splitlines()
    assert lines[0].split("|")[1:4] == [lines[0].split("|")[1], " rounds ", " right "]
    assert sum(line.startswith("| ") for line in lines) == 2 + len(scenarios((2,)))
    assert any(line.startswith("- ") and line.endswith("× 500 server_error") for line in lines)


def test_answers_to_come_back_later_are_counted_not_judged() -> None:
    server = BusyServer()
    lab = Lab(server)

    report = run(lab, scenarios((2,))[:1], 1, server.wait, lambda _: None)

    assert report.is_right
    assert report.deferred > 0
