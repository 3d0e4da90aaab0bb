"""Which of a user's sessions and devices end, and why."""

from dataclasses import dataclass

from auth_tokens.domain.events import RevokeReason


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


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something ends. note: an operator's words, kept (encrypted) with the event; empty where there are none."""

    reason: RevokeReason
    note: str = ""

    @property
    def detail(self) -> dict[str, str | int]:
        """The members of the event."""
        return {"reason": self.reason.value, **({"note": self.note} if self.note else {})}


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of a user that ends what began before it. at: its instant, epoch seconds; keep: the session that
    changed the password, which stays with its device."""

    user_id: str
    reason: RevokeReason
    at: int
    keep: bytes | None = None
