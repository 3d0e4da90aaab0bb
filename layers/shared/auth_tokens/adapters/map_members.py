"""Members of the mapping's file: each is asked for by its name, has one form, and is refused in any other."""

import re
from collections.abc import Callable
from typing import Any

from auth_tokens.domain.portal_columns import Condition, TimeColumn

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_TEXT = re.compile(r"[A-Za-z0-9_. -]{1,64}", re.ASCII)
_ZONE = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
_TIME_UNITS = ("timestamp", "epoch-s", "epoch-ms")
_MAX_INTEGER = 2**63 - 1


class PortalMapError(ValueError):
    """A mapping that cannot be read. The text names the member and says what is possible."""


Parser = Callable[[str, Any], Any]
"""Turns a member's value into what the mapping has of it. Given its place, for people. Raises PortalMapError."""


class Members:
    """The members of one JSON object. Each is asked for by its name; one that nobody has asked for is unknown."""

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, dict):
            raise PortalMapError(f"{place} must be an object")
        self._place = place
        self._left: dict[str, Any] = dict(value)
        self._known: list[str] = []

    def required(self, name: str, parse: Parser) -> Any:
        """Raises PortalMapError where it is missing."""
        if name not in self._left:
            raise PortalMapError(f"{self._place} lacks {name}")
        return self.optional(name, parse)

    def optional(self, name: str, parse: Parser) -> Any:
        """None where it is missing."""
        self._known.append(name)
        return parse(f"{self._place}.{name}", self._left.pop(name)) if name in self._left else None

    def constant(self, name: str, expected: object) -> None:
        """Raises PortalMapError for another value."""
        if self.required(name, lambda _, value: value) is not expected:
            raise PortalMapError(f"{self._place}.{name} must be {expected}")

    def has(self, name: str) -> bool:
        return name in self._left

    def end(self) -> None:
        """Raises PortalMapError naming an unknown member, and those that are known."""
        for name in self._left:
            raise PortalMapError(f"{self._place} has no member {name!r}: it has {', '.join(self._known)}")


def identifier(place: str, value: object) -> str:
    """The name of a schema, table or column."""
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise PortalMapError(f"{place} must be a name: a letter or _, then at most 63 letters, digits and _")
    return value


def constant(place: str, value: object) -> str | int | None:
    """What a column is compared with: null, a whole number, or a plain text."""
    if value is None or (type(value) is int and abs(value) <= _MAX_INTEGER):
        return value
    return plain_text(place, value)


def plain_text(place: str, value: object) -> str:
    """Nothing in it would need quoting."""
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise PortalMapError(
            f"{place} must be null, a whole number, or 1 to 64 of the characters A-Z a-z 0-9 _ . - and space"
        )
    return value


def one_of(*choices: str) -> Parser:
    def parse(place: str, value: object) -> str:
        if value not in choices:
            raise PortalMapError(f"{place} must be one of {', '.join(choices)}")
        return str(value)

    return parse


def flag(place: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise PortalMapError(f"{place} must be true or false")
    return value


def conditions(place: str, value: object) -> tuple[Condition, ...]:
    """One condition at least; all must hold."""
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        raise PortalMapError(f"{place} must be a list of 1 to 8 conditions")
    return tuple(_condition(f"{place}[{number}]", each) for number, each in enumerate(value))


def _condition(place: str, value: object) -> Condition:
    members = Members(place, value)
    condition = Condition(members.required("column", identifier), members.required("is", constant))
    members.end()
    return condition


def time_column(place: str, value: object) -> TimeColumn:
    members = Members(place, value)
    column, (unit, zone) = members.required("column", identifier), members.required("time", time)
    members.end()
    return TimeColumn(column, unit, zone)


def time(place: str, value: object) -> tuple[str, str]:
    """(unit, zone) as TimeColumn has them."""
    if isinstance(value, dict):
        members = Members(place, value)
        zone = members.required("datetime", _zone)
        members.end()
        return "datetime", zone
    if value not in _TIME_UNITS:
        raise PortalMapError(
            f'{place} must be one of {", ".join(_TIME_UNITS)}, or {{"datetime": "+00:00"}} with its zone'
        )
    return str(value), ""


def _zone(place: str, value: object) -> str:
    if not isinstance(value, str) or not _ZONE.fullmatch(value):
        raise PortalMapError(f"{place} must be a zone such as +00:00 or -05:30")
    return value
