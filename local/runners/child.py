"""One execution environment: a child process that runs AWS's own runtime client (`python -m awslambdaric`)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from local.host.ports import HOST
from local.host.processes import die_with_parent, stop
from local.runners.failures import exited, timed_out
from local.runners.runtime_api import Invocation, RuntimeApi
from local.templates.arns import REGION
from local.templates.functions import FunctionSpec

# How long a function may take to start. Then it is started once more, in the time of its first invocation.
_INIT_S = 10.0
_POLL_S = 0.05
# How long the last message of a process that has ended may still take.
_LAST_WORD_S = 0.2
# Process id → epoch seconds.
ClockOf = Callable[[int], float]


class StartTimedOut(Exception):
    """The function did not ask for its first event in time."""


class Child:
    """A process, and the Runtime API that only this process calls.

    starter: its thread starts the process, and has to outlive it. log_dir: for a log file of each function;
    None for standard error. is_fresh: no event was sent yet. is_stale: the process must not get another event.
    busy_s: what an invocation that ran out of its time had computed or waited for a processor; see `Failure`.
    """

    def __init__(
        self, starter: Executor, spec: FunctionSpec, log_dir: Path | None, clock_of: ClockOf
    ) -> None:
        self.spec = spec
        self.is_fresh = True
        self.is_stale = False
        self.busy_s: float | None = None
        self._api = RuntimeApi(spec.name, lambda: clock_of(self.process.pid))
        self._started_at = time.perf_counter()
        self.process = starter.submit(_start, spec, self._api.server_port, log_dir).result()

    def invoke(self, event: bytes, with_start: bool = False) -> bytes:
        """The result of one event. with_start: the start counts as part of the function's time.

        Raises FunctionError, StartTimedOut. After a time-out or a crash the process is dead.
        """
        invocation = Invocation(event, self.spec.timeout_s)
        if with_start:
            invocation.begin()
        start_ends_at = time.monotonic() + _INIT_S
        busy_before_s = _busy_s(self.process.pid)
        self._api.offer(invocation)
        self.is_fresh = False
        while not invocation.answered.wait(_POLL_S):
            if not self.is_alive:
                invocation.answered.wait(_LAST_WORD_S)
                invocation.answer(
                    error=self._api.init_error or exited(invocation.id, self.process.returncode)
                )
            elif invocation.ends_at is None:
                if time.monotonic() > start_ends_at:
                    raise StartTimedOut
            elif time.monotonic() > invocation.ends_at:
                self.busy_s = _since(busy_before_s, _busy_s(self.process.pid))
                self.close()
                invocation.answer(error=timed_out(invocation.id, invocation.timeout_s))
        self._api.clear()
        if invocation.error is not None:
            raise invocation.error
        return invocation.result

    @property
    def init_ms(self) -> float | None:
        """How long the process took from its start until it was ready; None before."""
        ready_at = self._api.ready_at
        return None if ready_at is None else (ready_at - self._started_at) * 1000

    @property
    def is_busy(self) -> bool:
        return self._api.current is not None

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def is_reusable(self) -> bool:
        """Whether the process may get another event."""
        return self.is_alive and not self.is_stale and not self._api.is_ending

    def close(self) -> None:
        stop(self.process, grace_s=0.5)
        self._api.close()


def _start(spec: FunctionSpec, port: int, log_dir: Path | None) -> subprocess.Popen[bytes]:
    with contextlib.ExitStack() as files:
        log = files.enter_context((log_dir / f"{spec.name}.log").open("ab")) if log_dir else None
        return subprocess.Popen(
            [spec.python, "-m", "awslambdaric", spec.handler],
            cwd=spec.code,
            env=_variables(spec, port),
            stdin=subprocess.DEVNULL,
            stdout=log or sys.stderr,
            stderr=log or sys.stderr,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def _variables(spec: FunctionSpec, port: int) -> dict[str, str]:
    """The variables that Lambda sets, and the function's own."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/tmp"),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(str(path) for path in (spec.code, *spec.layers)),
        "PYTHONUNBUFFERED": "1",
        "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{port}",
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


def _busy_s(pid: int) -> float | None:
    """How long a process has computed or waited for a processor since its start (Linux); None if unknown."""
    try:
        computed_ns, waited_ns, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return None
    return (int(computed_ns) + int(waited_ns)) / 1e9


def _since(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before
