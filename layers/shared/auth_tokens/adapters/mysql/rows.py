"""auth_user_tokens: its columns, and a row as a TokenRecord."""

from typing import Any

from auth_tokens.adapters.mysql.portal import OWNER_COLUMNS, owner_from
from auth_tokens.adapters.mysql.times import (
    clock_us,
    from_sql,
    from_sql_or_null,
    to_clock,
    to_sql,
    to_sql_or_null,
)
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User, is_same_account
from auth_tokens.domain.tokens import TokenKind

# Of a row, in the order of the table.
COLUMNS = (
    "id",
    "type",
    "user_id",
    "device_id",
    "client_id",
    "scope",
    "generation",
    "token_hash",
    "key_epoch",
    "retry_key_hash",
    "rotated_at",
    "created_at",
    "last_used_at",
    "auth_time",
    "acr",
    "amr",
    "expires_at",
    "absolute_expires_at",
    "revoked_at",
    "revoke_reason",
    "metadata",
    "user_created_at",
    "access_expires_at",
)
TOKEN_COLUMNS = ", ".join(f"t.{name}" for name in COLUMNS)
COLUMNS_WITH_OWNER = f"{TOKEN_COLUMNS}, {OWNER_COLUMNS}"
INSERT_COLUMNS = ", ".join(COLUMNS)


def places(prefix: str = "") -> str:
    """The places of a row's values in an INSERT of INSERT_COLUMNS. prefix: where it is one row of several."""
    return ", ".join(f"%({prefix}{name})s" for name in COLUMNS)


def record_from(row: dict[str, Any]) -> TokenRecord:
    """A row with TOKEN_COLUMNS, and with OWNER_COLUMNS where the query joined them."""
    return TokenRecord(
        id=row["id"],
        kind=TokenKind(row["type"]),
        user_id=row["user_id"],
        device_id=row["device_id"],
        client_id=row["client_id"],
        scope=row["scope"],
        generation=row["generation"],
        token_hash=row["token_hash"],
        key_epoch=row["key_epoch"],
        retry_key_hash=row["retry_key_hash"],
        rotated_at=from_sql_or_null(row["rotated_at"]),
        created_at=from_sql(row["created_at"]),
        last_used_at=from_sql(row["last_used_at"]),
        auth_time=from_sql(row["auth_time"]),
        acr=row["acr"],
        amr=tuple(row["amr"].split()),
        expires_at=from_sql(row["expires_at"]),
        absolute_expires_at=from_sql(row["absolute_expires_at"]),
        revoked_at=from_sql_or_null(row["revoked_at"]),
        revoke_reason=row["revoke_reason"],
        metadata=row["metadata"],
        owner=_owner(row) if "owner_id" in row else None,
        user_created_us=clock_us(row["user_created_at"]),
        access_expires_at=from_sql_or_null(row["access_expires_at"]),
        read_at=float(row["read_at"]) if "read_at" in row else None,
    )


def row_from(record: TokenRecord, prefix: str = "") -> dict[str, Any]:
    """A record as the values of `places`."""
    values: dict[str, Any] = {
        "id": record.id,
        "type": record.kind.value,
        "user_id": record.user_id,
        "device_id": record.device_id,
        "client_id": record.client_id,
        "scope": record.scope,
        "generation": record.generation,
        "token_hash": record.token_hash,
        "key_epoch": record.key_epoch,
        "retry_key_hash": record.retry_key_hash,
        "rotated_at": to_sql_or_null(record.rotated_at),
        "created_at": to_sql(record.created_at),
        "last_used_at": to_sql(record.last_used_at),
        "auth_time": to_sql(record.auth_time),
        "acr": record.acr,
        "amr": " ".join(record.amr),
        "expires_at": to_sql(record.expires_at),
        "absolute_expires_at": to_sql(record.absolute_expires_at),
        "revoked_at": to_sql_or_null(record.revoked_at),
        "revoke_reason": record.revoke_reason,
        "metadata": record.metadata,
        "user_created_at": to_clock(record.user_created_us),
        "access_expires_at": to_sql_or_null(record.access_expires_at),
    }
    return {f"{prefix}{name}": value for name, value in values.items()}


def live_session_from(row: dict[str, Any]) -> LiveSession:
    """A session's row of SELECT_LIVE_ROWS."""
    return LiveSession(
        row["id"], row["device_id"], from_sql(row["created_at"]), from_sql(row["last_used_at"])
    )


def live_device_from(row: dict[str, Any]) -> LiveDevice:
    """A device's row of SELECT_LIVE_ROWS."""
    return LiveDevice(row["id"], bool(row["is_remembered"]), from_sql(row["last_used_at"]))


def _owner(row: dict[str, Any]) -> User | None:
    """The user whom the row was written for; None where the Portal has none, or another one under the id by now."""
    user = owner_from(row)
    return user if user and is_same_account(clock_us(row["user_created_at"]), user.created_us) else None
