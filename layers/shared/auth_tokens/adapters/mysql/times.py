"""Instants: int epoch seconds inside, DATETIME(6) UTC in SQL; this is the only place that converts."""

from datetime import datetime, timezone


def to_sql(instant: int) -> datetime:
    """Epoch seconds → a naive UTC datetime, as the driver writes it."""
    return datetime.fromtimestamp(instant, timezone.utc).replace(tzinfo=None)


def to_sql_or_null(instant: int | None) -> datetime | None:
    return None if instant is None else to_sql(instant)


def from_sql(value: datetime) -> int:
    """A naive UTC datetime, as the driver reads it → epoch seconds."""
    return int(value.replace(tzinfo=timezone.utc).timestamp())


def from_sql_or_null(value: datetime | None) -> int | None:
    return None if value is None else from_sql(value)
