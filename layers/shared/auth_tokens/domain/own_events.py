"""Security events as the user sees them whose account they are about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auth_tokens.domain.events import EventType, RecordedEvent, RevokeReason

_PORTAL = "portal."
# What an operator does to somebody; the actor of the other kinds is a trusted backend that vouches for the user.
_ENDS = frozenset(
    {
        EventType.SESSION_REVOKED.value,
        EventType.DEVICE_REVOKED.value,
        EventType.ACCESS_TOKEN_REVOKED.value,
        EventType.USER_REVOKED.value,
    }
)

# The kinds that concern the user, and what of the detail they see; `place` is in all of them. The rest is for
# operators: their names and notes, what stands for networks, what helps to tell an attack from a faulty client.
SHOWN: Mapping[str, frozenset[str]] = {
    kind.value: frozenset({"place", *members})
    for kind, members in {
        EventType.LOGIN_SUCCEEDED: ("amr",),
        EventType.LOGIN_FAILED: (),
        EventType.SESSION_ISSUED: ("amr",),
        EventType.SESSION_TAKEN_OVER: (),
        EventType.LEGACY_TOKEN_REVOKED: (),
        EventType.STEP_UP_SUCCEEDED: ("amr",),
        EventType.STEP_UP_FAILED: (),
        EventType.NEW_DEVICE: ("device_id",),
        EventType.SESSION_EVICTED: (),
        EventType.TOKEN_REUSE_DETECTED: ("device_id", "rotated_by_place"),
        EventType.SESSION_REVOKED: ("reason", "scope", "devices"),
        EventType.DEVICE_REVOKED: ("reason", "device_id"),
        EventType.ACCESS_TOKEN_REVOKED: (),
        EventType.USER_REVOKED: ("reason", "kept_session_id"),
        EventType.SESSION_MOVED: ("from_place",),
        EventType.TOKEN_KEY_MISMATCH: ("token_type",),
    }.items()
}


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """by: who acted for the user: `operator`, `portal` or `backend`; None: the user, or nobody that is known."""

    id: bytes
    type: str
    at: int
    session_id: bytes | None
    by: str | None
    detail: Mapping[str, str | int] = field(default_factory=dict)


def own_event(event: RecordedEvent) -> OwnEvent:
    """What the user sees of an event of one of the kinds SHOWN."""
    shown = SHOWN[event.type]
    detail = {name: value for name, value in event.detail.items() if name in shown}
    return OwnEvent(event.id, event.type, event.at, event.session_id, _by(event), detail)


def ends_an_earlier_account(event: RecordedEvent) -> bool:
    """Is what came before another account's, which had the same user id?"""
    is_end = event.type == EventType.USER_REVOKED.value
    return is_end and event.detail.get("reason") == RevokeReason.USER_DELETED.value


def _by(event: RecordedEvent) -> str | None:
    actor = str(event.detail.get("actor", ""))
    if not actor:
        return None
    if actor.startswith(_PORTAL):
        return "portal"
    is_end = event.type in _ENDS and event.detail.get("reason") != RevokeReason.REPLACED.value
    return "operator" if is_end else "backend"
