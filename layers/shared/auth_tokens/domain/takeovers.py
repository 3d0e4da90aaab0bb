"""The take-over of a session of the Portal: what is presented, what is found, and what is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from auth_tokens.domain.legacy_tokens import LegacyRow
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class LegacyToken:
    """A token of the Portal as it is presented. key: stands for it in our table and in the cache of misses; stored: as
    the Portal keeps it; session_id, device_id: of its session of ours and that session's device; kind: REFRESH or
    DEVICE, by the grant that it is presented for."""

    key: bytes
    stored: str | bytes = field(repr=False)
    session_id: bytes
    device_id: bytes
    kind: TokenKind
    seed: bytes = field(repr=False)

    @property
    def row_id(self) -> bytes:
        """The row of ours whose generation −1 it is."""
        return self.device_id if self.kind is TokenKind.DEVICE else self.session_id


@dataclass(frozen=True, slots=True)
class LegacyFound:
    """is_claimed: it was taken over; record: its row of ours; rows: the Portal's rows that the look-up found."""

    is_claimed: bool
    record: TokenRecord | None
    rows: Sequence[LegacyRow]


class TakeResult(Enum):
    """CHANGED: the Portal's row is not as it was read, or another call was first; read again. OVER: the user may not,
    or everything of theirs has ended. Nothing was written in either case."""

    TAKEN = "taken"
    CHANGED = "changed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Claim:
    """began_at: when the session began at the Portal, 0 where that is not known, so that every end came after it;
    keep_until: how long the claim itself is kept. Epoch seconds."""

    token: LegacyToken
    row: LegacyRow
    began_at: int
    at: int
    keep_until: int
