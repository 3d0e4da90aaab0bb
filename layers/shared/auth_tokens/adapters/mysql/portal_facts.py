"""What `doctor` knows of the Portal's tables: the server's metadata, and findings as sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.portal import PortalTables

SELECT_PORTAL_COLUMNS = f"""
SELECT TABLE_NAME AS in_table, COLUMN_NAME AS name, DATA_TYPE AS kind, COLUMN_TYPE AS type,
  CHARACTER_MAXIMUM_LENGTH AS room, IS_NULLABLE AS nullable, EXTRA AS extra, COLLATION_NAME AS collation
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = {{schema_name}} AND TABLE_NAME IN %s
ORDER BY TABLE_NAME, ORDINAL_POSITION
{EVERY_ROW}
"""

# The first column of each index, and how many columns it has.
SELECT_PORTAL_INDEXES = f"""
SELECT TABLE_NAME AS in_table, INDEX_NAME AS name, MAX(NON_UNIQUE) AS repeats, COUNT(*) AS width,
  MAX(IF(SEQ_IN_INDEX = 1, COLUMN_NAME, NULL)) AS first
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = {{schema_name}} AND TABLE_NAME IN %s
GROUP BY TABLE_NAME, INDEX_NAME
{EVERY_ROW}
"""

SELECT_PORTAL_ENGINES = f"""
SELECT TABLE_NAME AS in_table, ENGINE AS engine
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = {{schema_name}} AND TABLE_NAME IN %s
{EVERY_ROW}
"""

# MariaDB before 11.1 has tx_isolation.
SHOW_SERVER = """
SHOW VARIABLES
WHERE Variable_name IN ('version', 'sql_mode', 'transaction_isolation', 'tx_isolation', 'time_zone')
"""


@dataclass(frozen=True, slots=True)
class PortalFinding:
    """level: `must` (the service does not work so), `should`, or `ok`."""

    level: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Named:
    """A column that the mapping names, and where. is_id: it has ids of users, as users.id keeps them."""

    place: str
    table: str
    column: str
    is_id: bool = False


class PortalFacts:
    """What the server says of the Portal's tables; each thing is asked once. Names of columns, and on some servers of
    tables, are the same in upper and lower case."""

    def __init__(self, database: Database, tables: PortalTables) -> None:
        self.database = database
        self.tables = tables
        self.mapping = tables.mapping

    @cached_property
    def _columns(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for row in self._of_tables(SELECT_PORTAL_COLUMNS):
            found.setdefault(row["in_table"].lower(), {})[row["name"].lower()] = row
        return found

    def columns_of(self, table: str) -> Sequence[str]:
        """The names of a table's columns; none where there is no such table."""
        return [row["name"] for row in self._columns.get(table.lower(), {}).values()]

    def is_view(self, table: str) -> bool:
        return any(row["in_table"].lower() == table.lower() and row["engine"] is None for row in self.engines)

    @cached_property
    def indexes(self) -> Sequence[Mapping[str, Any]]:
        return self._of_tables(SELECT_PORTAL_INDEXES)

    @cached_property
    def engines(self) -> Sequence[Mapping[str, Any]]:
        return self._of_tables(SELECT_PORTAL_ENGINES)

    @cached_property
    def server(self) -> Mapping[str, str]:
        return {row["Variable_name"]: row["Value"] for row in self.database.query(SHOW_SERVER)}

    def column(self, named: Named) -> Mapping[str, Any] | None:
        return self._columns.get(named.table.lower(), {}).get(named.column.lower())

    def is_indexed(self, table: str, column: str, *, alone: bool = False) -> bool:
        """Whether an index begins with the column; alone: a unique one of it alone."""
        return any(
            (index["in_table"].lower(), index["first"].lower()) == (table.lower(), column.lower())
            and (not alone or (index["width"] == 1 and not index["repeats"]))
            for index in self.indexes
        )

    def qualified(self, table: str) -> str:
        """For people."""
        return f"{self.mapping.schema}.{table}" if self.mapping.schema else table

    def _of_tables(self, template: str) -> Sequence[Mapping[str, Any]]:
        return self.database.query(self.tables.sql(template), (self.mapping.tables,))


Check = Callable[[PortalFacts], Iterator[PortalFinding]]


def must(sentence: str) -> PortalFinding:
    """The service does not work so."""
    return PortalFinding("must", sentence)


def should(sentence: str) -> PortalFinding:
    """It works, and could be better."""
    return PortalFinding("should", sentence)
