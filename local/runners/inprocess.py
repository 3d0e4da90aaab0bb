"""Runs all functions in this process, for tests: fast, with one warm environment for each function."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from local.runners import FunctionError
from local.runners.context import LambdaContext
from local.runners.failures import exited, timed_out, too_large_result
from local.runners.limits import ACCOUNT_CONCURRENCY, MAX_RESULT_BYTES, Concurrency, encoded_event
from local.templates.functions import FunctionSpec

Handler = Callable[[Any, Any], Any]

# Functions read their environment variables when they are imported, so one is imported at a time.
_IMPORTING = threading.Lock()
# Handlers at work and handlers that ran out of their time, of one runner.
_MAX_HANDLERS = 2 * ACCOUNT_CONCURRENCY


class InProcessRunner:
    """A Runner. A function has one execution environment here: its calls wait for each other, up to its concurrency.

    Nothing can end a thread. A function that runs out of its time therefore keeps its thread and its copy of the
    module, and this process exits only after it has returned. `os._exit` in a function ends this process.
    """

    def __init__(
        self, specs: Mapping[str, FunctionSpec], *, account_concurrency: int = ACCOUNT_CONCURRENCY
    ) -> None:
        self._specs = specs
        self._concurrency = Concurrency(specs, account_concurrency)
        self._handlers: dict[str, Handler] = {}
        # One thread for each execution, so that its caller may stop waiting; `Concurrency` admits no more of them.
        self._executions = ThreadPoolExecutor(account_concurrency, thread_name_prefix="execution")
        # One for each handler, so that an execution may stop waiting. Those that ran out of their time keep theirs.
        self._handling = ThreadPoolExecutor(_MAX_HANDLERS, thread_name_prefix="handler")
        self._locks = {name: threading.Lock() for name in specs}
        for spec in specs.values():
            # These variables stay set, because AWS clients are created at their first use, long after the import.
            os.environ.update({k: v for k, v in spec.environment.items() if k.startswith("AWS_")})

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        spec = self._specs[function]
        payload = encoded_event(event)
        self._concurrency.enter(function)
        return self._executions.submit(copy_context().run, self._execute, spec, payload).result(timeout_s)

    def drop(self, function: str | None = None) -> None:
        for name in [function] if function else list(self._handlers):
            self._handlers.pop(name, None)

    def close(self) -> None:
        self.drop()
        self._executions.shutdown(wait=False)
        self._handling.shutdown(wait=False)

    def _execute(self, spec: FunctionSpec, payload: bytes) -> Any:
        try:
            with self._locks[spec.name]:
                return _checked(self._run(spec, json.loads(payload)))
        finally:
            self._concurrency.leave(spec.name)

    def _run(self, spec: FunctionSpec, event: Any) -> Any:
        context = LambdaContext.of(spec)
        try:
            handler = self._handler(spec)
            context = LambdaContext.of(spec)
            running = self._handling.submit(copy_context().run, handler, event, context)
            if not wait([running], spec.timeout_s).done:
                self.drop(spec.name)
                raise timed_out(context.aws_request_id, spec.timeout_s)
            return running.result()
        except FunctionError:
            raise
        except SystemExit as exc:
            self.drop(spec.name)
            raise exited(context.aws_request_id, _status(exc)) from exc
        except Exception as exc:
            raise _function_error(exc) from exc

    def _handler(self, spec: FunctionSpec) -> Handler:
        if spec.name not in self._handlers:
            with _IMPORTING, _environment(spec):
                self._handlers[spec.name] = _imported(spec)
        return self._handlers[spec.name]


def _imported(spec: FunctionSpec) -> Handler:
    """The handler in a new copy of the function's module. No other runner shares the copy."""
    module_name, _, handler_name = spec.handler.partition(".")
    unique = f"{spec.name}_{uuid.uuid4().hex}"
    module_spec = importlib.util.spec_from_file_location(unique, spec.code / f"{module_name}.py")
    if module_spec is None or module_spec.loader is None:
        raise FunctionError("Runtime.ImportModuleError", f"Unable to import module '{module_name}'")
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    handler: Handler = getattr(module, handler_name)
    return handler


@contextlib.contextmanager
def _environment(spec: FunctionSpec) -> Iterator[None]:
    before = dict(os.environ)
    path = list(sys.path)
    os.environ.update(spec.environment)
    sys.path[:0] = [str(layer) for layer in spec.layers if str(layer) not in path]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _checked(result: Any) -> Any:
    """The result as it comes back from JSON. Raises FunctionError."""
    try:
        text = json.dumps(result)
    except (TypeError, ValueError) as exc:
        raise FunctionError("Runtime.MarshalError", f"Unable to marshal response: {exc}") from exc
    if len(text) > MAX_RESULT_BYTES:
        raise too_large_result(MAX_RESULT_BYTES)
    return json.loads(text)


def _status(exc: SystemExit) -> int:
    """The exit status that a process would have."""
    if exc.code is None:
        return 0
    return exc.code if isinstance(exc.code, int) else 1


def _function_error(exc: Exception) -> FunctionError:
    payload = {
        "errorMessage": str(exc),
        "errorType": type(exc).__name__,
        "stackTrace": traceback.format_tb(exc.__traceback__),
    }
    return FunctionError(type(exc).__name__, str(exc), payload)
