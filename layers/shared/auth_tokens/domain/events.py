"""Security events: typed facts for the user, the operator and a SIEM. Never a secret in them."""

from dataclasses import dataclass, field
from enum import Enum


class EventType(Enum):
    """The value is what column `type` of auth_token_events and the event bus carry."""

    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_FAILED = "login_failed"
    SESSION_ISSUED = "session_issued"
    NEW_DEVICE = "new_device"
    SESSION_EVICTED = "session_evicted"
    TOKEN_REUSE_DETECTED = "token_reuse_detected"
    SESSION_REVOKED = "session_revoked"
    DEVICE_REVOKED = "device_revoked"
    ACCESS_TOKEN_REVOKED = "access_token_revoked"
    USER_REVOKED = "user_revoked"
    KEYS_ROTATED = "keys_rotated"
    SIGNING_KEY_WITHDRAWN = "signing_key_withdrawn"


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


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One fact. session_id, device_id: 16 bytes; source: the caller's address, stored only as a keyed hash;
    detail: a few plain values, encrypted at rest."""

    type: EventType
    at: int
    user_id: str | None = None
    session_id: bytes | None = None
    source: str | None = None
    detail: dict[str, str | int] = field(default_factory=dict)
