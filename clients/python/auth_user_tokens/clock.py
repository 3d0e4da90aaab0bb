"""Time, as an argument: tests and the simulator bring their own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Protocol

# Each counts the time that the machine sleeps, which `time.monotonic` leaves out on Linux and on macOS.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC if sys.platform == "darwin" else None)


@dataclass(frozen=True, slots=True)
class Instant:
    """wall: epoch seconds, which a user may set; steady: seconds that only grow, of no fixed start."""

    wall: float
    steady: float

    @property
    def zero(self) -> float:
        """What the wall clock showed when the steady one began, which is when this machine started: the same in all of
        its processes until somebody sets the clock."""
        return self.wall - self.steady


class Clock(Protocol):
    def now(self) -> Instant: ...


class SystemClock:
    """This machine's."""

    def now(self) -> Instant:
        steady = time.monotonic() if _STEADY is None else time.clock_gettime(_STEADY)
        return Instant(time.time(), steady)


def elapsed_s(since: Instant, now: Instant) -> float:
    """The larger of both: a wall clock that was set back hides no time, nor does a steady one that slept."""
    return max(now.wall - since.wall, now.steady - since.steady)
