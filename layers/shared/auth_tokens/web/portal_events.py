"""EventBridge events of the Portal (source `portal.users`) as revocations."""

from typing import Any

from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.ids import is_user_id

SOURCE = "portal.users"
REASONS = {
    "UserDisabled": RevokeReason.USER_DISABLED,
    "UserDeleted": RevokeReason.USER_DELETED,
    "PasswordChanged": RevokeReason.PASSWORD_CHANGED,
}


class MalformedEvent(ValueError):
    """Not an event of the Portal as agreed; raised, so that it goes to the dead-letter queue with this reason."""


def portal_revocation(event: Any) -> tuple[str, RevokeReason]:
    """(user id, reason) of an event. Raises MalformedEvent; nothing has been changed then."""
    if not isinstance(event, dict) or event.get("source") != SOURCE:
        raise MalformedEvent(f"source must be {SOURCE}")
    reason = REASONS.get(str(event.get("detail-type")))
    if reason is None:
        raise MalformedEvent(f"detail-type must be one of {', '.join(REASONS)}")
    detail = event.get("detail")
    user_id = detail.get("user_id") if isinstance(detail, dict) else None
    if not isinstance(user_id, str) or not is_user_id(user_id):
        raise MalformedEvent("detail.user_id must be a user's id")
    return user_id, reason
