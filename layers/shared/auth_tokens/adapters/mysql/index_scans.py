"""A scan of a table in the order of the index on what is due: its statements, built from its identifiers.

A batch that filters by one index and orders by another sorts all candidates every time (measured 20 times
slower), and one that scans waits for rows that it does not want: so each statement is held to its index,
whatever the statistics say, and tests/integration/cleanup reads EXPLAIN.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.ids import uuid7, uuid_time

# The last of the next rows in index order, without locks. Row count 0: there are not as many left.
FIND_LAST = """
SELECT {place} AS place, {key} AS id
FROM {table} FORCE INDEX ({index})
WHERE ({place} = %(place)s AND {key} > %(id)s) OR ({place} > %(place)s AND {place} < %(bound)s)
ORDER BY {order}
LIMIT 1 OFFSET %(offset)s
"""
# All of them, without locks.
FIND = FIND_LAST.replace("LIMIT 1 OFFSET %(offset)s", "LIMIT %(rows)s")
# Locks them, none of which anybody else holds; returns the last.
LOCK = f"{FIND_LAST}FOR UPDATE NOWAIT\n"
# Deletes the rows locked, found as they were found then, each by its primary key.
# A DELETE that filters by itself is left to the optimizer, and scans a small table of which most is due (MariaDB 11
# does up to a thousand rows): it would wait for rows of those who are signed in. The join leaves no choice.
DELETE_LOCKED = """
DELETE doomed
FROM (
  SELECT {key} AS id
  FROM {table} FORCE INDEX ({index})
  WHERE ({place} = %(place)s AND {key} > %(id)s) OR ({place} > %(place)s AND {place} <= %(last)s)
  ORDER BY {order}
  LIMIT %(rows)s
) AS found
STRAIGHT_JOIN {table} AS doomed FORCE INDEX (PRIMARY) ON doomed.{key} = found.id
"""

# A JSON array of keys, as `listed` writes it.
_LIST = "JSON_TABLE(%(listed)s, '$[*]' COLUMNS (id VARCHAR(36) PATH '$'))"
# Locks those of the listed rows that no transaction holds and that are still due; returns their keys.
# The list is in a derived table because MySQL takes no locking clause over JSON_TABLE itself (error 3569).
LOCK_FREE = f"""
SELECT due.{{key}} AS id
FROM (SELECT id FROM {_LIST} AS given) AS listed
STRAIGHT_JOIN {{table}} AS due FORCE INDEX (PRIMARY) ON due.{{key}} = {{listed_key}}
WHERE due.{{place}} < %(bound)s
{EVERY_ROW}
FOR UPDATE SKIP LOCKED
"""
# Some rows, each by its primary key: a list in an IN may be answered by a scan, which locks others' rows.
DELETE_LISTED = f"""
DELETE doomed
FROM {_LIST} AS listed
STRAIGHT_JOIN {{table}} AS doomed FORCE INDEX (PRIMARY) ON doomed.{{key}} = {{listed_key}}
"""

# What is due, read without locks from the index alone.
COUNT = """
SELECT COUNT(*) AS due_rows, MIN(ended) AS oldest
FROM (
  SELECT {place} AS ended
  FROM {table} FORCE INDEX ({index})
  WHERE {place} >= %(place)s AND {place} < %(bound)s
  ORDER BY {place}
  LIMIT %(rows)s
) AS due
"""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a column stores instants. first: below all values; write: epoch seconds → value; read: the inverse."""

    first: Any
    write: Callable[[int], Any]
    read: Callable[[Any], int]


DATETIMES = Encoding(to_sql(0), to_sql, from_sql)
SECONDS = Encoding(0, int, int)
MILLISECONDS = Encoding(0, lambda instant: instant * 1000, lambda value: int(value) // 1000)
# UUIDv7: in the order of time.
UUIDS = Encoding(b"", lambda instant: uuid7(instant * 1000, bytes(10)), uuid_time)


@dataclass(frozen=True, slots=True)
class IndexScan:
    """One table in the order of one index: on `place`, which says what is due, then on the primary key `key`."""

    table: str
    index: str
    place: str
    key: str
    encoding: Encoding = DATETIMES
    has_text_keys: bool = False

    @property
    def start(self) -> tuple[Any, bytes | str]:
        """Before the first row."""
        return self.encoding.first, "" if self.has_text_keys else b""

    def sql(self, statement: str) -> str:
        """One of the statements above, for this table."""
        # A text in another collation than the column's would not be looked up in the index.
        as_text, as_bytes = "CONVERT(listed.id USING ascii) COLLATE ascii_bin", "UNHEX(listed.id)"
        return statement.format(
            table=self.table,
            index=self.index,
            place=self.place,
            key=self.key,
            order=self.place
            if self.place == self.key
            else f"{self.place}, {self.key}",  # twice would be a sort
            listed_key=as_text if self.has_text_keys else as_bytes,
        )


def listed(keys: Sequence[bytes | str]) -> str:
    """Keys as LOCK_FREE and DELETE_LISTED take them: those of bytes in hexadecimal."""
    return json.dumps([key if isinstance(key, str) else key.hex() for key in keys])
