"""Instants in requests of operators: epoch seconds, or ISO 8601 with the zone."""

import re
from datetime import datetime

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.web.request_body import BodyParameters
from auth_tokens.web.requests import Request

# The same instant in both forms.
_FORMS = "epoch seconds, or an ISO 8601 instant with its offset from UTC (1796094000, 2026-12-01T03:00Z)"
_EPOCH = re.compile(r"\d{1,12}", re.ASCII)


def instant_query_value(request: Request, name: str) -> int | None:
    """A query parameter; None where absent. Raises InvalidRequest."""
    text = request.query_value(name)
    return None if text is None else instant_of(text, name)


def instant_in(parameters: BodyParameters, name: str, or_word: str = "") -> int | None:
    """A member of a body: a number, or a text as in a query; None where absent. Raises InvalidRequest."""
    value = parameters.whole_or_text(name, _forms(or_word))
    return instant_of(value, name, or_word) if isinstance(value, str) else value


def instant_of(text: str, name: str, or_word: str = "") -> int:
    """Epoch seconds. or_word: that the parameter takes as well. Raises InvalidRequest naming it and its forms."""
    if _EPOCH.fullmatch(text):
        return int(text)
    try:
        instant = None if text.isdigit() else datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant.year < 1970:
        raise InvalidRequest(f"{name} must be {_forms(or_word)}.")
    return max(0, int(instant.timestamp()))


def _forms(or_word: str) -> str:
    return f"{_FORMS}, or {or_word}" if or_word else _FORMS
