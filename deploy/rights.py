"""What the service's database users need (users.sql, grants.sql), compared with what the server says that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.database_users import CLASSES, Login, grants_sql, users_sql

_GRANT = re.compile(r"GRANT (?P<privileges>.+) ON (?P<on>\S+) TO (?P<user>\w+)@")
_PRIVILEGE = re.compile(r"(?P<name>[A-Z][A-Z ]*[A-Z])(?: \((?P<columns>[^)]*)\))?")
_EVERYTHING = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class Right:
    """One privilege. on: SCHEMA.TABLE, SCHEMA.* or *.*; column: empty for the whole of it."""

    privilege: str
    on: str
    column: str = ""

    def __str__(self) -> str:
        return f"{self.privilege}{f' ({self.column})' if self.column else ''} ON {self.on}"


def rights_in(grants: Iterable[Mapping[str, str]]) -> set[Right]:
    """grants: each with `privileges` and `on`, as a function answers {"check": true}."""
    return {right for grant in grants for right in _rights(grant["privileges"], grant["on"])}


def needed_by(user_class: str, schema: str, portal: Mapping[str, Any] | None = None) -> set[Right]:
    """What a class of CLASSES needs in a schema, and by a mapping of the Portal's tables."""
    logins = {name: Login(name, "x" * 16) for name in CLASSES}
    statements = [*users_sql(schema, logins), *grants_sql(schema, logins, portal)]
    found = [_GRANT.match(statement.replace("`", "")) for statement in statements]
    return {
        right
        for match in found
        if match and match["user"] == user_class
        for right in _rights(match["privileges"], match["on"])
    }


def missing(needed: Iterable[Right], had: set[Right]) -> list[Right]:
    """Those that nothing it has covers: the whole table, schema or server covers its parts."""
    return sorted((right for right in needed if had.isdisjoint(_covering(right))), key=str)


def surplus(needed: Iterable[Right], had: set[Right]) -> list[Right]:
    """Those that it has and does not need, also where what it has covers more than is needed."""
    wanted = set(needed)
    return sorted((right for right in had - wanted if right.privilege != "USAGE"), key=str)


def _covering(right: Right) -> Iterator[Right]:
    schema = right.on.partition(".")[0]
    for on in (right.on, f"{schema}.*", "*.*"):
        for privilege in (right.privilege, _EVERYTHING):
            yield Right(privilege, on, right.column)
            yield Right(privilege, on)


def _rights(privileges: str, on: str) -> Iterator[Right]:
    for match in _PRIVILEGE.finditer(privileges):
        for column in (match["columns"] or "").split(","):
            yield Right(match["name"], on, column.strip())
