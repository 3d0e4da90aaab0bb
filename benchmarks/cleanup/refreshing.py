"""A process that refreshes at a steady rate, by the service's own use case, and times each."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import NamedTuple

from auth_tokens.domain.caller import Caller
from auth_tokens.settings import Settings
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from benchmarks import bench
from tests.support import wiring


class Timing(NamedTuple):
    """due_at: monotonic seconds, the same clock in all processes; took_s: from then to the answer."""

    due_at: float
    took_s: float


class Refresher:
    """One client's process. Between `go` and `rest` it refreshes; what is late is made up for at once."""

    def __init__(self, settings: Settings, tokens: list[str], rate: float, *, apart: bool) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=_work, args=(there, settings, tokens, rate, apart), daemon=True)
        self._process.start()
        self._here.recv()  # ready

    def go(self) -> None:
        self._here.send("go")

    def rest(self) -> list[Timing]:
        """The refreshes since `go`."""
        self._here.send("rest")
        timings: list[Timing] = self._here.recv()
        return timings

    def stop(self) -> None:
        self._here.send("stop")
        self._process.join()


def _work(there: Connection, settings: Settings, tokens: list[str], rate: float, apart: bool) -> None:
    deps = wiring.issuing(bench.parts(settings))
    waiting = deque(tokens)
    for _ in range(50):
        _refresh_next(waiting, deps)
    there.send("ready")
    with bench.as_client(apart=apart):
        while there.recv() == "go":
            timings = []
            due_at = time.monotonic()
            while not there.poll():
                due_at += 1 / rate
                time.sleep(max(0.0, due_at - time.monotonic()))
                _refresh_next(waiting, deps)
                timings.append(Timing(due_at, time.monotonic() - due_at))
            there.recv()
            there.send(timings)


def _refresh_next(waiting: deque[str], deps: IssueDeps) -> None:
    answer = refresh(RefreshRequest(waiting.popleft()), Caller("192.0.2.7", "benchmark"), deps)
    waiting.append(answer.token)
