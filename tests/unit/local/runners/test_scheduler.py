"""Functions are invoked on their schedules, and again where they fail."""

import threading
from typing import Any

import pytest

from local.runners import FunctionError
from local.runners.scheduler import Schedules, due
from local.templates.schedules import Schedule

EVERY_FIVE = Schedule("Five", "CleanupFunction", 300)


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [(299, 300, True), (300, 301, False), (300, 599, False), (300, 600, True), (0, 5000, True)],
)
def test_a_turn_comes_once_each_interval(before: float, now: float, fires: bool) -> None:
    assert due([EVERY_FIVE], before, now) == ([EVERY_FIVE] if fires else [])


class Recorder:
    """Fails as often as it is told; remembers each event with the time it came at."""

    def __init__(self, clock: "Ticks", failures: int) -> None:
        self.clock, self.failures = clock, failures
        self.calls: list[tuple[float, Any]] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.calls.append((self.clock.now, event["id"]))
        if len(self.calls) <= self.failures:
            raise FunctionError("Broken", "as told")

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


class Ticks:
    """A second a look; stands still at its end and says so."""

    def __init__(self, end: float) -> None:
        self.now, self.end = 0.0, end
        self.ended = threading.Event()

    def __call__(self) -> float:
        self.now = min(self.now + 1, self.end)
        if self.now == self.end:
            self.ended.set()
        return self.now


def calls_of(failures: int) -> tuple[list[tuple[float, Any]], list[dict[str, Any]]]:
    """The calls of a schedule's one turn, at 300 s, and what is in the dead-letter queue afterwards."""
    clock = Ticks(end=590)
    recorder = Recorder(clock, failures)
    schedules = Schedules(recorder, [EVERY_FIVE], clock=clock, tick_s=0.0001)
    assert clock.ended.wait(60)
    schedules.stop()
    return recorder.calls, schedules.dead_letters


def test_a_failed_turn_is_tried_again_after_one_minute_and_after_two_more() -> None:
    calls, dead = calls_of(failures=2)

    assert [at for at, _ in calls] == [300, 360, 480]
    assert len({event_id for _, event_id in calls}) == 1
    assert dead == []


def test_a_turn_that_failed_each_time_goes_to_the_dead_letter_queue() -> None:
    calls, dead = calls_of(failures=9)

    assert [at for at, _ in calls] == [300, 360, 480]
    [letter] = dead
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert letter["requestPayload"]["id"] == calls[0][1]
    assert letter["responsePayload"] == {"errorType": "Broken", "errorMessage": "as told"}


def test_a_function_that_fails_gets_its_next_turn() -> None:
    turns: list[Any] = []
    two_turns = threading.Event()

    class Failing:
        def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
            turns.append((function, event["source"]))
            if len(turns) == 2:
                two_turns.set()
            raise FunctionError("Broken", "always")

        def drop(self, function: str | None = None) -> None: ...

        def close(self) -> None: ...

    ticks = iter(range(0, 10**6, 300))
    schedules = Schedules(Failing(), [EVERY_FIVE], clock=lambda: next(ticks), tick_s=0.001)

    assert two_turns.wait(10)
    schedules.stop()
    assert turns[:2] == [("CleanupFunction", "aws.scheduler")] * 2
