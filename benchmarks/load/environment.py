"""One execution environment as a process: it calls one use case again and again, one call at a time, as Lambda does."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.settings import Settings
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from benchmarks import bench
from tests.support import wiring

PASSWORD = "a pass phrase of the benchmark"
# In turn, so that none refreshes often enough to be limited.
SESSIONS = 500
WARM_UP = 20

Call = Callable[[], object]


@dataclass(frozen=True)
class Sample:
    """Of one environment: how long each call took, and the processor time of the process, in seconds."""

    took_s: list[float]
    cpu_s: float


class Environment:
    """From `run` to its answer the process calls without a pause. number, of: its share of the users."""

    def __init__(self, settings: Settings, number: int, of: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=_work, args=(there, settings, number, of), daemon=True)
        self._process.start()

    def ready(self) -> None:
        self._here.recv()

    def run(self, what: str, seconds: float) -> None:
        self._here.send((what, seconds))

    def answer(self) -> Sample:
        sample: Sample = self._here.recv()
        return sample

    def stop(self) -> None:
        self._here.send(None)
        self._process.join()


def _work(there: Connection, settings: Settings, number: int, of: int) -> None:
    calls = _calls(settings, _users(number, of))
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    there.send("ready")
    while order := there.recv():
        what, seconds = order
        call, took = calls[what], []
        cpu_s, started = time.process_time(), time.monotonic()
        before = started
        while before < started + seconds:
            call()
            after = time.monotonic()
            took.append(after - before)
            before = after
        there.send(Sample(took, time.process_time() - cpu_s))


def _calls(settings: Settings, users: Iterator[int]) -> dict[str, Call]:
    shared = bench.parts(settings)
    deps, own_routes = wiring.issuing(shared), wiring.sessions(shared)
    answers = [_vouched(users, deps) for _ in range(SESSIONS)]
    waiting = deque(answer.token for answer in answers)
    access = itertools.cycle([answer.access_token or "" for answer in answers])

    def refreshed() -> None:
        waiting.append(refresh(RefreshRequest(waiting.popleft()), _caller(1), deps).token)

    def validated() -> object:
        return validate(Credential(Transport.BEARER, next(access)), own_routes.validation)

    def logged_in() -> object:
        user = next(users)
        return login(LoginRequest(f"user-{user}@example.com", PASSWORD), _caller(user), deps)

    return {
        "refresh": refreshed,
        "login": logged_in,
        "issue": lambda: _vouched(users, deps),
        "validate": validated,
    }


def _vouched(users: Iterator[int], deps: IssueDeps) -> TokenAnswer:
    return issue(IssueRequest(f"user-{next(users)}", ("pwd",)), _caller(1), deps)


def _users(number: int, of: int) -> Iterator[int]:
    """Every so many-th user, over and over: a user's sessions are few, and no two environments meet at one."""
    return itertools.cycle(range(1 + number, bench.USERS + 1, of))


def _caller(user: int) -> Caller:
    """Each user from a network of their own, or the network's limit would be what is measured."""
    return Caller(f"10.{user >> 16}.{user >> 8 & 255}.{user & 255}", "benchmark")
