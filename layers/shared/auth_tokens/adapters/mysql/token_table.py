"""auth_user_tokens: what all groups of its statements share, and the reads by a row's id."""

from collections.abc import Sequence
from typing import Any

from auth_tokens.adapters.mysql import rows
from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database
from auth_tokens.adapters.mysql.cutoffs import CUTOFF_JOINS
from auth_tokens.adapters.mysql.events import EventWriter
from auth_tokens.adapters.mysql.keys_version import KEYS_STAMP, KeysVersion
from auth_tokens.adapters.mysql.portal import OwnerReads, PortalTables
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind

# The statements with the owner's fragments are made for a mapping by PortalTables.sql. All that is read is one column
# (docs/adr/0035). Index: primary key, each join by primary key. At most one row.
SELECT_TOKEN = f"""
SELECT JSON_ARRAY({KEYS_STAMP}, {rows.TOKEN_AND_OWNER})
FROM auth_user_tokens AS t
{CUTOFF_JOINS}
{{owner_join}}
WHERE t.id = %(id)s
"""

# The same for some rows. Index: primary key, a range for each id.
SELECT_TOKENS = f"""
SELECT JSON_ARRAY({KEYS_STAMP}, {rows.TOKEN_AND_OWNER})
FROM auth_user_tokens AS t
{CUTOFF_JOINS}
{{owner_join}}
WHERE t.id IN %(ids)s
{EVERY_ROW}
"""

# The same; before it the type of the row that has the access token's own id, NULL without one.
SELECT_SESSION_AND_DENIAL = f"""
SELECT JSON_ARRAY({KEYS_STAMP}, d.type, {rows.TOKEN_AND_OWNER})
FROM auth_user_tokens AS t
LEFT JOIN auth_user_tokens AS d ON d.id = %(jti)s
{CUTOFF_JOINS}
{{owner_join}}
WHERE t.id = %(id)s
"""

# Index: primary key, each join by primary key. At most one row.
SELECT_DEVICE = f"""
SELECT JSON_ARRAY({KEYS_STAMP},
    COALESCE((SELECT o.stop_number FROM auth_token_users AS o WHERE o.user_id = t.user_id), 0),
    {rows.TOKEN_AND_OWNER})
FROM auth_user_tokens AS t
{CUTOFF_JOINS}
{{owner_join}}
WHERE t.id = %(id)s
"""

# The time since a row was read, by the server's clock: the wait of a statement or of a frozen function.
SINCE_READ = "INTERVAL ROUND(1000000 * GREATEST(0, UNIX_TIMESTAMP(SYSDATE(6)) - %(read_at)s)) MICROSECOND"
# Later than any instant.
MAX_INSTANT = 2**33


class TokenTable:
    """version: gets the state of the keys with each row. portal: where the Portal keeps the rows' owners."""

    def __init__(
        self, database: Database, events: EventWriter, version: KeysVersion, portal: PortalTables
    ) -> None:
        self._database = database
        self._events = events
        self._portal = portal
        self._owners = OwnerReads(database, version, portal)

    def load(self, token_id: bytes) -> TokenRecord | None:
        for values in self._owners.arrays(SELECT_TOKEN, {"id": token_id}):
            return self._with_owner(values)
        return None

    def load_all(self, token_ids: Sequence[bytes]) -> list[TokenRecord]:
        if not token_ids:
            return []
        found = self._owners.arrays(SELECT_TOKENS, {"ids": tuple(token_ids)})
        return [self._with_owner(values) for values in found]

    def load_session(self, session_id: bytes, jti: bytes) -> TokenRecord | None:
        found = self._owners.arrays(SELECT_SESSION_AND_DENIAL, {"id": session_id, "jti": jti})
        for kind, *values in found:
            if kind != TokenKind.ACCESS.value:
                return self._with_owner(values)
        return None

    def load_device(self, device_id: bytes) -> tuple[TokenRecord, int] | None:
        for stop_number, *values in self._owners.arrays(SELECT_DEVICE, {"id": device_id}):
            return self._with_owner(values), stop_number
        return None

    def _with_owner(self, values: Sequence[Any]) -> TokenRecord:
        """values: of rows.TOKEN_AND_OWNER."""
        *token, metadata, owner, labels = values
        return rows.record_of(token, rows.bytes_of(metadata), self._portal.owner_from(owner, labels))
