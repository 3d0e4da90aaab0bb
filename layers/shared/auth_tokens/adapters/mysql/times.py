"""Instants: int epoch seconds inside, DATETIME(6) UTC in SQL; this is the only place that converts."""

from datetime import datetime, timedelta, timezone

_BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, as the driver reads
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


def to_sql(instant: int) -> datetime:
    """Epoch seconds → a naive UTC datetime, as the driver writes it."""
    return _BEGINNING + timedelta(0, instant)


def to_sql_or_null(instant: int | None) -> datetime | None:
    return None if instant is None else to_sql(instant)


def from_sql(value: datetime) -> int:
    """A naive UTC datetime, as the driver reads it → epoch seconds."""
    return int(value.replace(tzinfo=timezone.utc).timestamp())


def clock_us(value: object) -> int | None:
    """What a DATETIME or TIMESTAMP of unknown zone shows, as microseconds to compare with others of it. None for NULL,
    the zero date (a text, to the driver) and other types."""
    if not isinstance(value, datetime):
        return None
    return (value - _BEGINNING) // _MICROSECOND


def clock_us_of(text: object) -> int | None:
    """The same of what a SELECT has packed into JSON."""
    try:
        return clock_us(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:  # the zero date
        return None


def to_clock(shown_us: int | None) -> datetime | None:
    """The inverse of clock_us."""
    return None if shown_us is None else _BEGINNING + timedelta(microseconds=shown_us)


def from_text(text: str) -> int:
    """A DATETIME as JSON_ARRAY writes it → epoch seconds."""
    return (datetime.fromisoformat(text) - _BEGINNING) // _SECOND


def from_text_or_null(text: str | None) -> int | None:
    return None if text is None else from_text(text)
