"""Log lines and metrics for operators."""

from typing import Protocol


class Reporter(Protocol):
    """The part of observability.Telemetry that use cases need."""

    def outcome(self, name: str, **fields: object) -> None:
        """One line. Ids and names only."""

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """One metric value."""
