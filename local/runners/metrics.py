"""The functions' metrics on one page of text, read from their log lines as CloudWatch does (EMF)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_RECENT_MIN = 5


@dataclass
class _Metric:
    """One metric. by_minute: epoch minute → sum, for the last few minutes."""

    unit: str
    values: int = 0
    total: float = 0
    most: float = 0
    by_minute: dict[int, float] = field(default_factory=dict)

    def add(self, value: float, minute: int) -> None:
        self.values += 1
        self.total += value
        self.most = max(self.most, value)
        self.by_minute[minute] = self.by_minute.get(minute, 0) + value
        if len(self.by_minute) > 2 * _RECENT_MIN:
            del self.by_minute[min(self.by_minute)]

    def recent(self, now: float) -> float:
        since = int(now // 60) - _RECENT_MIN
        return sum(value for minute, value in self.by_minute.items() if minute > since)


class LogMetrics:
    """Reads the lines that were added to the log files of a folder after this object was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = {path: path.stat().st_size for path in folder.glob("*.log")}
        self._metrics: dict[str, _Metric] = {}
        self._lock = threading.Lock()

    def page(self, now: float) -> str:
        """A table with one line for each metric that has a value. now: epoch seconds."""
        with self._lock:
            for line in self._new_lines():
                self._read(line)
            rows = [
                (name, m.unit, f"{m.total:.6g}", f"{m.recent(now):.6g}", str(m.values), f"{m.most:.6g}")
                for name, m in sorted(self._metrics.items())
            ]
        titles = ("metric", "unit", "sum", f"last {_RECENT_MIN} min", "values", "greatest")
        form = "{:24} {:13} {:>12} {:>12} {:>8} {:>10}"
        return "".join(f"{form.format(*row)}\n" for row in (titles, *rows))

    def _new_lines(self) -> Iterator[bytes]:
        for path in self._folder.glob("*.log"):
            with path.open("rb") as log:
                log.seek(self._offsets.get(path, 0))
                for line in log:
                    if not line.endswith(b"\n"):  # still being written
                        break
                    self._offsets[path] = self._offsets.get(path, 0) + len(line)
                    yield line

    def _read(self, line: bytes) -> None:
        if b'"_aws"' not in line:
            return
        try:
            document: dict[str, Any] = json.loads(line)
        except ValueError:
            return  # a library's line that is not JSON
        emf = document["_aws"]
        for directive in emf["CloudWatchMetrics"]:
            for definition in directive["Metrics"]:
                name, value = definition["Name"], document[definition["Name"]]
                metric = self._metrics.setdefault(name, _Metric(definition["Unit"]))
                for each in value if isinstance(value, list) else [value]:
                    metric.add(each, emf["Timestamp"] // 60_000)
