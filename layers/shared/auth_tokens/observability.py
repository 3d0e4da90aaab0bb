"""One JSON line an outcome, and metrics in CloudWatch's embedded metric format (EMF), by the standard library.

The authorizer's import budget rules Powertools out there (docs/adr/0004); functions that can afford it
hand bootstrap a Powertools-backed Telemetry instead (observability_powertools.py). Nothing secret is
ever passed in: ids and outcomes only.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Protocol, TextIO

NAMESPACE = "AuthUserTokens"


class Telemetry(Protocol):
    def outcome(self, name: str, **fields: object) -> None:
        """What an invocation came to, on one line."""

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """The same for a fault of ours, with its stack."""

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """One metric value."""


class StandardTelemetry:
    """Writes lines as Powertools would, without importing it."""

    def __init__(self, service: str, stream: TextIO | None = None) -> None:
        self._service = service
        self._stream = stream

    def outcome(self, name: str, **fields: object) -> None:
        self._write({"level": "INFO", "message": name, **fields})

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        kind = type(error).__name__
        self._write({"level": "ERROR", "message": name, "error_type": kind, "stack": frames(error), **fields})

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._write(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": NAMESPACE,
                            "Dimensions": [["service"]],
                            "Metrics": [{"Name": metric, "Unit": unit}],
                        }
                    ],
                },
                metric: value,
            }
        )

    def _write(self, line: Mapping[str, object]) -> None:
        stamped = {"timestamp": _utc_now(), "service": self._service, **line}
        print(json.dumps(stamped, default=str), file=self._stream or sys.stdout, flush=True)


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


def _utc_now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
