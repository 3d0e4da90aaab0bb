"""The suite is no rubber stamp: servers that get refresh wrong, each in its way, are found out."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import pytest

from tests.conformance.report import run
from tests.conformance.scenarios import Lab, Outcome, device_scenarios, scenarios
from tests.conformance.servers import Held, Tokens
from tests.conformance.wire import Answer

WINDOW_S = 10
ONE, ENDED, FORK = Outcome.ONE_SUCCESSOR, Outcome.SESSION_ENDED, Outcome.FORK
ALARM, MISSED, ERROR = Outcome.FALSE_ALARM, Outcome.MISSED_THIEF, Outcome.ERROR
REFUSED = Answer(400, {"error": "invalid_grant"})


@dataclass
class Session:
    """opened: what a device's token opened last; None for what is no device."""

    live: set[str]
    spent: dict[str, tuple[str, str | None, int]] = field(default_factory=dict)
    is_over: bool = False
    opened: "Session | None" = None


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

    def spend(self, token: str, key: str | None) -> Ready:
        return Ready(lambda: self._one_at_a_time(token, key))

    def held(self, body: dict[str, Any], shown: str) -> Held:
        return Held(body["refresh_token"])

    def refresh(self, token: str, key: str | None) -> Ready:
        return self.spend(token, key)

    def revoke(self, token: str) -> Ready:
        return Ready(lambda: self._revoked(token))

    def sign_out(self, tokens: Tokens) -> Ready:
        return self.revoke(tokens.token)

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


class ExactDevices(ExactServer):
    """The same for device tokens. Its heirs do not."""

    name = "devices in memory"

    def sign_in(self) -> Tokens:
        tokens = super().sign_in()
        self._open(self._session_of[tokens.token])
        return tokens

    def held(self, body: dict[str, Any], shown: str) -> Held:
        return Held(body["device_token"], body["refresh_token"])

    def current(self, session: Session, token: str, key: str | None) -> Answer:
        answer = super().current(session, token, key)
        if session.opened is None:
            return answer
        session.opened.is_over = True
        return _with_session(answer, self._open(session))

    def spent(self, session: Session, token: str, key: str | None) -> Answer:
        answer = super().spent(session, token, key)
        if session.opened is None:
            return answer
        if answer.status == 200:
            return _with_session(answer, self.again(session))
        self.end(session)
        return answer

    def again(self, device: Session) -> str:
        """The session of a repeat."""
        assert device.opened is not None
        [token] = device.opened.live
        return token

    def end(self, device: Session) -> None:
        device.is_over = True
        if device.opened:
            device.opened.is_over = True

    def _open(self, device: Session) -> str:
        token = next(self._names)
        device.opened = self._session_of[token] = Session({token})
        return token

    def _revoked(self, token: str) -> Answer:
        with self._lock:
            self.end(self._session_of[token])
            return Answer(200)


class ReplacingDevices(ExactDevices):
    """Each repeat opens a session of its own, which replaces the one before."""

    def again(self, device: Session) -> str:
        assert device.opened is not None
        device.opened.is_over = True
        return self._open(device)


class ForkingDevices(ExactDevices):
    """Each repeat opens a session of its own, beside the one before."""

    def again(self, device: Session) -> str:
        return self._open(device)


class HauntedDevices(ExactDevices):
    """A device ends, and its session goes on."""

    def end(self, device: Session) -> None:
        device.is_over = True


def _with_session(answer: Answer, session: str) -> Answer:
    return Answer(
        200, {**answer.body, "device_token": answer.body["refresh_token"], "refresh_token": session}
    )


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

    report = run([(Lab(server), [by_name[name] for name in SHOWN])], 2, server.wait, lambda _: None)

    assert [set(result.outcomes) for result in report.results] == [{outcome} for outcome in expected]
    assert report.is_right == (kind in (ExactServer, BusyServer))


SHOWN_OF_DEVICES = (
    "2 parallel exchanges",
    "lost answer",
    "late retry, with key",
    "second window after a refresh",
    "late replay without the key",
    "grandparent replay",
    "replay after forgetting",
)
FOUND_OF_DEVICES: dict[type[ExactDevices], tuple[Outcome, ...]] = {
    ExactDevices: (ONE, ONE, ONE, ONE, ENDED, ENDED, ENDED),
    ReplacingDevices: (ALARM, ONE, ONE, ALARM, ENDED, ENDED, ENDED),
    ForkingDevices: (FORK, FORK, FORK, FORK, ENDED, ENDED, ENDED),
    HauntedDevices: (ONE, ONE, ONE, ONE, MISSED, MISSED, MISSED),
}


@pytest.mark.parametrize(
    ("kind", "expected"), FOUND_OF_DEVICES.items(), ids=[kind.__name__ for kind in FOUND_OF_DEVICES]
)
def test_what_a_server_does_to_device_tokens_is_named(
    kind: type[ExactDevices], expected: tuple[Outcome, ...]
) -> None:
    server = kind()
    by_name = {scenario.name.removeprefix("device token: "): scenario for scenario in device_scenarios((2,))}
    shown = [by_name[name] for name in SHOWN_OF_DEVICES]

    report = run([(Lab(server), shown)], 2, server.wait, lambda _: None)

    assert [set(result.outcomes) for result in report.results] == [{outcome} for outcome in expected]


def test_an_exact_server_is_right_in_every_scenario() -> None:
    server = ExactServer()

    report = run([(Lab(server), scenarios((2, 20)))], 3, server.wait, lambda _: None)

    assert report.is_right, report.markdown()
    assert all(sum(result.outcomes.values()) == 3 for result in report.results)


def test_exact_device_tokens_are_right_in_every_scenario() -> None:
    server = ExactDevices()

    report = run([(Lab(server), device_scenarios((2, 20)))], 3, server.wait, lambda _: None)

    assert report.is_right, report.markdown()
    assert all(sum(result.outcomes.values()) == 3 for result in report.results)


def test_refreshes_and_exchanges_are_tried_side_by_side_and_each_by_its_own() -> None:
    server, devices = ExactServer(), ExactDevices()
    trials = [(Lab(server), scenarios((2,))), (Lab(devices), device_scenarios((2,)))]

    def wait() -> None:
        server.wait()
        devices.wait()

    report = run(trials, 2, wait, lambda _: None)

    assert report.is_right, report.markdown()
    assert len(report.results) == len(scenarios((2,))) + len(device_scenarios((2,)))


def test_what_a_server_has_no_tokens_for_is_left_out_and_said() -> None:
    server = ExactServer()

    report = run([(Lab(server), scenarios((2,))[:1])], 1, server.wait, lambda _: None)

    assert "left out" not in report.markdown()
    left_out = replace(report, left_out=30).markdown().splitlines()[-1]
    assert left_out == "- 30 scenarios of device tokens left out: this server has none"


def test_the_table_has_a_line_for_each_scenario_and_tells_how_the_server_failed() -> None:
    server = FailingServer()

    report = run([(Lab(server), scenarios((2,)))], 1, server.wait, lambda _: None)

    lines = report.markdown().splitlines()
    assert lines[0].split("|")[1:4] == [lines[0].split("|")[1], " rounds ", " right "]
    assert sum(line.startswith("| ") for line in lines) == 2 + len(scenarios((2,)))
    assert any(line.startswith("- ") and line.endswith("× 500 server_error") for line in lines)


def test_answers_to_come_back_later_are_counted_not_judged() -> None:
    server = BusyServer()
    lab = Lab(server)

    report = run([(lab, scenarios((2,))[:1])], 1, server.wait, lambda _: None)

    assert report.is_right
    assert report.deferred > 0
