"""Security events: typed facts for the user, the operator and a SIEM. Never a secret in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from auth_tokens.domain.ids import uuid_text


class EventType(Enum):
    """The value is what column `type` of auth_token_events and the event bus carry."""

    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_FAILED = "login_failed"
    SESSION_ISSUED = "session_issued"
    SESSION_TAKEN_OVER = "session_taken_over"
    LEGACY_TOKEN_REVOKED = "legacy_token_revoked"
    STEP_UP_SUCCEEDED = "step_up_succeeded"
    STEP_UP_FAILED = "step_up_failed"
    NEW_DEVICE = "new_device"
    SESSION_EVICTED = "session_evicted"
    TOKEN_REUSE_DETECTED = "token_reuse_detected"
    SESSION_REVOKED = "session_revoked"
    DEVICE_REVOKED = "device_revoked"
    ACCESS_TOKEN_REVOKED = "access_token_revoked"
    USER_REVOKED = "user_revoked"
    SESSIONS_CUT_OFF = "sessions_cut_off"
    KEYS_ROTATED = "keys_rotated"
    SIGNING_KEY_WITHDRAWN = "signing_key_withdrawn"
    DATA_KEY_WITHDRAWN = "data_key_withdrawn"
    SESSION_MOVED = "session_moved"
    REFRESH_BURST = "refresh_burst"
    TOKEN_KEY_MISMATCH = "token_key_mismatch"
    FINDING = "finding"
    FINDING_CHANGED = "finding_changed"
    EVENTS_REPLAYED = "events_replayed"
    EVENT_SKIPPED = "event_skipped"
    FIGURES_RECOUNTED = "figures_recounted"


# What operators do with findings, outbox and figures: no metric counts it, as each is billed and nobody would watch it.
UNCOUNTED = frozenset(
    {
        EventType.FINDING_CHANGED,
        EventType.EVENTS_REPLAYED,
        EventType.EVENT_SKIPPED,
        EventType.FIGURES_RECOUNTED,
    }
)

# Members of every type about the caller (domain.caller.Caller.detail).
CALLER: Mapping[str, type] = {"place": str, "request_id": str, "actor": str, "actor_session": str}

# The other members of each type's detail; no further ones are allowed. docs/reference/events.md has their meanings. A
# member is left out where it is not known.
DETAILS: Mapping[EventType, Mapping[str, type]] = {
    EventType.LOGIN_SUCCEEDED: {"amr": str, "site": str},
    EventType.LOGIN_FAILED: {"account": str, "site": str},
    EventType.SESSION_ISSUED: {"amr": str},
    EventType.SESSION_TAKEN_OVER: {"token_type": str},
    EventType.LEGACY_TOKEN_REVOKED: {"token_type": str},
    EventType.STEP_UP_SUCCEEDED: {"amr": str, "acr": str},
    EventType.STEP_UP_FAILED: {},
    EventType.NEW_DEVICE: {"device_id": str, "notify": int},
    EventType.SESSION_EVICTED: {},
    EventType.TOKEN_REUSE_DETECTED: {
        "reuse_kind": str,
        "generations_behind": int,
        "seconds_since_rotation": int,
        "token_type": str,
        "device_id": str,
        "presented_by_address": str,
        "presented_by_user_agent": str,
        "rotated_by_address": str,
        "rotated_by_user_agent": str,
        "rotated_by_place": str,
    },
    EventType.SESSION_REVOKED: {"reason": str, "note": str, "scope": str, "devices": str},
    EventType.DEVICE_REVOKED: {"reason": str, "note": str, "device_id": str},
    EventType.ACCESS_TOKEN_REVOKED: {"jti": str},
    EventType.USER_REVOKED: {"reason": str, "note": str, "before": int, "kept_session_id": str},
    EventType.SESSIONS_CUT_OFF: {"client_id": str, "before": int, "note": str},
    EventType.KEYS_ROTATED: {"note": str},
    EventType.SIGNING_KEY_WITHDRAWN: {"kid": str, "note": str},
    EventType.DATA_KEY_WITHDRAWN: {"kid": str, "note": str},
    EventType.SESSION_MOVED: {"from_place": str, "km": int, "elapsed_s": int},
    EventType.REFRESH_BURST: {"usual_s": int},
    EventType.TOKEN_KEY_MISMATCH: {"shown": str, "token_type": str},
    EventType.FINDING: {
        "rule": str,
        "severity": str,
        "subject": str,
        "events": int,
        "accounts": int,
        "sources": int,
        "first_at": int,
        "last_at": int,
        "evidence": str,
        "entered": int,
    },
    EventType.FINDING_CHANGED: {
        "finding_id": str,
        "state": str,
        "rule": str,
        "subject": str,
        "note": str,
    },
    EventType.EVENTS_REPLAYED: {"since": int, "until": int, "note": str},
    EventType.EVENT_SKIPPED: {"event_id": str, "note": str},
    EventType.FIGURES_RECOUNTED: {"since": int, "note": str},
}

_MEMBERS = {kind: {**CALLER, **members} for kind, members in DETAILS.items()}


class RevokeReason(Enum):
    """Why a row ended; the value is what column `revoke_reason` holds."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    REUSE = "reuse"
    EVICTED = "evicted"
    REPLACED = "replaced"
    DEVICE_FORGOTTEN = "device_forgotten"
    ADMIN = "admin"
    USER_DISABLED = "user_disabled"
    USER_DELETED = "user_deleted"
    PASSWORD_CHANGED = "password_changed"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One fact, to be written. session_id: 16 bytes; source: the caller's address, of which only the keyed hash of
    its network is stored; source_hash: that hash, where the address is not known; detail: members of CALLER and
    DETAILS, encrypted at rest. Raises ValueError for another member."""

    type: EventType
    at: int
    user_id: str | None = None
    session_id: bytes | None = None
    source: str | None = None
    detail: dict[str, str | int] = field(default_factory=dict)
    source_hash: bytes | None = None

    def __post_init__(self) -> None:
        members = _MEMBERS[self.type]
        for name, value in self.detail.items():
            if not isinstance(value, members.get(name, ())):
                raise ValueError(f"{self.type.value} has no {name} that is {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Which events; None, and no kinds: whatever. since: epoch seconds; source: as RecordedEvent.source_hash."""

    since: int = 0
    user_id: str | None = None
    kinds: tuple[EventType, ...] = ()
    session_id: bytes | None = None
    source: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as read back. type: a text, since a newer version may have written it; at: epoch seconds;
    source_hash: the same for the same network (domain/networks.py); detail: empty where it cannot be decrypted."""

    id: bytes
    type: str
    at: int
    user_id: str | None
    session_id: bytes | None
    source_hash: bytes | None
    detail: dict[str, str | int]

    def public_view(self) -> dict[str, Any]:
        """The event as operators and subscribers get it (docs/reference/events.md)."""
        return {
            "id": uuid_text(self.id),
            "type": self.type,
            "at": self.at,
            "user_id": self.user_id,
            "session_id": uuid_text(self.session_id) if self.session_id else None,
            "source": self.source_hash.hex() if self.source_hash else None,
            "detail": self.detail,
        }
