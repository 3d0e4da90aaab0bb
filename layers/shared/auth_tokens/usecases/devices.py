"""A user's devices: the list, and their names."""

import base64
import binascii
import struct
from dataclasses import dataclass, replace

from auth_tokens.domain.errors import InvalidRequest, NotFound, Unavailable
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.lists import DevicePlace
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.row_metadata import Metadata, metadata_of
from auth_tokens.usecases.session_deps import SessionDeps

DEFAULT_DEVICES = MAX_DEVICES = 100
# A device that was used meanwhile has another generation and new metadata, so it is read again.
MAX_RACES = 4
_CURSOR = struct.Struct(">?q16s")


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a list shows of a device."""

    record: TokenRecord
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class DevicePage:
    """next_cursor: None on the last page."""

    devices: list[DeviceView]
    next_cursor: str | None


def list_devices(
    user_id: str, limit: int | None, cursor: str | None, deps: SessionDeps, *, cursor_name: str = "cursor"
) -> DevicePage:
    """One page of the user's devices, those that hold a token first, newest use first; one SELECT.

    limit: DEFAULT_DEVICES where None. The cursor is only a position, as that of list_sessions; cursor_name: as the
    caller knows it. Raises InvalidRequest naming the parameter.
    """
    limit = DEFAULT_DEVICES if limit is None else limit
    if not 1 <= limit <= MAX_DEVICES:
        raise InvalidRequest(f"limit must be from 1 to {MAX_DEVICES}.")
    after = _place(cursor, cursor_name) if cursor is not None else None
    records = deps.store.live_devices(user_id, deps.clock(), limit + 1, after)
    page = [DeviceView(record, metadata_of(record, deps.cipher)) for record in records[:limit]]
    return DevicePage(page, _cursor(records[limit - 1]) if len(records) > limit else None)


def rename_device(device_id: str, user_id: str, name: str, deps: SessionDeps) -> DeviceView:
    """Give the user's device another name.

    Raises NotFound for an unknown id and another user's, alike; Unavailable.
    """
    row_id = parse_uuid(device_id)
    for _ in range(MAX_RACES):
        record = deps.store.load(row_id) if row_id else None
        if record is None or record.user_id != user_id or record.kind is not TokenKind.DEVICE:
            raise NotFound()
        if not record.is_live(deps.clock()):
            raise NotFound()
        metadata = replace(metadata_of(record, deps.cipher), name=name)
        sealed = metadata.sealed(deps.cipher, record.id, user_id, record.generation)
        if deps.store.rename_device(record, sealed):
            return DeviceView(record, metadata)
    raise Unavailable("contention")


def _cursor(record: TokenRecord) -> str:
    packed = _CURSOR.pack(record.token_hash is not None, record.last_used_at, record.id)
    return base64.urlsafe_b64encode(packed).decode()


def _place(cursor: str, name: str) -> DevicePlace:
    try:
        place = DevicePlace(*_CURSOR.unpack(base64.urlsafe_b64decode(cursor)))
    except (binascii.Error, ValueError, struct.error) as exc:
        raise InvalidRequest(f"{name} must be the next_{name} of the page before.") from exc
    if not 0 <= place.last_used_at < 2**34:
        raise InvalidRequest(f"{name} must be the next_{name} of the page before.")
    return place
