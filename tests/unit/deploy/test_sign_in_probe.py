"""The sign-in of a probe user through a service that is a table here: each step's failure, and answers of any shape."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from deploy.sign_in_probe import (
    DISCOVERY,
    JWKS,
    Answer,
    Call,
    Password,
    Probe,
    Step,
    Unreachable,
    probe_sign_in,
)

ISSUER = "https://tokens.test"
PROBE = Probe(ISSUER, "alice", Password("a password of the probe"))
METADATA = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}{JWKS}"}


def _part(**members: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


ACCESS = f"{_part(kid='k1')}.{_part(iss=ISSUER)}.signature"


class Service:
    """A service that does everything right, but for `instead`: route → answer."""

    def __init__(self, **instead: Answer | Callable[[Call], Answer]) -> None:
        self.instead = instead
        self.asked: list[str] = []
        self.generation = 0
        self.is_over = False

    def __call__(self, call: Call) -> Answer:
        self.asked.append(call.route)
        other = self.instead.get(call.path)
        if other is not None:
            return other(call) if callable(other) else other
        return self._right(call)

    def _right(self, call: Call) -> Answer:
        match call.route:
            case "POST /auth/login":
                return self._tokens(0)
            case "POST /auth/token" if self.is_over:
                return Answer(400, {"error": "invalid_grant"})
            case "POST /auth/token":
                return self._tokens(1)
            case "POST /auth/revoke":
                self.is_over = True
                return Answer(200, {})
            case "GET /auth/session":
                return Answer(401, {"error": "invalid_token"}) if self.is_over else Answer(200, {})
        return Answer(200, METADATA if call.path == DISCOVERY else {"keys": [{"kid": "k1"}]})

    def _tokens(self, generation: int) -> Answer:
        return Answer(200, {"access_token": ACCESS, "refresh_token": f"refresh-{generation}"})


def steps(service: Service, probe: Probe = PROBE) -> list[Step]:
    return list(probe_sign_in(probe, service))


def test_a_service_that_does_everything_right_is_well() -> None:
    assert all(step.is_ok for step in steps(Service()))


def _raises(call: Call) -> Answer:
    raise Unreachable("nobody is there")


# Path → answers of any shape; none of them may end the probe but by a step that is wrong.
ODD = [
    Answer(500, {}),
    Answer(200, {}),
    Answer(200, {"error": 7}),
    Answer(200, {"keys": 7, "issuer": [], "jwks_uri": {}, "access_token": 1, "refresh_token": None}),
    Answer(200, {"keys": [7, {}, {"kid": 7}, None], "access_token": "", "refresh_token": ""}),
    Answer(200, {"access_token": "opaque", "refresh_token": "r"}),
    Answer(200, {"access_token": "a.b.c", "refresh_token": "r"}),
    Answer(200, {"access_token": f"{_part(kid=[])}.{_part(iss={})}.c", "refresh_token": "r"}),
    Answer(302, {}),
]
PATHS = (DISCOVERY, JWKS, "/auth/login", "/auth/token", "/auth/session", "/auth/revoke")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("answer", ODD, ids=lambda answer: f"{answer.status} {dict(answer.body)}"[:50])
def test_an_odd_answer_is_a_step_that_is_wrong(path: str, answer: Answer) -> None:
    found = steps(Service(**{path: answer}))

    is_right = (
        path == "/auth/revoke" and answer.status == 200
    )  # but it revoked nothing: the next step finds that
    assert not all(step.is_ok for step in found)
    assert not found[-1].is_ok
    assert all(step.is_ok for step in found[:-1]) or is_right


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_ends_the_probe_as_such(path: str) -> None:
    with pytest.raises(Unreachable, match="nobody is there"):
        steps(Service(**{path: _raises}))


@pytest.mark.parametrize("path", ["/auth/session", "/auth/token", JWKS])
def test_a_session_that_was_begun_is_ended_whatever_comes_of_it(path: str) -> None:
    service = Service(**{path: Answer(500, {})})

    steps(service)

    assert service.asked[-1] == "POST /auth/revoke"
    assert service.is_over


def test_who_cannot_sign_in_has_nothing_to_end() -> None:
    service = Service(**{"/auth/login": Answer(401, {"error": "invalid_credentials"})})

    assert steps(service)[-1].sentence.endswith("POST /auth/login gives 401 invalid_credentials.")
    assert service.asked == [f"GET {DISCOVERY}", "POST /auth/login"]


def test_what_others_want_to_know_is_asked_while_the_session_lives() -> None:
    service = Service()

    def also(access_token: str) -> list[Step]:
        assert not service.is_over
        return [Step(True, access_token)]

    assert Step(True, ACCESS) in list(probe_sign_in(PROBE, service, also))


def test_no_sentence_has_a_token_or_the_password_and_no_repr_either() -> None:
    for path in PATHS:
        for answer in ODD:
            said = " ".join(step.sentence for step in steps(Service(**{path: answer})))
            assert PROBE.password not in said
            assert "refresh-" not in said
            assert ACCESS not in said
    assert PROBE.password not in repr(PROBE)
    assert ACCESS not in repr(Service()._tokens(0))
