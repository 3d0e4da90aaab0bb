"""The schedules of template.yaml, fired as EventBridge Scheduler would."""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from local.environment import TEMPLATE
from local.gateway.arns import ACCOUNT_ID, PARTITION, REGION
from local.gateway.intrinsics import TemplateError
from local.runners import FunctionError, Runner

LOG = logging.getLogger(__name__)

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}
_TICK_S = 1.0


@dataclass(frozen=True)
class Schedule:
    """One schedule of one function."""

    name: str
    function: str
    every_s: int

    def event(self, now: float) -> dict[str, Any]:
        """What Scheduler sends a Lambda target that was given no input of its own."""
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT_ID,
            "time": datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:{PARTITION}:scheduler:{REGION}:{ACCOUNT_ID}:schedule/default/{self.name}"],
            "detail": "{}",
        }


def schedules_in(template: Path) -> list[Schedule]:
    """The ScheduleV2 events of a template's functions. Raises TemplateError for an expression unknown here."""
    from samtranslator.yaml_helper import yaml_parse

    resources = yaml_parse(template.read_text(encoding="utf-8"))["Resources"]
    return [
        Schedule(f"{function}{name}", function, _every_s(event["Properties"]["ScheduleExpression"]))
        for function, resource in resources.items()
        for name, event in resource.get("Properties", {}).get("Events", {}).items()
        if event["Type"] == "ScheduleV2"
    ]


def due(schedules: list[Schedule], before: float, now: float) -> list[Schedule]:
    """Those with a turn in (before, now]; one turn, however many were missed. Turns are counted from 0."""
    return [s for s in schedules if int(now // s.every_s) > int(before // s.every_s)]


class Schedules:
    """Fires what is due, until stopped. A function that fails is logged and gets its next turn."""

    def __init__(
        self,
        runner: Runner,
        schedules: list[Schedule] | None = None,
        clock: Callable[[], float] = time.time,
        tick_s: float = _TICK_S,
    ) -> None:
        self._runner = runner
        self._schedules = schedules_in(TEMPLATE) if schedules is None else schedules
        self._clock = clock
        self._tick_s = tick_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._fire, daemon=True, name="schedules")
        self._thread.start()

    def stop(self) -> None:
        """Returns once nothing more is fired."""
        self._stopping.set()
        self._thread.join()

    def _fire(self) -> None:
        before = self._clock()
        while not self._stopping.wait(self._tick_s):
            now = self._clock()
            for schedule in due(self._schedules, before, now):
                try:
                    self._runner.invoke(schedule.function, schedule.event(now))
                except FunctionError as exc:
                    LOG.warning("%s failed: %s", schedule.name, exc)
            before = now


def _every_s(expression: str) -> int:
    match = _RATE.fullmatch(expression)
    if not match:
        raise TemplateError(f"{expression} is not a schedule that local mode knows")
    return int(match[1]) * _UNIT_S[match[2]]
