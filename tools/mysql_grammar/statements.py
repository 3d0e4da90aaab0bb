"""The project's SQL: constants of the MySQL adapter, migrations, users and grants."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auth_tokens.adapters import mysql
from auth_tokens.adapters.mysql import index_scans
from auth_tokens.adapters.mysql.legacy_table import LegacyTable
from auth_tokens.adapters.mysql.migrations import migrations_in
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.portal_map import read_mapping
from deploy.database_users import CLASSES, Login, grants_sql, users_sql

ROOT = Path(__file__).parents[2]
# A statement on a line of its own may begin with a parenthesis; without, that is a part of one.
_BEGINS = re.compile(r"(?:\n\()?\s*(ALTER|CREATE|DELETE|DROP|INSERT|REPLACE|SELECT|UPDATE|WITH)\b")
# A bound value, by place or by name.
_VALUE = re.compile(r"%s|%\(\w+\)s")
_VALUES = re.compile(rf"IN (?:{_VALUE.pattern})")
_JSON = re.compile(r"JSON_TABLE\((%s|%\(\w+\)s)")
# Taken by the grammar and by one of the servers only.
_WORDS = {
    "a collation that MariaDB alone has": re.compile(r"uca1400", re.IGNORECASE),
    "a collation that MySQL alone has": re.compile(r"_0900_", re.IGNORECASE),
    "JSON by arrow, which MariaDB has not": re.compile(r"->"),
}


# Words that the grammar holds for reserved and MySQL does not (its manual, «Keywords and Reserved Words»).
_NOT_RESERVED = re.compile(r"(?<!`)\b(old|type)\b(?!`)")

_JSON_TABLE = re.compile(r"JSON_TABLE\('\[\]', '[^']*' COLUMNS \(id VARCHAR\(36\) PATH '[^']*'\)\)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the server would get it. place: for people."""

    place: str
    sql: str


def of_the_project() -> list[Statement]:
    """All of them."""
    logins = {name: Login(name, "x" * 16) for name in CLASSES}
    deployed = [
        ("deploy/users.sql", users_sql("portal", logins)),
        ("deploy/grants.sql", grants_sql("portal", logins)),
    ]
    migrations = [
        (f"functions/migrate/sql/{m.name}", m.statements)
        for m in migrations_in(ROOT / "functions/migrate/sql")
    ]
    files = [
        Statement(f"{place}, statement {number}", sql)
        for place, statements in [*migrations, *deployed]
        for number, sql in enumerate(statements, start=1)
    ]
    return [*_constants(), *files]


def as_parsed(sql: str) -> str:
    """The statement as the grammar is shown it: names quoted that it would take for something else, and its own
    words in the place of what it lacks: FOR UPDATE NOWAIT, and a derived table for a JSON_TABLE that is joined, which
    is a table reference like others (MySQL 8.4, 15.2.13.2)."""
    named = _NOT_RESERVED.sub(r"`\1`", sql).replace("FOR UPDATE NOWAIT", "FOR UPDATE SKIP LOCKED")
    return _JSON_TABLE.sub("(SELECT 1 AS id)", named)


def found_by_words(sql: str) -> list[str]:
    """What the grammar would let pass."""
    return [what for what, pattern in _WORDS.items() if pattern.search(sql)]


def _constants() -> Iterator[Statement]:
    """The constants that are statements, and the statements that index scans and mappings make of templates."""
    portals = {path.stem: _tables(path) for path in sorted((ROOT / "portal").glob("*.json"))}
    for module in pkgutil.walk_packages(mysql.__path__, f"{mysql.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            place = f"{module.name}.{name}"
            if isinstance(value, index_scans.IndexScan):
                for statement, template in index_scan_templates().items():
                    yield Statement(f"{place}.{statement}", _bound(value.sql(template)))
            elif (
                name.isupper() and isinstance(value, str) and _BEGINS.match(value) and not _is_template(value)
            ):
                if "{" not in value:
                    yield Statement(place, _bound(value))
                    continue
                for mapping, tables in portals.items():
                    legacy = tables.mapping.legacy_tokens
                    # No such statement without older tokens, and none that marks those that are left alone.
                    if ("{old_" in value and not legacy) or (
                        "{old_mark}" in value and legacy and not legacy.mark
                    ):
                        continue
                    suffix = "" if mapping == "default" else f", {mapping}"
                    yield Statement(f"{place}{suffix}", _bound(tables.sql(value)))


def _tables(path: Path) -> PortalTables:
    tables = PortalTables(read_mapping(path))
    if tables.mapping.legacy_tokens is not None:
        LegacyTable(tables.mapping.legacy_tokens, tables)
    return tables


def index_scan_templates() -> dict[str, str]:
    """The constants that IndexScan.sql makes a statement of, by name."""
    constants = vars(index_scans).items()
    return {name: value for name, value in constants if isinstance(value, str) and _is_template(value)}


def _is_template(text: str) -> bool:
    return "{table}" in text


def _bound(sql: str) -> str:
    """Values bound: a number stands wherever one may be, LIMIT included; a list has its brackets, JSON its quotes."""
    return _VALUE.sub("1", _JSON.sub("JSON_TABLE('[]'", _VALUES.sub("IN (1)", sql)))
