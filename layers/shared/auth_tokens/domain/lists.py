"""What the lists of a user's sessions and devices are made of."""

from dataclasses import dataclass

from auth_tokens.domain.sessions import TokenRecord


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Where a device stands in the list of its user's."""

    is_remembered: bool
    last_used_at: int
    id: bytes


@dataclass(frozen=True, slots=True)
class SessionOnDevice:
    """A session's row, and of its device's row what tells the name; None where there is no such row."""

    record: TokenRecord
    device_metadata: bytes | None
    device_generation: int | None
