"""Invokes functions on their schedules, as EventBridge Scheduler does.

Scheduler passes an event to Lambda, which invokes the function asynchronously: Lambda keeps the event, sends it again
if the function fails, and after the last failure passes it to the dead-letter queue.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from local.runners import FunctionError, Runner
from local.templates.arns import function_arn
from local.templates.schedules import Schedule, schedules_in
from local.templates.stacks import PRODUCT

LOG = logging.getLogger(__name__)

_TICK_S = 1.0
# Lambda waits a minute before the first retry, and two more before the second.
_RETRY_S = 60.0


def due(schedules: list[Schedule], before: float, now: float) -> list[Schedule]:
    """The schedules with a turn in (before, now]. Turns are multiples of `every_s`; missed ones count as one."""
    return [s for s in schedules if int(now // s.every_s) > int(before // s.every_s)]


@dataclass(frozen=True)
class _Attempt:
    """An event that is sent to its function. number: counted from 1; at: the earliest time, epoch seconds."""

    schedule: Schedule
    event: Any
    number: int
    at: float


class Schedules:
    """Invokes the functions whose turn it is, until stopped.

    dead_letters: what the dead-letter queue would hold. After a failure a function still has its next turn.
    """

    def __init__(
        self,
        runner: Runner,
        schedules: list[Schedule] | None = None,
        clock: Callable[[], float] = time.time,
        tick_s: float = _TICK_S,
    ) -> None:
        self.dead_letters: list[dict[str, Any]] = []
        self._runner = runner
        self._schedules = schedules_in(PRODUCT) if schedules is None else schedules
        self._clock = clock
        self._tick_s = tick_s
        self._kept: list[_Attempt] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._fire, daemon=True, name="schedules")
        self._thread.start()

    def stop(self) -> None:
        """Returns after the last invocation."""
        self._stopping.set()
        self._thread.join()

    def _fire(self) -> None:
        before = self._clock()
        while not self._stopping.wait(self._tick_s):
            now = self._clock()
            turns = [_Attempt(s, s.event(now), 1, now) for s in due(self._schedules, before, now)]
            again = [attempt for attempt in self._kept if attempt.at <= now]
            self._kept = [attempt for attempt in self._kept if attempt.at > now]
            for attempt in (*turns, *again):
                self._try(attempt, now)
            before = now

    def _try(self, attempt: _Attempt, now: float) -> None:
        schedule = attempt.schedule
        try:
            self._runner.invoke(schedule.function, attempt.event)
        except FunctionError as exc:
            LOG.warning("%s failed, attempt %d: %s", schedule.name, attempt.number, exc)
            if attempt.number <= schedule.retries:
                at = now + _RETRY_S * attempt.number
                self._kept.append(replace(attempt, number=attempt.number + 1, at=at))
            else:
                self.dead_letters.append(_dead_letter(attempt, exc))


def _dead_letter(attempt: _Attempt, error: FunctionError) -> dict[str, Any]:
    """The record of a failure, with the members that are known here.

    Source: Lambda developer guide, "Retaining records of asynchronous invocations".
    """
    return {
        "version": "1.0",
        "requestContext": {
            "functionArn": function_arn(attempt.schedule.function),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempt.number,
        },
        "requestPayload": attempt.event,
        "responsePayload": error.payload,
    }
