"""The time that is left of the invocation: set at its start, and read by each wait for another system.

Lambda kills a function at its timeout, and the caller gets the gateway's error instead of ours. So each wait
(for a statement, a connection, KMS) is bounded by the time that is left. Without any left the request is answered
with 503 in time.
"""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
Handler = Callable[[Any, Any], Any]

# For the answer itself, its log line, and the way back through the gateway.
RESERVE_S = 1.5
# No wait starts with less than this.
MIN_WAIT_S = 0.1

# time.monotonic() of the end; None: no end is known. Of the thread that handles the invocation.
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)
# A new object for each invocation; None outside.
_invocation: ContextVar[object] = ContextVar("invocation", default=None)


def timed(handler: Handler) -> Handler:
    """A handler within which all waiting ends with the invocation. context: as Lambda hands it over; any other object
    sets no end. The environment's next invocation is not held to the end of this one."""

    @wraps(handler)
    def within(event: Any, context: Any) -> Any:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        before = _ends_at.set(time.monotonic() + remaining() / 1000 - RESERVE_S if remaining else None)
        around = _invocation.set(_invocation.get() or object())
        try:
            return handler(event, context)
        finally:
            _invocation.reset(around)
            _ends_at.reset(before)

    return within


class OncePerInvocation:
    """A clock for the ages of caches, which are asked for many times in a request: it is read at the first of them.
    Outside of an invocation it is read each time."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._read_in: object = None
        self._now = 0

    def __call__(self) -> int:
        invocation = _invocation.get()
        if invocation is None or invocation is not self._read_in:
            self._read_in, self._now = invocation, self._clock()
        return self._now


def seconds_left(at_most: float) -> float:
    """How long to wait, in seconds: `at_most`, or what is left of the invocation; 0 where that is too little."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return at_most
    left = ends_at - time.monotonic()
    return min(at_most, left) if left >= MIN_WAIT_S else 0


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that has no bound of its own, such as that of a resolver. Raises what it raises, and
    TimeoutError after `seconds`. The call then goes on in its thread, and its result is dropped."""
    outcome: list[Callable[[], T]] = []
    is_over = threading.Event()

    def run() -> None:
        try:
            result = call()
            outcome.append(lambda: result)
        except BaseException as exc:  # noqa: BLE001 - it is raised where the call is waited for
            error = exc
            outcome.append(lambda: _raise(error))
        finally:
            is_over.set()

    threading.Thread(target=run, daemon=True, name="call_within").start()
    if not is_over.wait(max(0, seconds)):
        raise TimeoutError("timed out")
    return outcome[0]()


def _raise(error: BaseException) -> Any:
    raise error
