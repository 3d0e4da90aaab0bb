"""auth_user_tokens: changes of a live row. Its token is spent, its authentication raised, its use recorded, its device
renamed."""

from collections.abc import Sequence

from auth_tokens.adapters.mysql.connection import Transaction
from auth_tokens.adapters.mysql.times import to_sql, to_sql_or_null
from auth_tokens.adapters.mysql.token_table import SINCE_READ, TokenTable
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.bounds import MAX_ACCESS_TTL_S
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.rotation import Rotation
from auth_tokens.domain.sessions import TokenRecord

# Never earlier than before. A row that an earlier release wrote does not say how long its access tokens live.
_ACCESS_EXPIRES_AT = f"""GREATEST(
      COALESCE(access_expires_at, %(at)s + INTERVAL {MAX_ACCESS_TTL_S} SECOND), %(access_expires_at)s)"""

_RAISED = """auth_time = %(auth_time)s,
    acr = %(acr)s,
    amr = %(amr)s"""
# No other authentication took the place of the one that was compared, unless it is as strong and no newer.
_RAISED_FROM = "auth_time <= %(auth_time)s AND acr = %(held_acr)s"


def _rotate(also_set: str, only_if: str) -> str:
    return f"""
UPDATE auth_user_tokens
SET generation = %(generation)s,
    token_hash = %(token_hash)s,
    key_epoch = %(key_epoch)s,
    retry_key_hash = %(retry_key_hash)s,
    rotated_at = %(at)s + {SINCE_READ},
    last_used_at = %(at)s,
    expires_at = %(expires_at)s,
    metadata = %(metadata)s,
    access_expires_at = {_ACCESS_EXPIRES_AT}{also_set}
WHERE id = %(id)s
  AND generation = %(spent_generation)s
  AND token_hash = %(spent_hash)s
  AND revoked_at IS NULL
  AND expires_at > %(at)s
  AND absolute_expires_at > %(at)s
  AND UNIX_TIMESTAMP(SYSDATE(6)) < %(until)s
  AND {only_if}
"""


# Index: primary key, of both tables. Row count 1: spent by this call; 0: another call changed the row, the Portal
# changed the user, or the statement came too late; the row is read again then. A statement that waits for a lock may
# outlive its client. SYSDATE is the time at which the row is read behind the lock, not that of the statement. So no
# token is spent after the client's timeout, and the retry window starts when the token is spent.
ROTATE_TOKEN = _rotate("", "{owner_is_active}")

# The same by a step-up. Row count 0 also where the password or the session's authentication changed meanwhile.
ROTATE_AND_RAISE = _rotate(f",\n    {_RAISED}", f"{_RAISED_FROM}\n  AND {{owner_is_as_verified}}")

# Index: primary key, of both tables. Row count 0: rotated, revoked, expired or raised meanwhile, or the Portal changed
# the user; the row is read again then.
RAISE_SESSION = f"""
UPDATE auth_user_tokens
SET {_RAISED}
WHERE id = %(id)s
  AND generation = %(generation)s
  AND revoked_at IS NULL
  AND expires_at > %(at)s
  AND absolute_expires_at > %(at)s
  AND {_RAISED_FROM}
  AND {{owner_is_as_verified}}
"""

# Index: primary key. Row count 0: revoked or rotated meanwhile, or another call has noted as much.
NOTE_ACCESS_TOKEN = f"""
UPDATE auth_user_tokens
SET access_expires_at = {_ACCESS_EXPIRES_AT}
WHERE id = %(id)s AND generation = %(generation)s AND revoked_at IS NULL
"""

# Index: primary key. Row count 0: revoked or rotated meanwhile, or noted by another environment less than
# a minute ago, which needs no note.
TOUCH_SESSION = """
UPDATE auth_user_tokens
SET last_used_at = %(at)s, expires_at = %(expires_at)s
WHERE id = %(id)s AND generation = %(generation)s AND revoked_at IS NULL AND last_used_at <= %(unless_noted_after)s
"""

# Index: primary key. Row count 0: revoked, or used and so encrypted for another generation meanwhile.
SET_DEVICE_METADATA = """
UPDATE auth_user_tokens
SET metadata = %(metadata)s
WHERE id = %(id)s AND generation = %(generation)s AND type = 'device' AND revoked_at IS NULL
"""

# For the commit and its answer, within the client's timeout.
ANSWER_S = 0.5


class Rotations(TokenTable):
    """The methods of TokenStore that change a live row."""

    def rotate(self, record: TokenRecord, rotation: Rotation) -> bool:
        parameters = _rotate_parameters(record, rotation, self._database.timeout_s)
        if rotation.raised is not None:
            parameters |= _raise_parameters(record, rotation.raised)
            return self._changes(ROTATE_AND_RAISE, parameters, rotation.events)
        return self._changes(ROTATE_TOKEN, parameters, rotation.events)

    def raise_session(
        self, record: TokenRecord, raised: Authentication, event: SecurityEvent, at: int
    ) -> bool:
        parameters = {
            "id": record.id,
            "generation": record.generation,
            "at": to_sql(at),
            **_raise_parameters(record, raised),
        }
        return self._changes(RAISE_SESSION, parameters, [event])

    def _changes(self, sql: str, parameters: dict[str, object], events: Sequence[SecurityEvent]) -> bool:
        """Did the statement change the row? Its events are written in the same transaction, if there are any."""
        change = self._portal.sql(sql)
        if not events:
            return self._database.execute(change, parameters) == 1
        rows = self._events.rows(events)

        def work(statements: Transaction) -> bool:
            is_ours = statements.execute(change, parameters) == 1
            if is_ours:
                self._events.write(statements, rows)
            return is_ours

        return self._database.transaction(work)

    def touch(self, record: TokenRecord, at: int, expires_at: int) -> None:
        parameters = {
            "at": to_sql(at),
            "expires_at": to_sql(expires_at),
            "id": record.id,
            "generation": record.generation,
            "unless_noted_after": to_sql(at - TOUCH_INTERVAL_S),
        }
        self._database.execute(TOUCH_SESSION, parameters)

    def note_access_token(self, record: TokenRecord, at: int, access_expires_at: int) -> bool:
        parameters = {
            "at": to_sql(at),
            "access_expires_at": to_sql(access_expires_at),
            "id": record.id,
            "generation": record.generation,
        }
        return self._database.execute(NOTE_ACCESS_TOKEN, parameters) == 1

    def rename_device(self, device: TokenRecord, metadata: bytes) -> bool:
        parameters = {"metadata": metadata, "id": device.id, "generation": device.generation}
        return self._database.execute(SET_DEVICE_METADATA, parameters) == 1


def _rotate_parameters(record: TokenRecord, rotation: Rotation, timeout_s: float) -> dict[str, object]:
    assert record.read_at is not None  # it was read by itself
    return {
        "generation": rotation.generation,
        "token_hash": rotation.token_hash,
        "key_epoch": rotation.key_epoch,
        "retry_key_hash": rotation.retry_key_hash,
        "at": to_sql(rotation.at),
        "read_at": record.read_at,
        "expires_at": to_sql(rotation.expires_at),
        "metadata": rotation.metadata,
        "access_expires_at": to_sql_or_null(rotation.access_expires_at),
        "id": record.id,
        "spent_generation": record.generation,
        "spent_hash": record.token_hash,
        "until": record.read_at + timeout_s - ANSWER_S,
    }


def _raise_parameters(record: TokenRecord, raised: Authentication) -> dict[str, object]:
    return {
        "auth_time": to_sql(raised.auth_time),
        "acr": raised.acr,
        "amr": " ".join(raised.amr),
        "held_acr": record.acr,
        "password_hash": raised.password_hash,
    }
