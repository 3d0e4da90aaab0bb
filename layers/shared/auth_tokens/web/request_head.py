"""The head of an HTTP request (RFC 9112 §2.1), as far as it identifies the caller: all that an authorizer gets of a
request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SESSION_COOKIE = "__Host-session"
# Optional whitespace (RFC 9110 §5.6.3). `str.strip()` would also remove Unicode spaces, and make two names equal.
OWS = " \t"
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

    def places(self) -> tuple[tuple[str, str], ...]:
        """Where it goes, as domain.dpop.presented.Place; none where that is not known."""
        return ()


def fields_from(fields: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Header fields by name in lower case, without the spaces around their values (RFC 9110 §5.1, §5.5).

    Fields of one name become one value (RFC 9110 §5.3; of cookies: RFC 9113 §8.2.3). Names beyond ASCII are left
    out, as their lower case may be an ASCII name. Values that are no text are left out as well.
    """
    merged: dict[str, str] = {}
    for written, value in fields:
        if not isinstance(value, str) or not written.isascii():
            continue
        name, value = written.lower(), value.strip(OWS)
        separator = "; " if name == "cookie" else ", "
        merged[name] = f"{merged[name]}{separator}{value}" if name in merged else value
    return merged


def cookies_from(fields: Iterable[Any]) -> dict[str, str]:
    """The cookies of `name=value; name=value` texts (RFC 6265bis §4.2.1); names by their exact case.

    A name that is given twice counts as absent, as either value may be forged. A pair without a name is no cookie.
    """
    cookies: dict[str, str] = {}
    repeated = set()
    for pair in ";".join(text for text in fields if isinstance(text, str)).split(";"):
        name, separator, value = pair.strip(OWS).partition("=")
        if not name or not separator:
            continue
        if name in cookies:
            repeated.add(name)
        cookies[name] = value
    return {name: value for name, value in cookies.items() if name not in repeated}
