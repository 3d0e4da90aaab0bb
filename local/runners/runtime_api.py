"""The Lambda Runtime API, which AWS's runtime client calls for events and posts results to.

Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.host.ports import HOST
from local.runners import FunctionError
from local.runners.failures import too_large_result
from local.runners.limits import MAX_RESULT_BYTES
from local.templates.arns import function_arn


@dataclass
class Invocation:
    """One event and its outcome. ends_at: when the function's time is over, by the monotonic clock; None before."""

    event: bytes
    timeout_s: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ends_at: float | None = None
    answered: threading.Event = field(default_factory=threading.Event)
    result: bytes = b""
    error: FunctionError | None = None

    def begin(self) -> float:
        """Starts the function's time at the first call. Returns what is left of it, in seconds."""
        now = time.monotonic()
        self.ends_at = self.ends_at or now + self.timeout_s
        return self.ends_at - now

    def answer(self, result: bytes = b"", error: FunctionError | None = None) -> None:
        """Sets the outcome. Only the first call has an effect."""
        if not self.answered.is_set():
            self.result, self.error = result, error
            self.answered.set()


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API for one execution environment, which handles one event at a time.

    clock: the environment's own, epoch seconds; deadlines are given by it.
    ready_at: when the function first asked for an event (perf_counter); None before.
    is_ending: the runtime client was sent a 413, after which it exits.
    """

    daemon_threads = True

    def __init__(self, function: str, clock: Callable[[], float]) -> None:
        super().__init__((HOST, 0), _Request)
        self.function = function
        self.clock = clock
        self.ready_at: float | None = None
        self.is_ending = False
        self.init_error: FunctionError | None = None
        self.current: Invocation | None = None
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def offer(self, invocation: Invocation) -> None:
        """Makes an event the current one, for the function to fetch."""
        self.current = invocation
        self._next.put(invocation)

    def clear(self) -> None:
        """No event is current any more."""
        self.current = None

    def take(self) -> Invocation | None:
        """Waits for the next event; None when the API closes. The function is ready at the first call."""
        self.ready_at = self.ready_at or time.perf_counter()
        return self._next.get()

    def settle(self, invocation_id: str, result: bytes = b"", error: FunctionError | None = None) -> None:
        """Sets the outcome of the current event. An outcome for another event is ignored."""
        current = self.current
        if current is not None and current.id == invocation_id:
            current.answer(result, error)

    def fail_init(self, error: FunctionError) -> None:
        """The function could not be imported."""
        self.init_error = error
        if self.current is not None:
            self.current.answer(error=error)

    def close(self) -> None:
        self._next.put(None)
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: a process that was killed during a request is expected."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without both of these a response waits 40 ms for an acknowledgement (Nagle).
    disable_nagle_algorithm = True
    wbufsize = -1
    server: RuntimeApi

    def do_GET(self) -> None:
        api = self.server
        invocation = api.take()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((api.clock() + invocation.begin()) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": function_arn(api.function),
            "Content-Type": "application/json",
        }
        self._reply(200, invocation.event, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts, api = self.path.strip("/").split("/"), self.server
        if parts[-1] == "response" and len(body) > MAX_RESULT_BYTES:
            api.is_ending = True
            api.settle(parts[-2], error=too_large_result(MAX_RESULT_BYTES))
            self._reply(413, b'{"errorType":"RequestEntityTooLarge"}', {})
            return
        if parts[-1] == "response":
            api.settle(parts[-2], result=body)
        elif parts[-2:] == ["init", "error"]:
            api.fail_init(_failure(body))
        else:
            api.settle(parts[-2], error=_failure(body))
        self._reply(202, b'{"status":"OK"}', {})

    def log_message(self, *_: object) -> None:
        """Logs nothing: the function's own log has a line for each event."""

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()


def _failure(body: bytes) -> FunctionError:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = {"errorMessage": body.decode(errors="replace")}
    payload = {"errorType": "Unknown", "errorMessage": "", **parsed}
    return FunctionError(str(payload["errorType"]), str(payload["errorMessage"]), payload)
