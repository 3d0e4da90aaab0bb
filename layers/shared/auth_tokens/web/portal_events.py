"""EventBridge events of the Portal (source `portal.users`) → revocations."""

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.domain.user_ids import IdForm

SOURCE = "portal.users"
# EventBridge's own are UUIDs.
MAX_EVENT_ID = 64
REASONS = {
    "UserDisabled": RevokeReason.USER_DISABLED,
    "UserDeleted": RevokeReason.USER_DELETED,
    "PasswordChanged": RevokeReason.PASSWORD_CHANGED,
}
# An instant outside of these years is an unset field (0, year 1), or milliseconds.
_EARLIEST = int(datetime(2000, 1, 1, tzinfo=timezone.utc).timestamp())
_LATEST = int(datetime(2200, 1, 1, tzinfo=timezone.utc).timestamp())
_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


class MalformedEvent(ValueError):
    """Not an event of the Portal as agreed; raised, so that it goes to the dead-letter queue with this reason."""


def portal_event(event: Any, now: int, ids: IdForm = IdForm.TEXT) -> UserChange:
    """What an event says. Raises MalformedEvent naming the member; nothing has been changed then.

    ids: how the Portal keeps them; where as integers, one may come as a number. The event's instant is
    `detail.changed_at`, else `time`, else now: an event of EventBridge always has a time, one that is made by hand may
    have none. Never after `time` or now, as no event is about the future.
    """
    if not isinstance(event, dict) or event.get("source") != SOURCE:
        raise MalformedEvent(f"source must be {SOURCE}")
    reason = REASONS.get(str(event.get("detail-type")))
    if reason is None:
        raise MalformedEvent(f"detail-type must be one of {', '.join(REASONS)}")
    detail = event.get("detail")
    if not isinstance(detail, dict):
        raise MalformedEvent("detail.user_id must be a user's id")
    known = (now, _text_instant(event, "time", "time"), _instant(detail))
    at = min(instant for instant in known if instant is not None)
    return UserChange(_user_id(detail, ids), reason, at, _kept_session(detail, reason))


def _user_id(detail: Mapping[str, Any], ids: IdForm) -> str:
    given = detail.get("user_id")
    text = str(given) if type(given) is int and ids is IdForm.INTEGER else given
    user_id = ids.canonical(text) if isinstance(text, str) else None
    if user_id is None:
        raise MalformedEvent("detail.user_id must be a user's id")
    return user_id


def _kept_session(detail: Mapping[str, Any], reason: RevokeReason) -> bytes | None:
    """Of PasswordChanged only: a user who is disabled or deleted keeps nothing, whatever the event says."""
    named = detail.get("except_session_id")
    if named is None or reason is not RevokeReason.PASSWORD_CHANGED:
        return None
    session_id = parse_uuid(named) if isinstance(named, str) else None
    if session_id is None:
        raise MalformedEvent("detail.except_session_id must be a session's id")
    return session_id


def _instant(detail: Mapping[str, Any]) -> int | None:
    """`changed_at`: epoch seconds, or a text of RFC 3339."""
    value = detail.get("changed_at")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bounded(value, "detail.changed_at")
    return _text_instant(detail, "changed_at", "detail.changed_at")


def _text_instant(members: Mapping[str, Any], member: str, name: str) -> int | None:
    value = members.get(member)
    if value is None:
        return None
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise _no_instant(name)
    try:
        return _bounded(datetime.fromisoformat(value.upper()).timestamp(), name)
    except ValueError as exc:  # the thirteenth month
        raise _no_instant(name) from exc


def _bounded(instant: float, name: str) -> int:
    """In whole seconds, as the rows have them: what began in the second of the event began before it."""
    if not _EARLIEST <= instant < _LATEST:  # nor NaN
        raise _no_instant(name)
    return int(instant)


def _no_instant(name: str) -> MalformedEvent:
    seconds = " or epoch seconds" if name != "time" else ""
    return MalformedEvent(f"{name} must be an instant of RFC 3339{seconds}, such as 2026-11-25T00:00:00Z")


def portal_caller(event: Mapping[str, Any]) -> Caller:
    """Who sent a good event, for its security event: the source and the account, which EventBridge itself writes;
    request_id: the event's own id."""
    account = str(event.get("account") or "")
    sender = f"{SOURCE}@{account}" if re.fullmatch(r"\d{12}", account, re.ASCII) else SOURCE
    return Caller(request_id=str(event.get("id") or "")[:MAX_EVENT_ID], actor=sender)
