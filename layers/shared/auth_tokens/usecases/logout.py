"""A user logs out: here, everywhere else, or everywhere."""

from enum import Enum

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import id_from
from auth_tokens.usecases.deps import SessionDeps
from auth_tokens.usecases.ports import Caller


class LogoutScope(Enum):
    """Which sessions end: this one, all but this one, or all (with all devices)."""

    CURRENT = "current"
    OTHERS = "others"
    ALL = "all"


def logout(scope: LogoutScope, claims: AccessClaims, caller: Caller, deps: SessionDeps) -> int:
    """End the caller's sessions; committed when this returns. Answers how many rows ended. Raises Unavailable."""
    session_id = id_from(claims.sid)
    assert session_id is not None
    event = SecurityEvent(
        EventType.SESSION_REVOKED,
        deps.clock(),
        claims.sub,
        session_id,
        caller.address,
        {"reason": RevokeReason.LOGOUT.value, "scope": scope.value},
    )
    if scope is LogoutScope.CURRENT:
        return int(deps.store.revoke(session_id, RevokeReason.LOGOUT, event))
    keep = session_id if scope is LogoutScope.OTHERS else None
    return deps.store.revoke_user(claims.sub, RevokeReason.LOGOUT, event, keep)
