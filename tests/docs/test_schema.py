"""docs/reference/schema.md has every table, column, type and index of a migrated database."""

import re
from dataclasses import dataclass

import pytest

from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.keys import KeyState, Purpose
from tests.docs.markdown import DOCS, table, tables
from tests.support.world import World

PAGE = DOCS / "reference" / "schema.md"
DOCUMENTED = [found.heading for found in tables(PAGE) if found.titles[0] == "Column"]


@dataclass
class SqlTable:
    """Column → type, and index → columns, both in the database's order."""

    columns: dict[str, str]
    indexes: dict[str, str]


def in_database(world: World, name: str) -> SqlTable:
    indexes: dict[str, str] = {}
    for row in world.sql(f"SHOW INDEX FROM {name}"):
        before = f"{indexes[row['Key_name']]}, " if row["Key_name"] in indexes else ""
        indexes[row["Key_name"]] = before + row["Column_name"]
    columns = {row["Field"]: _type(row["Type"]) for row in world.sql(f"SHOW COLUMNS FROM {name}")}
    return SqlTable(columns, indexes)


def _type(text: str) -> str:
    """As MySQL 8 writes it: MariaDB adds a display width to integers."""
    return re.sub(r"INT\(\d+\)", "INT", text.upper())


def test_the_page_has_every_table_and_no_other(world: World) -> None:
    assert sorted(DOCUMENTED) == sorted(name for row in world.sql("SHOW TABLES") for name in row.values())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_table_has_the_columns_and_types_of_the_database(world: World, name: str) -> None:
    rows = table(PAGE, name, "Column").rows

    documented = [(row["Column"].strip("`"), row["Type"].strip("`")) for row in rows]
    assert documented == list(in_database(world, name).columns.items())


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_table_has_the_indexes_of_the_database(world: World, name: str) -> None:
    rows = table(PAGE, name, "Index").rows

    documented = {row["Index"].strip("`"): row["Columns"].strip("`") for row in rows}
    assert documented == in_database(world, name).indexes


def test_the_values_of_enumerated_columns_are_named() -> None:
    text = PAGE.read_text("utf-8")
    for value in (*RevokeReason, *KeyState, *Purpose):
        assert f"`{value.value}`" in text, value
