"""Calls on threads of their own."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def started(call: Callable[[], T]) -> Future[T]:
    """The call, begun on a thread that holds up no exit; the future has what it returned or raised.

    Unlike an executor's, also a SystemExit. Waiting for it with a time-out leaves the call at work.
    """
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True, name=getattr(call, "__name__", "call")).start()
    return future
