"""auth_user_tokens: its columns, and a row as a TokenRecord."""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from auth_tokens.adapters.mysql.cutoffs import CUTOFF_COLUMNS
from auth_tokens.adapters.mysql.times import (
    clock_us_of,
    from_text,
    from_text_or_null,
    to_clock,
    to_sql,
    to_sql_or_null,
)
from auth_tokens.domain.sessions import TokenRecord, User, is_same_account
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
    "jkt",
    "expires_at",
    "absolute_expires_at",
    "revoked_at",
    "revoke_reason",
    "metadata",
    "user_created_at",
    "access_expires_at",
)
# Those are read in binary; JSON has them in hexadecimal.
_BINARY = ("id", "device_id", "token_hash", "retry_key_hash")
_IN_JSON = [f"HEX(t.{name})" if name in _BINARY else f"t.{name}" for name in COLUMNS if name != "metadata"]
# A row but for its metadata, and the database's time: one column, since each costs the driver more than all values of
# this one (docs/adr/0035).
_VALUES = f"{', '.join(_IN_JSON)}, UNIX_TIMESTAMP(NOW(6))"
TOKEN = f"JSON_ARRAY({_VALUES})"
# The same in a statement that may have to wait for a lock first, as NOW is when it began.
TOKEN_BEHIND_LOCK = f"JSON_ARRAY({', '.join(_IN_JSON)}, UNIX_TIMESTAMP(SYSDATE(6)))"
TOKEN_COLUMNS = f"{TOKEN} AS token, t.metadata"
# For a read by a row's id, with `owner_join` and CUTOFF_JOINS: the values of record_of, the metadata, the owner, the
# labels. A row that a cut-off covers is read as revoked, whether or not cleanup has marked it.
TOKEN_AND_OWNER = f"{_VALUES}, {CUTOFF_COLUMNS}, HEX(t.metadata), {{owner}}, {{labels}}"
INSERT_COLUMNS = ", ".join(COLUMNS)


def places(prefix: str = "", given: Mapping[str, str] = MappingProxyType({})) -> str:
    """The places of a row's values in an INSERT of INSERT_COLUMNS. prefix: where it is one row of several; given: the
    columns that have another value in SQL, as each value that is bound costs the driver."""
    return ", ".join(given.get(name, f"%({prefix}{name})s") for name in COLUMNS)


def record_from(token: str, metadata: bytes | None, owner: User | None = None) -> TokenRecord:
    """The values of TOKEN_COLUMNS, and the user of the row's id where the query joined the Portal's tables."""
    return record_of(json.loads(token), metadata, owner)


def record_of(token: Sequence[Any], metadata: bytes | None, owner: User | None) -> TokenRecord:
    """The same. token: a row's values, with those of CUTOFF_COLUMNS where the query has them."""
    (
        row_id,
        kind,
        user_id,
        device_id,
        client_id,
        scope,
        generation,
        token_hash,
        key_epoch,
        retry_key_hash,
        rotated_at,
        created_at,
        last_used_at,
        auth_time,
        acr,
        amr,
        jkt,
        expires_at,
        absolute_expires_at,
        revoked_at,
        revoke_reason,
        user_created_at,
        access_expires_at,
        read_at,
        *cutoffs,
    ) = token
    user_created_us = clock_us_of(user_created_at)
    record = TokenRecord(
        id=bytes.fromhex(row_id),
        kind=TokenKind(kind),
        user_id=user_id,
        device_id=bytes_of(device_id),
        client_id=client_id,
        scope=scope,
        generation=generation,
        token_hash=bytes_of(token_hash),
        key_epoch=key_epoch,
        retry_key_hash=bytes_of(retry_key_hash),
        rotated_at=from_text_or_null(rotated_at),
        created_at=from_text(created_at),
        last_used_at=from_text(last_used_at),
        auth_time=from_text(auth_time),
        acr=acr,
        amr=tuple(amr.split()),
        jkt=jkt,
        expires_at=from_text(expires_at),
        absolute_expires_at=from_text(absolute_expires_at),
        revoked_at=from_text_or_null(revoked_at),
        revoke_reason=revoke_reason,
        metadata=metadata,
        # None where the Portal has another user under the id by now.
        owner=owner if owner and is_same_account(user_created_us, owner.created_us) else None,
        user_created_us=user_created_us,
        access_expires_at=from_text_or_null(access_expires_at),
        read_at=read_at,
    )
    return _cut_off(record, cutoffs) if any(cutoffs) else record


def row_from(record: TokenRecord, prefix: str = "", given: Container[str] = ()) -> dict[str, Any]:
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
        "jkt": record.jkt,
        "expires_at": to_sql(record.expires_at),
        "absolute_expires_at": to_sql(record.absolute_expires_at),
        "revoked_at": to_sql_or_null(record.revoked_at),
        "revoke_reason": record.revoke_reason,
        "metadata": record.metadata,
        "user_created_at": to_clock(record.user_created_us),
        "access_expires_at": to_sql_or_null(record.access_expires_at),
    }
    return {f"{prefix}{name}": value for name, value in values.items() if name not in given}


def bytes_of(digits: str | None) -> bytes | None:
    """Bytes that JSON has in hexadecimal."""
    return None if digits is None else bytes.fromhex(digits)


def _cut_off(record: TokenRecord, cutoffs: Sequence[str | None]) -> TokenRecord:
    """The row as the cut-offs leave it. cutoffs: the values of CUTOFF_COLUMNS."""
    decided_at = [
        from_text(decided)
        for before, decided in zip(cutoffs[::2], cutoffs[1::2], strict=True)
        if before and decided and record.began_at <= from_text(before)
    ]
    if record.revoked_at is not None or not decided_at:
        return record
    return replace(record, revoked_at=min(decided_at))
