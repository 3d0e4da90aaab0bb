"""A scan of a table in the order of the index on what is due: its statements, built from its identifiers.

A batch that filters by one index and orders by another sorts all candidates every time (measured 20 times
slower), and one that scans waits for rows that it does not want: so each statement is held to its index,
whatever the statistics say, and tests/integration/cleanup reads EXPLAIN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW

# A JSON array of keys, those of bytes in hexadecimal.
_LIST = "JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$'))"


@dataclass(frozen=True, slots=True)
class IndexScan:
    """One table in the order of one index. index: on `place`, which says what is due, then on the primary key `key`;
    start: before the first row; bound: epoch seconds → a value of `place`; ended: the other way round; listed_key: the
    SQL that a key of _LIST is compared by."""

    table: str
    index: str
    place: str
    key: str
    start: tuple[Any, bytes | str]
    bound: Callable[[int], Any]
    ended: Callable[[Any], int]
    retention_s: int
    listed_key: str = "UNHEX(listed.id)"

    @property
    def statements(self) -> dict[str, str]:
        """All of them by name."""
        names = ("find_last", "lock", "delete_locked", "find", "count", "lock_free", "delete_listed")
        return {name: getattr(self, name) for name in names}

    @property
    def find_last(self) -> str:
        """The last of the next rows in index order, without locks. Row count 0: there are not as many left."""
        return f"{self._next}LIMIT 1 OFFSET %(offset)s\n"

    @property
    def lock(self) -> str:
        """Locks those rows, none of which anybody else holds; returns the last."""
        return f"{self.find_last}FOR UPDATE NOWAIT\n"

    @property
    def delete_locked(self) -> str:
        """Deletes the rows locked, found as they were found then, each by its primary key.

        A DELETE that filters by itself is left to the optimizer, and scans a small table of which most is due (MariaDB
        11 does up to a thousand rows): it would wait for rows of those who are signed in. The join leaves no choice.
        """
        return f"""
DELETE doomed
FROM (
  SELECT {self.key} AS id
  FROM {self._by_index}
  WHERE {self._ahead} AND {self.place} <= %(last)s)
  ORDER BY {self._order}
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN {self.table} AS doomed FORCE INDEX (PRIMARY) ON doomed.{self.key} = found.id
"""

    @property
    def find(self) -> str:
        """The next rows in index order, without locks."""
        return f"{self._next}LIMIT %(rows)s\n"

    @property
    def lock_free(self) -> str:
        """Locks those of the listed rows that no transaction holds and that are still due; returns their keys.

        The list is in a derived table because MySQL takes no locking clause over JSON_TABLE itself (error 3569).
        """
        return f"""
SELECT due.{self.key} AS id
FROM (SELECT id FROM {_LIST} AS given) AS listed
STRAIGHT_JOIN {self.table} AS due FORCE INDEX (PRIMARY) ON due.{self.key} = {self.listed_key}
WHERE due.{self.place} < %(bound)s
{EVERY_ROW}
FOR UPDATE SKIP LOCKED
"""

    @property
    def delete_listed(self) -> str:
        """Some rows, each by its primary key: a list in an IN may be answered by a scan, which locks others' rows."""
        return f"""
DELETE doomed
FROM {_LIST} AS listed
STRAIGHT_JOIN {self.table} AS doomed FORCE INDEX (PRIMARY) ON doomed.{self.key} = {self.listed_key}
"""

    @property
    def count(self) -> str:
        """What is due, read without locks from the index alone."""
        return f"""
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT {self.place} AS ended
  FROM {self._by_index}
  WHERE {self.place} >= %(place)s AND {self.place} < %(bound)s
  ORDER BY {self.place}
  LIMIT %(rows)s
) AS due
"""

    @property
    def _next(self) -> str:
        return f"""
SELECT {self.place} AS place, {self.key} AS id
FROM {self._by_index}
WHERE {self._ahead} AND {self.place} < %(bound)s)
ORDER BY {self._order}
"""

    @property
    def _by_index(self) -> str:
        return f"{self.table} FORCE INDEX ({self.index})"

    @property
    def _ahead(self) -> str:
        """Behind the position; what bounds it follows."""
        return f"({self.place} = %(place)s AND {self.key} > %(id)s) OR ({self.place} > %(place)s"

    @property
    def _order(self) -> str:
        """A column named twice would be sorted by."""
        return self.place if self.place == self.key else f"{self.place}, {self.key}"
