"""auth_token_events: append-only, in time order by its UUIDv7 key."""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

from auth_tokens.adapters.mysql.connection import Database, Transaction
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.events import (
    DETAILS,
    UNCOUNTED,
    EventSelection,
    EventType,
    RecordedEvent,
    SecurityEvent,
)
from auth_tokens.domain.ids import first_uuid_at, uuid7
from auth_tokens.domain.networks import network_of, site_of
from auth_tokens.observability import Telemetry
from auth_tokens.ports.keys import Cipher, Keys

INSERT_EVENT = """
INSERT INTO auth_token_events (id, type, created_at, user_id, session_id, source_hash, detail)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE id = VALUES(id)
"""

# A sign-in that forgets a hundred devices writes as many events, of some 230 bytes each; 16 KB in one statement would
# pin RDS Proxy.
_AT_ONCE = 40

EVENT_COLUMNS = "id, type, created_at, user_id, session_id, source_hash, detail"


def _page(filters: str) -> str:
    return f"""
SELECT {EVENT_COLUMNS}
FROM auth_token_events
WHERE id < %s
  AND id >= %s{filters}
ORDER BY id DESC
LIMIT %s
"""


# A statement for each set of filters, so that each has its index; of several filters the server takes the index of
# one, and looks at the rest of its rows.
# Index: primary key, backwards.
SELECT_EVENTS = _page("")
# Index: ix_user, backwards.
SELECT_EVENTS_OF_USER = _page("\n  AND user_id = %s")
# Index: ix_type, backwards.
SELECT_EVENTS_OF_TYPE = _page("\n  AND type = %s")
# Index: ix_user, backwards.
SELECT_EVENTS_OF_USER_AND_TYPE = _page("\n  AND user_id = %s\n  AND type = %s")

# Index: ix_session, backwards.
SELECT_EVENTS_OF_SESSION = _page("\n  AND session_id = %s")
# Index: ix_source, backwards.
SELECT_EVENTS_OF_SOURCE = _page("\n  AND source_hash = %s")


def select_events_of_types(count: int) -> str:
    """Index: ix_type, backwards, once for each of several types, so that no more is read than is shown of each; as one
    filter of several values the server would sort all events of the types, or read all of the others."""
    each = "\nUNION ALL\n".join([f"({SELECT_EVENTS_OF_TYPE})"] * count)
    return f"""
SELECT {EVENT_COLUMNS}
FROM (
{each}
) AS found
ORDER BY id DESC
LIMIT %s
"""


# Of the evidence of a finding, and of a page of the inbox.
NUMBERS_OF_IDS = (5, 100)


def select_events_by_id(count: int) -> str:
    """Index: primary key."""
    return f"""
SELECT {EVENT_COLUMNS}
FROM auth_token_events
WHERE id IN ({", ".join(["%s"] * count)})
ORDER BY id DESC
LIMIT {count}
"""


_to_json = json.JSONEncoder(ensure_ascii=False).encode
_UNCOUNTED = {kind.value for kind in UNCOUNTED}
EventRow = tuple[object, ...]
OpenDetail = Callable[[bytes, bytes, str], bytes | None]


def event_metric(kind: str) -> str:
    """The metric that counts a type of event: `login_failed` → `LoginFailed`."""
    return kind.title().replace("_", "")


class EventWriter:
    """Turns events into rows, and writes rows in the transaction of the change that they record."""

    def __init__(self, keys: Keys, cipher: Cipher, now_ms: Callable[[], int], telemetry: Telemetry) -> None:
        self._keys = keys
        self._cipher = cipher
        self.now_ms = now_ms
        self._telemetry = telemetry

    def rows(self, events: Iterable[SecurityEvent]) -> list[EventRow]:
        """Made before the transaction: a unit of work that runs twice writes the same ids, so one row each."""
        now_ms = self.now_ms()
        hash_of = cache(partial(self._keys.pseudonym, "address"))  # most events of one call have one source
        # A millisecond apart, so that events of one call are read back in their order.
        return [self._row(event, now_ms + offset, hash_of) for offset, event in enumerate(events)]

    def write(self, statements: Transaction, rows: Sequence[EventRow]) -> None:
        """Counts them as well; once more if their transaction has to run again."""
        for start in range(0, len(rows), _AT_ONCE):
            statements.execute_many(INSERT_EVENT, rows[start : start + _AT_ONCE])
        self.count(rows)

    def count(self, rows: Sequence[EventRow]) -> None:
        """A metric for each row, named after its type, so that events are visible without a delay."""
        for row in rows:
            if row[1] not in _UNCOUNTED:
                self._telemetry.count(event_metric(str(row[1])))

    def _row(self, event: SecurityEvent, id_ms: int, hash_of: Callable[[str], bytes]) -> EventRow:
        """hash_of: a network → its keyed hash."""
        event_id = uuid7(id_ms, secrets.token_bytes(10))
        network = network_of(event.source or "")
        detail = None
        members = event.detail | _site(event, network, hash_of)
        if members:
            plaintext = _to_json(members).encode(errors="replace")
            detail = self._cipher.seal(plaintext, event_id, event.user_id or "")
        return (
            event_id,
            event.type.value,
            to_sql(event.at),
            event.user_id,
            event.session_id,
            hash_of(network) if network else event.source_hash,
            detail,
        )


def _site(event: SecurityEvent, network: str, hash_of: Callable[[str], bytes]) -> dict[str, str]:
    """What stands for the /48 of an IPv6 caller, in the events that are counted by it."""
    if "site" not in DETAILS[event.type]:
        return {}
    site = site_of(event.source or "")
    return {"site": hash_of(site).hex()} if site != network else {}


class MySqlEventLog:
    """Ports EventLog and EventQuery."""

    def __init__(self, database: Database, writer: EventWriter, open_detail: OpenDetail) -> None:
        self._database = database
        self._writer = writer
        self.open_detail = open_detail

    def record(self, event: SecurityEvent) -> None:
        [row] = self._writer.rows([event])
        self._database.execute(INSERT_EVENT, row)
        self._writer.count([row])

    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        return self.search(EventSelection(since, user_id, (kind,) if kind else ()), before, limit)

    def search(self, wanted: EventSelection, before: bytes, limit: int) -> list[RecordedEvent]:
        rows = self._database.query(*_search(wanted, before, limit))
        return [recorded(row, self.open_detail) for row in rows]

    def of_ids(self, ids: Sequence[bytes]) -> list[RecordedEvent]:
        if not ids:
            return []
        count = next(number for number in NUMBERS_OF_IDS if len(ids) <= number)
        filled = (*ids, *[ids[0]] * (count - len(ids)))
        rows = self._database.query(select_events_by_id(count), filled)
        return [recorded(row, self.open_detail) for row in rows]


def _search(wanted: EventSelection, before: bytes, limit: int) -> tuple[str, tuple[object, ...]]:
    """The statement of a selection, with its parameters."""
    columns = {
        "user_id": wanted.user_id,
        "session_id": wanted.session_id,
        "source_hash": wanted.source,
    }
    given = {column: value for column, value in columns.items() if value is not None}
    kinds = tuple(kind.value for kind in wanted.kinds)
    since = first_uuid_at(wanted.since)
    if len(kinds) > 1 and not given:
        each = [(before, since, kind, limit) for kind in kinds]
        return select_events_of_types(len(kinds)), (*(value for one in each for value in one), limit)
    filters = [f"{column} = %s" for column in given]
    if kinds:
        filters.append("type = %s" if len(kinds) == 1 else f"type IN ({', '.join(['%s'] * len(kinds))})")
    statement = _page("".join(f"\n  AND {each}" for each in filters))
    return statement, (before, since, *given.values(), *kinds, limit)


def recorded(row: dict[str, Any], open_detail: OpenDetail) -> RecordedEvent:
    """A row with EVENT_COLUMNS."""
    detail = None
    if row["detail"] is not None:
        plaintext = open_detail(row["detail"], row["id"], row["user_id"] or "")
        detail = json.loads(plaintext) if plaintext is not None else None
    return RecordedEvent(
        id=row["id"],
        type=row["type"],
        at=from_sql(row["created_at"]),
        user_id=row["user_id"],
        session_id=row["session_id"],
        source_hash=row["source_hash"],
        detail=detail or {},
    )
