"""The mapping's file: JSON of a closed vocabulary, read strictly. docs/reference/portal.md has its members.

An unknown member, a member of another type and a name that is no plain identifier are errors: no SQL, and nothing that
would need quoting, comes from a mapping.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from auth_tokens.domain.policy import PREFERENCES
from auth_tokens.domain.portal_mapping import (
    OWN_TABLES,
    Condition,
    JoinedLabels,
    LabelTable,
    PortalMapping,
    PreferenceColumns,
    PreferenceDocument,
    PreferenceRows,
    PreferenceTable,
    TimeColumn,
    UserTable,
)
from auth_tokens.domain.user_ids import IdForm

# In the layer, beside this package; `make build PORTAL_MAP=…` puts it there.
DEPLOYED = Path(__file__).parents[2] / "portal_map.json"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_TEXT = re.compile(r"[A-Za-z0-9_. -]{1,64}", re.ASCII)
_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]{0,63}){1,8}", re.ASCII)
_ZONE = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d", re.ASCII)
_TIME_UNITS = ("timestamp", "epoch-s", "epoch-ms")
_MAX_INTEGER = 2**63 - 1


class PortalMapError(ValueError):
    """A mapping that cannot be read. The text names the member and says what is possible."""


def mapping_of(file: str) -> PortalMapping:
    """What holds in this environment: a named file, else the deployed one, else OWN_TABLES. Raises PortalMapError."""
    if file:
        return read_mapping(Path(file))
    return read_mapping(DEPLOYED) if DEPLOYED.is_file() else OWN_TABLES


def read_mapping(path: Path) -> PortalMapping:
    """Raises PortalMapError, which names the file."""
    try:
        return parsed(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, PortalMapError) as exc:
        raise PortalMapError(f"{path}: {exc}") from exc


def parsed(text: str) -> PortalMapping:
    """Raises PortalMapError."""
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as exc:
        raise PortalMapError(f"it is not JSON: {exc}") from exc
    members = Members("the mapping", document)
    members.constant("version", 1)
    mapping = PortalMapping(
        schema=members.optional("schema", identifier),
        users=members.required("users", _users),
        preferences=members.optional("preferences", _preferences),
        labels=members.optional("labels", _labels),
    )
    members.end()
    return mapping


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


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


def _users(place: str, value: object) -> UserTable:
    members = Members(place, value)
    id_column, id_form = members.required("id", _id)
    password, upgrades = members.required("password", _password)
    table = UserTable(
        table=members.required("table", identifier),
        id=id_column,
        id_form=id_form,
        name=members.required("name", _column),
        password=password,
        upgrades_passwords=upgrades,
        active=members.required("active", conditions),
        created=members.optional("created", _column),
        tokens_valid_after=members.optional("tokens_valid_after", time_column),
    )
    members.end()
    return table


def _id(place: str, value: object) -> tuple[str, IdForm]:
    members = Members(place, value)
    column = members.required("column", identifier)
    form = members.required("as", one_of(*(form.value for form in IdForm)))
    members.end()
    return column, IdForm(form)


def _password(place: str, value: object) -> tuple[str, bool]:
    members = Members(place, value)
    column, upgrade = members.required("column", identifier), members.required("upgrade", flag)
    members.end()
    return column, upgrade


def _column(place: str, value: object) -> str:
    members = Members(place, value)
    column: str = members.required("column", identifier)
    members.end()
    return column


def _preferences(place: str, value: object) -> PreferenceTable:
    members = Members(place, value)
    table, user = members.required("table", identifier), members.required("user", identifier)
    kept_as = _kept_as(place, members)
    members.end()
    return PreferenceTable(table, user, kept_as)


def _kept_as(place: str, members: Members) -> PreferenceColumns | PreferenceDocument | PreferenceRows:
    if members.has("columns"):
        return PreferenceColumns(members.required("columns", _columns))
    if members.has("json"):
        return PreferenceDocument(
            members.required("json", identifier), members.required("paths", _by_preference(_path))
        )
    if members.has("key"):
        return PreferenceRows(
            members.required("key", identifier),
            members.required("value", identifier),
            members.required("names", _by_preference(plain_text)),
        )
    raise PortalMapError(f"{place} lacks one of columns, json (with paths), or key (with value and names)")


def _columns(place: str, value: object) -> Mapping[str, str]:
    if value == "*":
        return {name: name for name in PREFERENCES}
    columns: Mapping[str, str] = _by_preference(identifier)(place, value)
    return columns


def _by_preference(parse: Parser) -> Parser:
    def parse_all(place: str, value: object) -> Mapping[str, str]:
        members = Members(place, value)
        found = {name: members.optional(name, parse) for name in PREFERENCES}
        members.end()
        if not any(found.values()):
            raise PortalMapError(f"{place} must name one preference at least")
        return {name: given for name, given in found.items() if given is not None}

    return parse_all


def _path(place: str, value: object) -> str:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise PortalMapError(f"{place} must be a path such as $.auth.maxSessions")
    return value


def _labels(place: str, value: object) -> LabelTable:
    members = Members(place, value)
    table, user = members.required("table", identifier), members.required("user", identifier)
    if members.has("label") == members.has("through"):
        raise PortalMapError(f"{place} must have either label or through")
    label = members.optional("label", identifier) or members.optional("through", _through)
    members.end()
    return LabelTable(table, user, label)


def _through(place: str, value: object) -> JoinedLabels:
    members = Members(place, value)
    names = [members.required(name, identifier) for name in ("column", "table", "id", "label")]
    members.end()
    return JoinedLabels(*names)
