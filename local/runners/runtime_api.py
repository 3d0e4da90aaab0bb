"""Functions as AWS runs them: a process per execution environment, driven by AWS's own runtime client.

A child (`python -m awslambdaric`) asks this process for its next event over the Lambda Runtime API and
posts the result back. One event at a time per child; more callers get more children, up to a bound of this
machine's, and then wait for one. Callers beyond the function's concurrency are throttled at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.environment import FunctionSpec
from local.gateway.arns import REGION, function_arn
from local.processes import die_with_parent, stop
from local.runners import FunctionError, Throttled
from local.runners.failures import exited, timed_out, too_large_result
from local.runners.limits import ACCOUNT_CONCURRENCY, MAX_RESULT_BYTES, Concurrency, encoded_event
from local.threads import started

_VERSION = "2018-06-01"
# How long a function may take to start. Then it is started once more, in the time of its first invocation.
_INIT_S = 10.0
_POLL_S = 0.05
# Failures that are kept to be looked at.
_REMEMBERED = 10_000
# A process → epoch seconds.
ClockOf = Callable[[int], float]


class _StartTimedOut(Exception):
    """The function did not come to ask for its first event in time."""


@dataclass
class _Invocation:
    """One event on its way to a child and back. ends_at: by the monotonic clock, once its time runs."""

    event: bytes
    timeout_s: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ends_at: float | None = None
    answered: threading.Event = field(default_factory=threading.Event)
    result: bytes = b""
    error: FunctionError | None = None

    def begin(self) -> float:
        """Its time runs from the first call on; how much is left, in seconds."""
        now = time.monotonic()
        self.ends_at = self.ends_at or now + self.timeout_s
        return self.ends_at - now

    def answer(self, result: bytes = b"", error: FunctionError | None = None) -> None:
        """The first answer counts."""
        if not self.answered.is_set():
            self.result, self.error = result, error
            self.answered.set()


@dataclass(frozen=True)
class Environment:
    """One execution environment as it is seen from outside. function: logical id."""

    function: str
    process: subprocess.Popen[bytes]
    is_busy: bool


@dataclass(frozen=True)
class Failure:
    """An invocation that gave no result. pid: of its environment; error_type: as Lambda names it; busy_s: how long of
    its time it computed or waited for a processor, None where the system does not tell."""

    function: str
    pid: int
    error_type: str
    busy_s: float | None


class _Child:
    """One execution environment: a process and the Runtime API that it alone speaks to."""

    def __init__(
        self, process_starter: _Starter, spec: FunctionSpec, log_dir: Path | None, clock_of: ClockOf
    ) -> None:
        self.spec = spec
        self._clock_of = clock_of
        self._next: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._init_error: FunctionError | None = None
        self.is_fresh = True
        self.is_stale = False
        self.ready_at: float | None = None
        self.busy_s: float | None = None
        self._server = _RuntimeApi(self)
        self.started_at = time.perf_counter()
        self.process = process_starter.start(spec, self._server.server_port, log_dir)

    def invoke(self, event: bytes, with_start: bool = False) -> bytes:
        """The result of one event; with_start: the function's time includes its start.

        Raises FunctionError, _StartTimedOut; the child is dead after a timeout or a crash.
        """
        invocation = _Invocation(event, self.spec.timeout_s)
        if with_start:
            invocation.begin()
        started_by = time.monotonic() + _INIT_S
        busy_before_s = _busy_s(self.process.pid)
        self._current = invocation
        self._next.put(invocation)
        self.is_fresh = False
        while not invocation.answered.wait(_POLL_S):
            if self.process.poll() is not None:
                invocation.answered.wait(0.2)  # what it said last may be on its way
                invocation.answer(error=self._init_error or exited(invocation.id, self.process.returncode))
            elif invocation.ends_at is None:
                if time.monotonic() > started_by:
                    raise _StartTimedOut
            elif time.monotonic() > invocation.ends_at:
                self.busy_s = _since(busy_before_s, _busy_s(self.process.pid))
                self.close()
                invocation.answer(error=timed_out(invocation.id, invocation.timeout_s))
        self._current = None
        if invocation.error is not None:
            raise invocation.error
        return invocation.result

    def clock(self) -> float:
        """What time its own clock tells, by which it knows how much of its time is left."""
        return self._clock_of(self.process.pid)

    @property
    def is_busy(self) -> bool:
        return self._current is not None

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        stop(self.process, grace_s=0.5)
        self._next.put(None)
        self._server.shutdown()
        self._server.server_close()

    def take(self) -> _Invocation | None:
        """For the Runtime API: the next event, when there is one. Asked for the first time, the function is ready."""
        self.ready_at = self.ready_at or time.perf_counter()
        return self._next.get()

    def settle(self, invocation_id: str, result: bytes = b"", error: FunctionError | None = None) -> None:
        """For the Runtime API: an answer to the current event."""
        current = self._current
        if current is not None and current.id == invocation_id:
            current.answer(result, error)

    def fail_init(self, error: FunctionError) -> None:
        """For the Runtime API: the function could not even be imported."""
        self._init_error = error
        if self._current is not None:
            self._current.answer(error=error)


class _RuntimeApi(ThreadingHTTPServer):
    """The Lambda Runtime API for one child."""

    daemon_threads = True

    def __init__(self, child: _Child) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeRequest)
        self.child = child
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A child that was killed in mid-request is no news."""


class _RuntimeRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without both of these an answer waits 40 ms for an acknowledgement (Nagle).
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _RuntimeApi

    def do_GET(self) -> None:
        invocation = self.server.child.take()
        if invocation is None:
            self.close_connection = True
            return
        deadline_ms = int((self.server.child.clock() + invocation.begin()) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": function_arn(self.server.child.spec.name),
            "Content-Type": "application/json",
        }
        self._reply(200, invocation.event, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts, child = self.path.strip("/").split("/"), self.server.child
        if parts[-1] == "response" and len(body) > MAX_RESULT_BYTES:
            # The runtime client takes the 413 for its end.
            child.is_stale = True
            child.settle(parts[-2], error=too_large_result(MAX_RESULT_BYTES))
            self._reply(413, b'{"errorType":"RequestEntityTooLarge"}', {})
            return
        if parts[-1] == "response":
            child.settle(parts[-2], result=body)
        elif parts[-2:] == ["init", "error"]:
            child.fail_init(_failure(body))
        else:
            child.settle(parts[-2], error=_failure(body))
        self._reply(202, b'{"status":"OK"}', {})

    def log_message(self, *_: object) -> None:
        """Every event twice in the log would help nobody."""

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()


class _Starter:
    """Starts children from one thread that lives as long as the runner.

    The kernel ends a child with the *thread* that started it, and callers' threads come and go.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[list[Any], queue.SimpleQueue[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="starter")
        self._thread.start()

    def start(self, spec: FunctionSpec, port: int, log_dir: Path | None) -> subprocess.Popen[bytes]:
        """A child for this function, speaking to the Runtime API on this port."""
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._jobs.put(([spec, port, log_dir], answer))
        started = answer.get()
        if isinstance(started, BaseException):
            raise started
        process: subprocess.Popen[bytes] = started
        return process

    def close(self) -> None:
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            arguments, answer = job
            try:
                answer.put(_start(*arguments))
            except OSError as exc:
                answer.put(exc)


class LambdaRunner:
    """A Runner.

    max_environments: children per function, a bound of this machine's that AWS has not; account_concurrency:
    executions that the account may have at once; queue_s: how long a call waits for a free child before it is
    throttled, None for as long as it takes; log_dir: a log file per function, else standard error; clock_of: the
    clock of a child, by its process.
    init_ms: for each function, how long its children took from their start to their readiness for an event;
    failures: of the invocations so far, the last of them.
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
        self._starter = _Starter()
        self._free: dict[str, list[_Child]] = {name: [] for name in specs}
        self._places = {name: threading.BoundedSemaphore(max_environments) for name in specs}
        self._children: set[_Child] = set()
        self._lock = threading.Lock()
        if log_dir:
            log_dir.mkdir(parents=True, exist_ok=True)

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        spec = self._specs[function]
        payload = encoded_event(event)
        self._concurrency.enter(function)
        if timeout_s is None:
            return self._execute(spec, payload)
        return started(lambda: self._execute(spec, payload)).result(timeout_s)

    def environments(self) -> list[Environment]:
        """Those that there are now."""
        with self._lock:
            return [Environment(child.spec.name, child.process, child.is_busy) for child in self._children]

    def drop(self, function: str | None = None) -> None:
        """Idle children go now, busy ones after their event."""
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
        self._starter.close()

    def _execute(self, spec: FunctionSpec, payload: bytes) -> Any:
        try:
            with self._place_for(spec.name):
                try:
                    return json.loads(self._run(spec, self._take(spec), payload))
                except _StartTimedOut:
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

    def _run(self, spec: FunctionSpec, child: _Child, payload: bytes, with_start: bool = False) -> bytes:
        is_cold = child.is_fresh
        try:
            return child.invoke(payload, with_start)
        except _StartTimedOut:
            child.is_stale = True
            raise
        except FunctionError as exc:
            self.failures.append(Failure(spec.name, child.process.pid, exc.error_type, child.busy_s))
            raise
        finally:
            self._give_back(spec, child)
            if is_cold and child.ready_at is not None:
                self.init_ms[spec.name].append((child.ready_at - child.started_at) * 1000)

    def _take(self, spec: FunctionSpec) -> _Child:
        with self._lock:
            if self._free[spec.name]:
                return self._free[spec.name].pop()
        return self._start(spec)

    def _start(self, spec: FunctionSpec) -> _Child:
        try:
            child = _Child(self._starter, spec, self._log_dir, self._clock_of)
        except OSError as exc:
            raise FunctionError("Runtime.StartError", str(exc)) from exc
        with self._lock:
            self._children.add(child)
        return child

    def _give_back(self, spec: FunctionSpec, child: _Child) -> None:
        with self._lock:
            keeps = child.is_alive and not child.is_stale and child in self._children
            if keeps:
                self._free[spec.name].append(child)
                return
            self._children.discard(child)
        child.close()


def _start(spec: FunctionSpec, port: int, log_dir: Path | None) -> subprocess.Popen[bytes]:
    module_path = os.pathsep.join(str(path) for path in (spec.code, *spec.layers))
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/tmp"),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": module_path,
        "PYTHONUNBUFFERED": "1",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": uuid.uuid4().hex,
        "AWS_LAMBDA_LOG_FORMAT": spec.log_format,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": REGION,
        "LAMBDA_TASK_ROOT": str(spec.code),
        "_HANDLER": spec.handler,
        **spec.environment,
    }
    with contextlib.ExitStack() as files:
        log = files.enter_context((log_dir / f"{spec.name}.log").open("ab")) if log_dir else None
        return subprocess.Popen(
            [spec.python, "-m", "awslambdaric", spec.handler],
            cwd=spec.code,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log or sys.stderr,
            stderr=log or sys.stderr,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def _busy_s(pid: int) -> float | None:
    """How long a process has computed or waited for a processor since its start (Linux)."""
    try:
        computed_ns, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return None
    return (int(computed_ns) + int(waited_ns)) / 1e9


def _since(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before


def _failure(body: bytes) -> FunctionError:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = {"errorMessage": body.decode(errors="replace")}
    payload = {"errorType": "Unknown", "errorMessage": "", **parsed}
    return FunctionError(str(payload["errorType"]), str(payload["errorMessage"]), payload)
