"""Reads the schedules of a template, and makes the events that EventBridge Scheduler sends for them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from local.templates.arns import ACCOUNT_ID, PARTITION, REGION
from local.templates.intrinsics import Resolver, TemplateError
from local.templates.translate import translate

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}
# Lambda's own number of retries of an asynchronous event, where the template sets none.
_RETRIES = 2


@dataclass(frozen=True)
class Schedule:
    """One schedule of one function.

    input: the JSON text that it sends; None for Scheduler's own event.
    retries: how often Lambda sends an event again after the function has failed.
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
        """The event that Scheduler sends to its target. now: the scheduled time, epoch seconds."""
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
        """The input with the context attributes that Scheduler replaces."""
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
    """The enabled schedules of a template. Raises TemplateError for an expression that local mode does not know."""
    translated = translate(template, {})
    resolver = Resolver(translated, {})
    resources = translated["Resources"]
    retries = dict(_retries(resources, resolver))
    return [
        _schedule(name, resource["Properties"], resolver, retries)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Scheduler::Schedule"
        and resource["Properties"].get("State") != "DISABLED"
    ]


def _schedule(
    name: str, properties: Mapping[str, Any], resolver: Resolver, retries: Mapping[str, int]
) -> Schedule:
    target = properties["Target"]
    function = resolver.resolve(target["Arn"]).rpartition(":")[2]
    return Schedule(
        resolver.resolve(properties.get("Name", name)),
        function,
        _every_s(properties["ScheduleExpression"]),
        resolver.resolve(target.get("Input")),
        retries.get(function, _RETRIES),
    )


def _retries(resources: Mapping[str, Any], resolver: Resolver) -> Iterator[tuple[str, int]]:
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
            properties = resource["Properties"]
            attempts = properties.get("MaximumRetryAttempts", _RETRIES)
            yield resolver.resolve(properties["FunctionName"]), int(resolver.resolve(attempts))


def _every_s(expression: str) -> int:
    match = _RATE.fullmatch(expression)
    if not match:
        raise TemplateError(f"{expression} is not a schedule that local mode knows")
    return int(match[1]) * _UNIT_S[match[2]]
