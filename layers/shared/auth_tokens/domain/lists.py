"""Entries and positions of the lists of a user's sessions and devices."""

from dataclasses import dataclass

from auth_tokens.domain.sessions import TokenRecord


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """The position of a device in the list of its user's devices."""

    is_remembered: bool
    last_used_at: int
    id: bytes


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """How many live sessions and devices a user has."""

    sessions: int
    devices: int


@dataclass(frozen=True, slots=True)
class SessionOnDevice:
    """A session's row, and the columns of its device's row that hold the name; None without such a row."""

    record: TokenRecord
    device_metadata: bytes | None
    device_generation: int | None
