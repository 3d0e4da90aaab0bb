"""How long the invocation at hand may still take: known at its start, and asked by whatever waits for others.

Lambda kills a function at its timeout, and the caller gets the gateway's error instead of ours. So each wait
(for a statement, a connection, KMS) is as long as what is left allows, and with nothing left the request is
answered 503 while there is time to. Jobs on schedules have their own way with time and say nothing here.
"""

import time
from contextvars import ContextVar
from typing import Any

# For the answer itself, its log line, and the way back through the gateway.
RESERVE_S = 1.5
# Less than this is no time to wait for anything.
LEAST_S = 0.1

# time.monotonic() of the end; None: no end is known. Of the thread that handles the invocation.
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


def begin_invocation(context: Any) -> None:
    """Note how long an invocation has. context: as Lambda hands it over; any other object sets no end."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    _ends_at.set(time.monotonic() + remaining() / 1000 - RESERVE_S if remaining else None)


def seconds_left(at_most: float) -> float:
    """How long to wait, in seconds: `at_most`, or what is left of the invocation; 0 where that is too little."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return at_most
    left = ends_at - time.monotonic()
    return min(at_most, left) if left >= LEAST_S else 0
