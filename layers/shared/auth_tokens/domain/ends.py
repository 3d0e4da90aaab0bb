"""Which of a user's sessions and devices end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RevocationScope:
    """Which of a user's sessions and devices end; by default all.

    began_by: only what began at this instant or before; keep_session, keep_device: these two stay; keep_devices: all
    devices stay.
    """

    began_by: int | None = None
    keep_session: bytes | None = None
    keep_device: bytes | None = None
    keep_devices: bool = False


EVERYTHING = RevocationScope()
