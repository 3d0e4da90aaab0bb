"""Runs functions as AWS does: one child process for each execution environment, under AWS's own runtime client.

An environment handles one event at a time. More callers get more environments, up to a bound of this machine's, and
then wait for one. Callers beyond the function's concurrency are throttled at once.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.runners import FunctionError, Throttled
from local.runners.child import Child, ClockOf, StartTimedOut
from local.runners.limits import ACCOUNT_CONCURRENCY, Concurrency, encoded_event
from local.templates.functions import FunctionSpec

# How many failures are kept.
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Environment:
    """One execution environment, as it is now. function: its logical id."""

    function: str
    process: subprocess.Popen[bytes]
    is_busy: bool


@dataclass(frozen=True)
class Failure:
    """An invocation without a result.

    pid: of its environment. error_type: Lambda's name for the error. busy_s: how much of its time the function
    computed or waited for a processor; None if it did not run out of its time, or where the system does not say.
    """

    function: str
    pid: int
    error_type: str
    busy_s: float | None


class LambdaRunner:
    """A Runner.

    max_environments: of one function, a bound of this machine's that AWS does not have.
    account_concurrency: how many executions the account may have at once.
    queue_s: how long a call waits for a free environment before it is throttled; None for as long as it takes.
    log_dir: for a log file of each function; None for standard error.
    clock_of: the clock of an environment, by its process.
    init_ms: how long the environments of each function took until they were ready.
    failures: the last failed invocations.
    """

    def __init__(
        self,
        specs: Mapping[str, FunctionSpec],
        *,
        max_environments: int = 4,
        account_concurrency: int = ACCOUNT_CONCURRENCY,
        queue_s: float | None = None,
        log_dir: Path | None = None,
        clock_of: ClockOf = lambda pid: time.time(),
    ) -> None:
        self.init_ms: dict[str, list[float]] = {name: [] for name in specs}
        self.failures: deque[Failure] = deque(maxlen=_REMEMBERED)
        self._queue_s = queue_s
        self._clock_of = clock_of
        self._specs = specs
        self._concurrency = Concurrency(specs, account_concurrency)
        self._log_dir = log_dir
        # The kernel ends a child with the *thread* that started it. Callers' threads come and go, this one stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
        # One thread for each execution of a caller that may stop waiting; `Concurrency` admits no more of them.
        self._executions = ThreadPoolExecutor(account_concurrency, thread_name_prefix="execution")
        self._free: dict[str, list[Child]] = {name: [] for name in specs}
        self._places = {name: threading.BoundedSemaphore(max_environments) for name in specs}
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        if log_dir:
            log_dir.mkdir(parents=True, exist_ok=True)

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        spec = self._specs[function]
        payload = encoded_event(event)
        self._concurrency.enter(function)
        if timeout_s is None:
            return self._execute(spec, payload)
        return self._executions.submit(self._execute, spec, payload).result(timeout_s)

    def environments(self) -> list[Environment]:
        """The environments that exist now."""
        with self._lock:
            return [Environment(child.spec.name, child.process, child.is_busy) for child in self._children]

    def drop(self, function: str | None = None) -> None:
        """Ends idle environments now, and busy ones after their event."""
        with self._lock:
            names = [function] if function else list(self._free)
            idle = [child for name in names for child in self._free[name]]
            for name in names:
                self._free[name] = []
            for child in self._children - set(idle):
                child.is_stale = child.is_stale or function in (None, child.spec.name)
            self._children -= set(idle)
        for child in idle:
            child.close()

    def close(self) -> None:
        with self._lock:
            children, self._children = list(self._children), set()
        for child in children:
            child.close()
        self._executions.shutdown(wait=False)
        self._starter.shutdown(wait=False)

    def _execute(self, spec: FunctionSpec, payload: bytes) -> Any:
        try:
            with self._place_for(spec.name):
                try:
                    return json.loads(self._run(spec, self._take(spec), payload))
                except StartTimedOut:
                    return json.loads(self._run(spec, self._start(spec), payload, with_start=True))
        finally:
            self._concurrency.leave(spec.name)

    @contextlib.contextmanager
    def _place_for(self, function: str) -> Iterator[None]:
        places = self._places[function]
        if not places.acquire(timeout=self._queue_s):
            raise Throttled("TooManyRequestsException", "Rate Exceeded.")
        try:
            yield
        finally:
            places.release()

    def _run(self, spec: FunctionSpec, child: Child, payload: bytes, with_start: bool = False) -> bytes:
        is_cold = child.is_fresh
        try:
            return child.invoke(payload, with_start)
        except StartTimedOut:
            child.is_stale = True
            raise
        except FunctionError as exc:
            self.failures.append(Failure(spec.name, child.process.pid, exc.error_type, child.busy_s))
            raise
        finally:
            self._give_back(spec, child)
            if is_cold and child.init_ms is not None:
                self.init_ms[spec.name].append(child.init_ms)

    def _take(self, spec: FunctionSpec) -> Child:
        with self._lock:
            if self._free[spec.name]:
                return self._free[spec.name].pop()
        return self._start(spec)

    def _start(self, spec: FunctionSpec) -> Child:
        try:
            child = Child(self._starter, spec, self._log_dir, self._clock_of)
        except OSError as exc:
            raise FunctionError("Runtime.StartError", str(exc)) from exc
        with self._lock:
            self._children.add(child)
        return child

    def _give_back(self, spec: FunctionSpec, child: Child) -> None:
        with self._lock:
            keeps = child.is_reusable and child in self._children
            if keeps:
                self._free[spec.name].append(child)
                return
            self._children.discard(child)
        child.close()
