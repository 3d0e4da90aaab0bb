"""auth_user_tokens: its columns, and a row as a TokenRecord."""

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
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


# What a column holds, where it is not the record's member of its name.
_COLUMN: Mapping[str, Callable[[TokenRecord], Any]] = {
    "type": lambda record: record.kind.value,
    "rotated_at": lambda record: to_sql_or_null(record.rotated_at),
    "created_at": lambda record: to_sql(record.created_at),
    "last_used_at": lambda record: to_sql(record.last_used_at),
    "auth_time": lambda record: to_sql(record.auth_time),
    "amr": lambda record: " ".join(record.amr),
    "expires_at": lambda record: to_sql(record.expires_at),
    "absolute_expires_at": lambda record: to_sql(record.absolute_expires_at),
    "revoked_at": lambda record: to_sql_or_null(record.revoked_at),
    "user_created_at": lambda record: to_clock(record.user_created_us),
    "access_expires_at": lambda record: to_sql_or_null(record.access_expires_at),
}


def row_writer(prefix: str = "", given: Container[str] = ()) -> Callable[[TokenRecord], dict[str, Any]]:
    """Makes of a record the values of `places` with the same prefix and columns."""
    wanted = [
        (f"{prefix}{name}", _COLUMN.get(name) or attrgetter(name)) for name in COLUMNS if name not in given
    ]
    return lambda record: {place: value_of(record) for place, value_of in wanted}


row_from = row_writer()


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
