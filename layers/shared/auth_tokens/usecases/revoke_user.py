"""Everything of a user ends: by an operator, or because the Portal says so."""

from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.usecases.deps import SessionDeps


def revoke_user(user_id: str, reason: RevokeReason, note: str, deps: SessionDeps) -> int:
    """End every session and device of a user in one transaction; answers how many rows ended. Idempotent.

    note: an operator's words, kept (encrypted) with the event.
    """
    detail: dict[str, str | int] = {"reason": reason.value}
    if note:
        detail["note"] = note
    event = SecurityEvent(EventType.USER_REVOKED, deps.clock(), user_id, detail=detail)
    return deps.store.revoke_user(user_id, reason, event)
