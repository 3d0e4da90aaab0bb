"""A user's devices: the list, and their names."""

from dataclasses import dataclass, replace

from auth_tokens.domain.errors import NotFound, Unavailable
from auth_tokens.domain.ids import id_from
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.deps import SessionDeps
from auth_tokens.usecases.metadata import Metadata, metadata_of

MAX_DEVICES = 100
# A device that is used meanwhile has moved on, and its metadata with it: look again.
MAX_RACES = 4


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a list shows of a device."""

    record: TokenRecord
    metadata: Metadata


def list_devices(user_id: str, deps: SessionDeps) -> list[DeviceView]:
    """The user's devices, newest use first, at most MAX_DEVICES; one SELECT."""
    records = deps.store.live_devices(user_id, deps.clock(), MAX_DEVICES)
    return [DeviceView(record, metadata_of(record, deps.cipher)) for record in records]


def rename_device(device_id: str, user_id: str, name: str, deps: SessionDeps) -> DeviceView:
    """Give the user's device another name.

    Raises NotFound for an unknown id and another user's, alike; Unavailable.
    """
    row_id = id_from(device_id)
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
