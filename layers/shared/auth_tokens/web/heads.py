"""The head of an HTTP request (RFC 9112 §2.1), as far as it says who asks: all that an authorizer sees of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SESSION_COOKIE = "__Host-session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class RequestHead:
    """headers: names in lower case; query: raw pairs, so that a repeated parameter can be refused."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    query: tuple[tuple[str, str], ...]

    @property
    def changes_state(self) -> bool:
        return self.method not in SAFE_METHODS


def lower_cased(headers: Mapping[str, Any] | None) -> dict[str, str]:
    """Header names in lower case; members that are no text are left out."""
    return {name.lower(): value for name, value in (headers or {}).items() if isinstance(value, str)}


def cookies_from(pairs: list[str]) -> dict[str, str]:
    """`name=value` strings, each perhaps several joined by `; `. A name given twice counts as absent:
    which of two to trust is not ours to guess."""
    cookies: dict[str, str] = {}
    repeated = set()
    for pair in "; ".join(pairs).split(";"):
        name, separator, value = pair.strip().partition("=")
        if separator and name in cookies:
            repeated.add(name)
        if separator:
            cookies[name] = value
    return {name: value for name, value in cookies.items() if name not in repeated}
