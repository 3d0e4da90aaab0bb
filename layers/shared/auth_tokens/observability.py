"""One JSON line an outcome, with the invocation's metrics on it in CloudWatch's embedded metric format (EMF).

By the standard library: the authorizer's import budget rules Powertools out there (docs/adr/0004); functions
that can afford it hand bootstrap a Powertools-backed Telemetry instead (observability_powertools.py).
Nothing secret is ever passed in: ids and outcomes only. docs/reference/metrics.md lists the metrics.
"""

import json
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol, TextIO

NAMESPACE = "AuthUserTokens"


class Telemetry(Protocol):
    def outcome(self, name: str, **fields: object) -> None:
        """The outcome of an invocation, on one line, with the metrics counted since the last one."""

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """A fault of this service, with its stack; the line of the outcome follows."""

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """Adds to a metric of this invocation; the outcome's line carries the sum."""


class MetricBuffer:
    """The metrics of an invocation until its outcome is written: name → (unit, sum)."""

    def __init__(self) -> None:
        self._metrics: dict[str, tuple[str, float]] = {}

    def add(self, metric: str, value: float, unit: str) -> None:
        _, total = self._metrics.get(metric, (unit, 0))
        self._metrics[metric] = (unit, total + value)

    def take(self) -> Mapping[str, tuple[str, float]]:
        """What was counted since the last call."""
        taken, self._metrics = self._metrics, {}
        return taken


class StandardTelemetry:
    """Writes lines as Powertools would, without importing it."""

    def __init__(self, service: str, stream: TextIO | None = None) -> None:
        self._service = service
        self._stream = stream
        self._counted = MetricBuffer()

    def outcome(self, name: str, **fields: object) -> None:
        self._write({"level": "INFO", "message": name, **fields, **emf(self._counted.take())})

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        kind = type(error).__name__
        self._write({"level": "ERROR", "message": name, "error_type": kind, "stack": frames(error), **fields})

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._counted.add(metric, value, unit)

    def _write(self, line: Mapping[str, object]) -> None:
        stream = self._stream or sys.stdout
        stream.write(_to_json({"timestamp": _utc_now(), "service": self._service, **line}) + "\n")
        stream.flush()


class StartupTelemetry:
    """A Telemetry that writes the settings of this environment before its first line."""

    def __init__(self, telemetry: Telemetry, **fields: object) -> None:
        self._telemetry = telemetry
        self._fields: dict[str, object] | None = fields

    def outcome(self, name: str, **fields: object) -> None:
        if self._fields is not None:
            announced, self._fields = self._fields, None
            self._telemetry.outcome("settings", **announced)
        self._telemetry.outcome(name, **fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        self._telemetry.failure(name, error, **fields)

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._telemetry.count(metric, value, unit)


class NullTelemetry:
    """A Telemetry for work outside any invocation."""

    def outcome(self, name: str, **fields: object) -> None:
        pass

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        pass

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        pass


def frames(error: BaseException) -> list[str]:
    """Where an error came from: places only. Its text may quote a caller's input, so it stays out."""
    places: list[str] = []
    current: BaseException | None = error
    while current is not None and len(places) < 50:
        trace = current.__traceback__
        places.append(type(current).__name__)
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        current = current.__cause__ or current.__context__
    return places


def emf(metrics: Mapping[str, tuple[str, float]]) -> dict[str, object]:
    """The members that make a line's own members metrics; its member `service` is their dimension."""
    if not metrics:
        return {}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in metrics.items()],
    }
    values = {name: value for name, (_, value) in metrics.items()}
    return {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, **values}


def _utc_now() -> str:
    now = time.time()
    return f"{_utc_second(int(now))}.{int(now % 1 * 1000):03d}Z"


@lru_cache(maxsize=1)
def _utc_second(instant: int) -> str:
    """Most lines of a busy environment share their second with the one before."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(instant))


# json.dumps would make one for each line.
_to_json = json.JSONEncoder(default=str).encode
