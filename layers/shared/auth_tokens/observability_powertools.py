"""Telemetry by AWS Lambda Powertools, for the functions whose import time allows it."""

import json
import logging
import sys
from typing import TextIO

from aws_lambda_powertools import Logger

from auth_tokens.observability import MetricBuffer, emf, frames

# As Powertools writes JSON; it would make an encoder for each line.
_to_json = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode


class PowertoolsTelemetry:
    """Powertools Logger for the lines. What makes members of a line metrics is ours, as Powertools Metrics takes
    a third of a line's time."""

    def __init__(self, service: str, stream: TextIO | None = None) -> None:
        self._service = service
        self._stream = stream
        # The name of a line is no JSON, so Powertools need not try to read it as such.
        self._logger = Logger(
            service=service, utc=True, stream=stream, json_serializer=_to_json, json_deserializer=str
        )
        self._counted = MetricBuffer()

    def outcome(self, name: str, **fields: object) -> None:
        metrics = emf(self._counted.take())
        if self._logger.log_level <= logging.INFO:
            self._logger.info(name, extra={**fields, **metrics})
        elif metrics:  # LogLevel quiets the lines; the alarms still want their metrics
            line = _to_json({"service": self._service, **metrics})
            print(line, file=self._stream or sys.stdout, flush=True)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        self._logger.error(name, extra={"error_type": type(error).__name__, "stack": frames(error), **fields})

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._counted.add(metric, value, unit)
