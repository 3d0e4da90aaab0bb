"""Telemetry by AWS Lambda Powertools, for the functions whose import time allows it."""

from typing import TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from auth_tokens.observability import NAMESPACE, frames


class PowertoolsTelemetry:
    """Powertools Logger for the lines, one EMF blob a metric."""

    def __init__(self, service: str, stream: TextIO | None = None) -> None:
        self._service = service
        self._logger = Logger(service=service, utc=True, stream=stream)

    def outcome(self, name: str, **fields: object) -> None:
        self._logger.info(name, extra=fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        self._logger.error(name, extra={"error_type": type(error).__name__, "stack": frames(error), **fields})

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        with single_metric(metric, MetricUnit(unit), value, namespace=NAMESPACE) as emf:
            emf.add_dimension("service", self._service)
