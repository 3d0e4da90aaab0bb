"""The refresh decision: what happens to a presented token, as a pure function.

RFC 6749 §6; rotation and reuse detection: RFC 9700 §4.14.2. docs/adr/0002 has the reasons.
The presented token's tag has been verified before: its generation is proven to be ours.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.sessions import ActiveRow, TokenRecord
from auth_tokens.domain.tokens import MAX_GENERATION

# API Gateway waits at most this long for an answer, so no request takes longer. An earlier arrival is not believed.
MAX_UNDER_WAY_S = 30
OTHER_KEY = "other_key"


class ReuseKind(Enum):
    """How a spent token came back."""

    RECENT_PREDECESSOR = "recent_predecessor"
    OLDER_GENERATION = "older_generation"


@dataclass(frozen=True, slots=True)
class Presented:
    """What the caller brought. store_hash: as the database would keep it; client_id: None for the token's own;
    retry_key_hash: of its Idempotency-Key; raced: this call read the token as current and lost the rotation to a
    simultaneous call, so it is no replay; arrived_at: epoch seconds, when its request came to the gateway, None where
    that is unknown; jkt: the thumbprint of the key that the caller has proven to hold, None without a proof."""

    generation: int
    epoch: int
    store_hash: bytes
    client_id: str | None
    retry_key_hash: bytes | None = None
    raced: bool = False
    arrived_at: int | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Rotate:
    """Current and good: spend it."""

    row: ActiveRow


@dataclass(frozen=True, slots=True)
class Repeat:
    """Spent a moment ago by the same client: return the same successor, write nothing."""

    row: ActiveRow


@dataclass(frozen=True, slots=True)
class Reuse:
    """Spent, and outside the retry rules: the session is over."""

    row: ActiveRow
    kind: ReuseKind
    generations_behind: int
    seconds_since_rotation: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not valid, nothing to revoke. `reason` is for the log, never for the caller."""

    reason: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Neither a replay nor a retry: the token was current when this call read it, and is two generations old by now.
    This call decides nothing. Another one decides anew, whether the owner or a thief makes it."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The write that spends a token: everything that changes in its row; access_expires_at: at the earliest; None for
    what gets no access token; events: one for each anomaly, mostly none, written in the same transaction; raised: the
    authentication that takes the place of the session's own (a step-up), None for a refresh."""

    generation: int
    token_hash: bytes
    key_epoch: int
    retry_key_hash: bytes | None
    at: int
    expires_at: int
    metadata: bytes
    access_expires_at: int | None
    events: Sequence[SecurityEvent] = ()
    raised: Authentication | None = None

    def applied_to(self, record: TokenRecord) -> TokenRecord:
        """The row after this write, except for `rotated_at`, which the database sets."""
        return replace(
            self.raised.of(record) if self.raised else record,
            generation=self.generation,
            token_hash=self.token_hash,
            key_epoch=self.key_epoch,
            retry_key_hash=self.retry_key_hash,
            last_used_at=self.at,
            expires_at=self.expires_at,
            metadata=self.metadata,
            access_expires_at=None
            if self.access_expires_at is None
            else max(self.access_expires_at, record.access_expires_at or 0),
        )


Verdict = Rotate | Repeat | Reuse | Refuse | Overtaken


def decide(record: TokenRecord | None, presented: Presented, now: int, retry_window_s: int) -> Verdict:
    """What to do with a presented token. now: epoch seconds.

    The order matters: another client's attempt, one without the key that the row is bound to (RFC 9449 §5) and an ended
    session are refused before generations are compared, so that none can raise a reuse alarm.
    """
    if record is None or record.token_hash is None:
        return Refuse("unknown")
    if presented.client_id is not None and record.client_id != presented.client_id:
        return Refuse("other_client")
    if record.jkt is not None and record.jkt != presented.jkt:
        return Refuse(OTHER_KEY)
    if record.revoked_at is not None:
        return Refuse("revoked")
    owner = record.active_owner
    if owner is None:
        return Refuse("user_not_active")
    if not record.is_live(now):
        return Refuse("expired")
    return _of_a_row_in_force(ActiveRow(record, owner, record.token_hash), presented, now, retry_window_s)


def _of_a_row_in_force(row: ActiveRow, presented: Presented, now: int, retry_window_s: int) -> Verdict:
    record = row.record
    behind = record.generation - presented.generation
    if behind < 0:
        return Refuse("from_the_future")
    if behind == 0:
        return _current(row, presented)
    # A row that was never rotated has no predecessor that could be retried: counted from its creation.
    since = max(0, _shown_at(presented, now) - (record.rotated_at or record.created_at))
    if behind == 1 and _is_retry(record, presented, since, retry_window_s):
        return Repeat(row)
    if presented.raced:
        return Overtaken()
    kind = ReuseKind.RECENT_PREDECESSOR if behind == 1 else ReuseKind.OLDER_GENERATION
    return Reuse(row, kind, behind, since)


def _shown_at(presented: Presented, now: int) -> int:
    """When the client presented its token. A slow start or a silent database may have delayed the request, and the
    client may have retried in time."""
    if presented.arrived_at is None:
        return now
    return min(now, max(presented.arrived_at, now - MAX_UNDER_WAY_S))


def _current(row: ActiveRow, presented: Presented) -> Verdict:
    is_same = hmac.compare_digest(row.token_hash, presented.store_hash)
    if row.record.key_epoch != presented.epoch or not is_same:
        return Refuse("hash_mismatch")
    if row.record.generation >= MAX_GENERATION:
        return Refuse("chain_exhausted")
    return Rotate(row)


def _is_retry(record: TokenRecord, presented: Presented, since: int, retry_window_s: int) -> bool:
    # Who has proven to hold the row's key is its owner, and whoever took the token from them gets nothing.
    if presented.raced or since < retry_window_s or record.jkt is not None:
        return True
    if record.retry_key_hash is None or presented.retry_key_hash is None:
        return False
    return hmac.compare_digest(record.retry_key_hash, presented.retry_key_hash)
