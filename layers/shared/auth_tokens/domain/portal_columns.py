"""Columns of the Portal that a mapping names, with what is known of their values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A column has this value; None stands for NULL."""

    column: str
    value: str | int | None


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """An instant. unit: `timestamp`, `epoch-s`, `epoch-ms`, or `datetime` with its zone, such as `+00:00`."""

    column: str
    unit: str
    zone: str = ""
