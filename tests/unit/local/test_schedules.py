"""Schedules are read from the template and fired in turn."""

import threading
from typing import Any

import pytest

from local.environment import TEMPLATE
from local.gateway.intrinsics import TemplateError
from local.runners import FunctionError
from local.schedules import Schedule, Schedules, due, schedules_in

EVERY_FIVE = Schedule("Five", "CleanupFunction", 300)


def test_the_templates_schedules_are_cleanup_analytics_and_keys() -> None:
    found = {schedule.function: schedule.every_s for schedule in schedules_in(TEMPLATE)}

    assert found == {"CleanupFunction": 300, "AnalyticsFunction": 300, "RotateKeysFunction": 86_400}


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [(299, 300, True), (300, 301, False), (300, 599, False), (300, 600, True), (0, 5000, True)],
)
def test_a_turn_comes_once_each_interval(before: float, now: float, fires: bool) -> None:
    assert due([EVERY_FIVE], before, now) == ([EVERY_FIVE] if fires else [])


def test_an_expression_that_is_not_known_is_refused(tmp_path: Any) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE.read_text().replace("rate(1 day)", "cron(0 3 * * ? *)"))

    with pytest.raises(TemplateError, match="cron"):
        schedules_in(template)


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
