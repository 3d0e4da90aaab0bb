"""Telemetry by AWS Lambda Powertools, for the functions whose import time allows it."""

import json
import logging
import sys
from typing import TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from auth_tokens.observability import NAMESPACE, MetricBuffer, frames


class PowertoolsTelemetry:
    """Powertools Logger for the lines, Powertools Metrics for what makes members of a line metrics."""

    def __init__(self, service: str, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._logger = Logger(service=service, utc=True, stream=stream)
        self._counted = MetricBuffer()
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)

    def outcome(self, name: str, **fields: object) -> None:
        metrics = self._emf()
        if self._logger.log_level <= logging.INFO:
            self._logger.info(name, extra={**fields, **metrics})
        elif metrics:  # LogLevel quiets the lines; the alarms still want their metrics
            print(json.dumps(metrics), file=self._stream or sys.stdout, flush=True)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        self._logger.error(name, extra={"error_type": type(error).__name__, "stack": frames(error), **fields})

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._counted.add(metric, value, unit)

    def _emf(self) -> dict[str, object]:
        counted = self._counted.take()
        if not counted:
            return {}
        for name, (unit, value) in counted.items():
            self._metrics.add_metric(name, unit, value)
        serialized = dict(self._metrics.serialize_metric_set())
        self._metrics.clear_metrics()
        return serialized
