"""Functions as AWS runs them: a process per execution environment, driven by AWS's own runtime client.

A child (`python -m awslambdaric`) asks this process for its next event over the Lambda Runtime API and
posts the result back. One event at a time per child; more callers get more children, up to a bound, and
then wait.
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
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.environment import FunctionSpec
from local.gateway.arns import REGION, function_arn
from local.processes import die_with_parent, stop
from local.runners import FunctionError

_VERSION = "2018-06-01"
# How long a function may take to start; Lambda allows ten seconds.
_INIT_S = 30.0


@dataclass
class _Invocation:
    """One event on its way to a child and back."""

    event: bytes
    timeout_s: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answered: threading.Event = field(default_factory=threading.Event)
    result: bytes = b""
    error: dict[str, Any] | None = None

    def answer(self, result: bytes = b"", error: dict[str, Any] | None = None) -> None:
        """The first answer counts."""
        if not self.answered.is_set():
            self.result, self.error = result, error
            self.answered.set()


class _Child:
    """One execution environment: a process and the Runtime API that it alone speaks to."""

    def __init__(self, process_starter: _Starter, spec: FunctionSpec, log_dir: Path | None) -> None:
        self.spec = spec
        self._next: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._init_error: dict[str, Any] | None = None
        self.is_fresh = True
        self.is_stale = False
        self.ready_at: float | None = None
        self._server = _RuntimeApi(self)
        self.started_at = time.perf_counter()
        self.process = process_starter.start(spec, self._server.server_port, log_dir)

    def invoke(self, event: bytes, timeout_s: float) -> bytes:
        """The result of one event. Raises FunctionError; the child is dead after a timeout or a crash."""
        invocation = _Invocation(event, timeout_s)
        self._current = invocation
        self._next.put(invocation)
        deadline = time.monotonic() + timeout_s + (_INIT_S if self.is_fresh else 0)
        self.is_fresh = False
        while not invocation.answered.wait(0.05):
            if self.process.poll() is not None:
                invocation.answered.wait(0.2)  # what it said last may be on its way
                invocation.answer(error=self._init_error or _exited(invocation, self.process.returncode))
            elif time.monotonic() > deadline:
                self.close()
                message = f"{invocation.id} Task timed out after {timeout_s:.2f} seconds"
                invocation.answer(error={"errorType": "Sandbox.Timedout", "errorMessage": message})
        self._current = None
        if invocation.error is not None:
            payload = invocation.error
            kind, text = str(payload.get("errorType")), str(payload.get("errorMessage"))
            raise FunctionError(kind, text, payload)
        return invocation.result

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

    def settle(self, invocation_id: str, result: bytes = b"", error: dict[str, Any] | None = None) -> None:
        """For the Runtime API: an answer to the current event."""
        current = self._current
        if current is not None and current.id == invocation_id:
            current.answer(result, error)

    def fail_init(self, error: dict[str, Any]) -> None:
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
        deadline_ms = int((time.time() + invocation.timeout_s) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": function_arn(self.server.child.spec.name),
            "Content-Type": "application/json",
        }
        self._reply(200, invocation.event, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self.path.strip("/").split("/")
        if parts[-1] == "response":
            self.server.child.settle(parts[-2], result=body)
        elif parts[-2:] == ["init", "error"]:
            self.server.child.fail_init(_parsed(body))
        else:
            self.server.child.settle(parts[-2], error=_parsed(body))
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
    """A Runner. max_environments: children per function; log_dir: a log file per function, else standard error.

    init_ms: for each function, how long its children took from their start to their readiness for an event.
    """

    def __init__(
        self, specs: Mapping[str, FunctionSpec], *, max_environments: int = 4, log_dir: Path | None = None
    ) -> None:
        self.init_ms: dict[str, list[float]] = {name: [] for name in specs}
        self._specs = specs
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
        payload = json.dumps(event).encode()
        with self._places[function]:
            child = self._take(spec)
            is_cold = child.is_fresh
            try:
                result = child.invoke(payload, min(timeout_s or spec.timeout_s, spec.timeout_s))
            finally:
                self._give_back(spec, child)
                if is_cold and child.ready_at is not None:
                    self.init_ms[function].append((child.ready_at - child.started_at) * 1000)
        return json.loads(result)

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

    def _take(self, spec: FunctionSpec) -> _Child:
        with self._lock:
            if self._free[spec.name]:
                return self._free[spec.name].pop()
        try:
            child = _Child(self._starter, spec, self._log_dir)
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


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = {"errorMessage": body.decode(errors="replace")}
    return {"errorType": "Unknown", "errorMessage": "", **parsed}


def _exited(invocation: _Invocation, code: int) -> dict[str, Any]:
    message = f"RequestId: {invocation.id} Error: Runtime exited with error: exit status {code}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}
