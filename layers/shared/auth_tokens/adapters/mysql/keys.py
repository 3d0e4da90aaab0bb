"""auth_token_keys: wrapped keys and public keys with their states. Never a plain key."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from auth_tokens.adapters.mysql.connection import EVERY_ROW, Database, Transaction
from auth_tokens.adapters.mysql.keys_version import KEYS_VERSION, KeysVersion
from auth_tokens.adapters.mysql.times import from_sql, to_sql
from auth_tokens.domain.keys import KeyState, PublicKeyRow, Purpose, StoredKey

# Index: none needed; the table has at most a few dozen rows.
SELECT_KEYS = f"""
SELECT kid, purpose, epoch, state, algorithm, wrapped_key, public_jwk, changed_at, {KEYS_VERSION}
FROM auth_token_keys
WHERE state <> 'gone'
ORDER BY purpose, epoch
{EVERY_ROW}
"""

# Index: ux_purpose_epoch. Those that are gone, too: their epochs and kids stay taken.
SELECT_KEYS_OF_PURPOSE = f"""
SELECT kid, purpose, epoch, state, algorithm, wrapped_key, public_jwk, changed_at
FROM auth_token_keys
WHERE purpose = %s
ORDER BY epoch
{EVERY_ROW}
"""

# The public half only, which is all that a verifier needs.
SELECT_PUBLIC_KEYS = f"""
SELECT kid, algorithm, public_jwk, {KEYS_VERSION}
FROM auth_token_keys
WHERE purpose = 'signing' AND state <> 'gone'
ORDER BY epoch
{EVERY_ROW}
"""

# ux_purpose_epoch lets one of two environments that bootstrap at once win; both then read the winner's.
# Row count 0: epoch or kid are taken.
INSERT_KEY = """
INSERT INTO auth_token_keys
  (kid, purpose, epoch, state, algorithm, wrapped_key, public_jwk, created_at, changed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE kid = kid
"""

# Index: primary key. Row count 0: another run has moved it on already.
ADVANCE_KEY = """
UPDATE auth_token_keys
SET state = %s, changed_at = %s
WHERE kid = %s AND state = %s
"""

# Index: primary key. The wrapped key goes with the state: a gone key opens and signs nothing ever again.
ERASE_KEY = """
UPDATE auth_token_keys
SET state = %s, changed_at = %s, wrapped_key = NULL
WHERE kid = %s AND state = %s
"""


# Index: primary key. Only where the answer to one of the statements above was lost.
SELECT_KEY_IN_STATE = """
SELECT kid
FROM auth_token_keys
WHERE kid = %s AND state = %s AND changed_at = %s
"""


class KeyTable:
    """auth_token_keys. version: takes note of the state that is read. Raises Unavailable."""

    def __init__(self, database: Database, version: KeysVersion | None = None) -> None:
        self._database = database
        self._version = version or KeysVersion()

    def all(self) -> list[StoredKey]:
        """Every key that is not gone."""
        rows = self._database.query(SELECT_KEYS)
        if rows:
            self._version.see(rows[0]["key_stamp"])
        return [_stored(row) for row in rows]

    def of(self, purpose: Purpose) -> list[StoredKey]:
        """Every key that a purpose ever had, oldest first."""
        return [_stored(row) for row in self._database.query(SELECT_KEYS_OF_PURPOSE, (purpose.value,))]

    def public(self) -> list[PublicKeyRow]:
        """The public halves of the signing keys that are not gone, oldest first."""
        rows = self._database.query(SELECT_PUBLIC_KEYS)
        if rows:
            self._version.see(rows[0]["key_stamp"])
        return [PublicKeyRow(row["kid"], row["algorithm"], json.loads(row["public_jwk"])) for row in rows]

    def insert(self, key: StoredKey) -> bool:
        """Add a key; False where its purpose and epoch, or its kid, are taken."""
        now = to_sql(key.changed_at)
        jwk = json.dumps(key.public_jwk) if key.public_jwk else None
        row = (
            key.kid,
            key.purpose.value,
            key.epoch,
            key.state.value,
            key.algorithm,
            key.wrapped_key,
            jwk,
            now,
            now,
        )
        return self._noted(self._database.execute_once(INSERT_KEY, row, _is_in(key.kid, key.state, now)))

    def advance(self, kid: str, before: KeyState, after: KeyState, now: int) -> bool:
        """Move a key from one state to the next; False where it was not in the first."""
        statement = ERASE_KEY if after is KeyState.GONE else ADVANCE_KEY
        parameters = (after.value, to_sql(now), kid, before.value)
        return self._noted(
            self._database.execute_once(statement, parameters, _is_in(kid, after, to_sql(now)))
        )

    def _noted(self, has_changed: bool) -> bool:
        if has_changed:
            self._version.changed()
        return has_changed


def _is_in(kid: str, state: KeyState, changed_at: datetime) -> Callable[[Transaction], bool]:
    """Has this key come into this state at this instant? By the call whose answer was lost, as others have clocks
    and keys of their own."""
    return lambda statements: bool(statements.query(SELECT_KEY_IN_STATE, (kid, state.value, changed_at)))


def _stored(row: dict[str, Any]) -> StoredKey:
    return StoredKey(
        kid=row["kid"],
        purpose=Purpose(row["purpose"]),
        epoch=row["epoch"],
        state=KeyState(row["state"]),
        algorithm=row["algorithm"],
        wrapped_key=row["wrapped_key"],
        public_jwk=json.loads(row["public_jwk"]) if row["public_jwk"] else None,
        changed_at=from_sql(row["changed_at"]),
    )
