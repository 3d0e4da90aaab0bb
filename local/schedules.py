"""The schedules of template.yaml, fired as EventBridge Scheduler would.

Scheduler hands an event to Lambda, which invokes the function asynchronously: it keeps the event, tries it
again where the function fails, and then gives it to the dead-letter queue.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from local.environment import TEMPLATE
from local.gateway.arns import ACCOUNT_ID, PARTITION, REGION, function_arn
from local.gateway.intrinsics import Resolver, TemplateError
from local.gateway.translate import translate
from local.runners import FunctionError, Runner

LOG = logging.getLogger(__name__)

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}
_TICK_S = 1.0
# Lambda tries an event again twice unless told otherwise, a minute after the first failure and two after the second.
_RETRIES = 2
_RETRY_S = 60.0


@dataclass(frozen=True)
class Schedule:
    """One schedule of one function.

    input: the text that it sends, JSON, None for Scheduler's own event; retries: how often Lambda
    tries an event again that its function failed at.
    """

    name: str
    function: str
    every_s: int
    input: str | None = None
    retries: int = _RETRIES

    @property
    def arn(self) -> str:
        return f"arn:{PARTITION}:scheduler:{REGION}:{ACCOUNT_ID}:schedule/default/{self.name}"

    def event(self, now: float) -> Any:
        """What Scheduler sends its target; now: when its turn is, epoch seconds."""
        scheduled = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.input is not None:
            return json.loads(self._filled(self.input, scheduled))
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT_ID,
            "time": scheduled,
            "region": REGION,
            "resources": [self.arn],
            "detail": "{}",
        }

    def _filled(self, text: str, scheduled: str) -> str:
        """The context attributes that Scheduler replaces in an input."""
        values = {
            "schedule-arn": self.arn,
            "scheduled-time": scheduled,
            "execution-id": uuid.uuid4().hex[:16],
            "attempt-number": "1",
        }
        for name, value in values.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


def schedules_in(template: Path) -> list[Schedule]:
    """The schedules of a template that are switched on. Raises TemplateError for an expression unknown here."""
    translated = translate(template, {})
    resolver = Resolver(translated, {})
    resources = translated["Resources"]
    retries = dict(_retries(resources, resolver))
    found = []
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] != "AWS::Scheduler::Schedule" or properties.get("State") == "DISABLED":
            continue
        target = properties["Target"]
        function = resolver.resolve(target["Arn"]).rpartition(":")[2]
        schedule = Schedule(
            resolver.resolve(properties.get("Name", name)),
            function,
            _every_s(properties["ScheduleExpression"]),
            resolver.resolve(target.get("Input")),
            retries.get(function, _RETRIES),
        )
        found.append(schedule)
    return found


def _retries(resources: Mapping[str, Any], resolver: Resolver) -> Iterator[tuple[str, int]]:
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
            properties = resource["Properties"]
            attempts = properties.get("MaximumRetryAttempts", _RETRIES)
            yield resolver.resolve(properties["FunctionName"]), int(resolver.resolve(attempts))


def due(schedules: list[Schedule], before: float, now: float) -> list[Schedule]:
    """Those with a turn in (before, now]; one turn, however many were missed. Turns are counted from 0."""
    return [s for s in schedules if int(now // s.every_s) > int(before // s.every_s)]


@dataclass(frozen=True)
class _Attempt:
    """An event on its way to its function. number: from 1; at: epoch seconds, not before."""

    schedule: Schedule
    event: Any
    number: int
    at: float


class Schedules:
    """Fires what is due, until stopped, as events that Lambda keeps and tries again.

    dead_letters: what the dead-letter queue would hold. A function that fails has its next turn all the same.
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
        self._schedules = schedules_in(TEMPLATE) if schedules is None else schedules
        self._clock = clock
        self._tick_s = tick_s
        self._kept: list[_Attempt] = []
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
    """What a destination for failures is told (Lambda developer guide, "Retaining records of asynchronous
    invocations"), as far as it is known here."""
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


def _every_s(expression: str) -> int:
    match = _RATE.fullmatch(expression)
    if not match:
        raise TemplateError(f"{expression} is not a schedule that local mode knows")
    return int(match[1]) * _UNIT_S[match[2]]
