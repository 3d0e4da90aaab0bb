"""Instants in requests of operators: epoch seconds, or ISO 8601 with the zone."""

import re
from datetime import datetime

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.web.requests import Request

_EPOCH = re.compile(r"\d{1,12}", re.ASCII)


def instant_query_value(request: Request, name: str) -> int | None:
    """A query parameter; None where absent. Raises InvalidRequest."""
    text = request.query_value(name)
    return None if text is None else instant_of(text, name)


def instant_of(text: str, name: str, or_word: str = "") -> int:
    """Epoch seconds. or_word: that the parameter takes as well. Raises InvalidRequest naming it and its forms."""
    if _EPOCH.fullmatch(text):
        return int(text)
    try:
        instant = None if text.isdigit() else datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant.year < 1970:
        also = f", or {or_word}" if or_word else ""
        raise InvalidRequest(
            f"{name} must be epoch seconds, or an ISO 8601 instant with its offset from UTC (2026-12-01T03:00Z){also}."
        )
    return max(0, int(instant.timestamp()))
