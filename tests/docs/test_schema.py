"""docs/schema.md has every table, column, type and index of the migrations."""

import re
from dataclasses import dataclass, field

import pytest

from auth_tokens.adapters.mysql.migrations import CREATE_MIGRATIONS, migrations_in
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.keys import KeyState, Purpose
from tests.docs.markdown import DOCS, ROOT, table, tables

PAGE = DOCS / "schema.md"


@dataclass
class SqlTable:
    columns: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)


def _schema() -> dict[str, SqlTable]:
    found: dict[str, SqlTable] = {}
    statements = [s for m in migrations_in(ROOT / "functions/migrate/sql") for s in m.statements]
    for statement in [*statements, CREATE_MIGRATIONS.strip()]:
        match = re.match(r"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*)\n\)", statement, re.DOTALL)
        assert match, f"docs/schema.md cannot be checked against: {statement[:60]}"
        found[match[1]] = _sql_table(match[2])
    return found


def _sql_table(body: str) -> SqlTable:
    result = SqlTable()
    for line in re.split(r",\n(?=  \S)", body):
        line = " ".join(line.split())
        if match := re.match(r"(?:UNIQUE )?KEY (\w+) \((.+)\)$", line):
            result.indexes[match[1]] = match[2]
        elif match := re.match(r"PRIMARY KEY \((.+)\)$", line):
            result.indexes["PRIMARY"] = match[1]
        elif not line.startswith("CONSTRAINT"):
            name, kind = re.match(r"(\w+) (\w+(?:\(\d+\))?(?: UNSIGNED)?)", line).groups()  # type: ignore[union-attr]
            result.columns[name] = kind
            if " PRIMARY KEY" in line:
                result.indexes["PRIMARY"] = name
    return result


SCHEMA = _schema()


def test_the_page_has_every_table_and_no_other() -> None:
    assert [t.heading for t in tables(PAGE) if t.titles[0] == "Column"] == [*_ours(), *_portals()]


def _ours() -> list[str]:
    return [name for name in SCHEMA if name.startswith("auth_token") or name == "auth_user_tokens"]


def _portals() -> list[str]:
    return [name for name in SCHEMA if name not in _ours()]


@pytest.mark.parametrize("name", SCHEMA)
def test_a_table_has_the_columns_and_types_of_the_sql(name: str) -> None:
    rows = table(PAGE, name, "Column").rows

    assert {row["Column"].strip("`"): row["Type"].strip("`") for row in rows} == SCHEMA[name].columns
    assert [row["Column"].strip("`") for row in rows] == list(SCHEMA[name].columns)


@pytest.mark.parametrize("name", SCHEMA)
def test_a_table_has_the_indexes_of_the_sql(name: str) -> None:
    rows = table(PAGE, name, "Index").rows

    assert {row["Index"].strip("`"): row["Columns"].strip("`") for row in rows} == SCHEMA[name].indexes


def test_the_values_of_enumerated_columns_are_named() -> None:
    text = PAGE.read_text("utf-8")
    for value in (*RevokeReason, *KeyState, *Purpose):
        assert f"`{value.value}`" in text, value
