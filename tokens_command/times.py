"""Instants as operators write and read them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_EPOCH = re.compile(r"\d{9,11}", re.ASCII)
WAYS = "epoch seconds, an ISO time with its zone (2026-12-01T03:00Z), `now`, or how long ago (15m, 2h, 7d)"


def instant_of(text: str, now: float) -> int:
    """Epoch seconds of one of WAYS. Raises ValueError."""
    if text == "now":
        return int(now)
    if _EPOCH.fullmatch(text):
        return int(text)
    if ago := _AGO.fullmatch(text):
        return max(0, int(now) - int(ago[1]) * _UNITS[ago[2]])
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no zone")
    return max(0, int(instant.timestamp()))


class Instant(click.ParamType[int]):
    """An argument that is an instant; becomes epoch seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return instant_of(str(value), datetime.now(timezone.utc).timestamp())
        except ValueError:
            self.fail(f"{value!r} is no time: write {WAYS}.", param, ctx)


def shown(instant: int | None, now: float) -> str:
    """In UTC, and how long ago or ahead; empty for None."""
    if instant is None:
        return ""
    exact = datetime.fromtimestamp(instant, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{exact} ({apart(int(now) - instant)})"


def apart(seconds: int) -> str:
    """`2 h ago`, `in 3 d`."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if abs(seconds) >= length:
            whole = f"{abs(seconds) // length} {unit}"
            return f"{whole} ago" if seconds > 0 else f"in {whole}"
    return "now"
