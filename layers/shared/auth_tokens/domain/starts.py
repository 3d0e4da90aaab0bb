"""What the start of a session ends, and the events that tell of it."""

from collections.abc import Sequence
from dataclasses import replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.grants import Grant
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.policy import Policy, devices_giving_way, giving_way
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord
from auth_tokens.domain.sign_ins import EndedRows, Standing


def making_room(device_id: bytes, standing: Standing, grant: Grant) -> Sequence[LiveSession | LiveDevice]:
    """What of the user's ends for a new session on a device: the device's sessions and the browser's, then as many
    others as the limit wants; and, if the device is new, as many devices. Raises SessionLimitReached."""
    policy = grant.policy
    replaced = [
        session
        for session in standing.sessions
        if session.device_id == device_id or _is_the_browser_s(session, grant)
    ]
    others = [session for session in standing.sessions if session not in replaced]
    evicted = giving_way(others, policy)
    in_use = {session.device_id for session in others if session not in evicted}
    is_known = any(device.id == device_id for device in standing.devices)
    forgotten = [] if is_known else devices_giving_way(standing.devices, in_use, policy)
    return [*replaced, *evicted, *forgotten]


def ended_for(grant: Grant, ending: Sequence[LiveSession | LiveDevice]) -> EndedRows:
    """The rows that end for a new session: what made room, and the browser's session, whoever's it is."""
    return EndedRows([row.id for row in ending], grant.replaces.id if grant.replaces else None)


def start_events(
    session: TokenRecord, ending: Sequence[LiveSession | LiveDevice], grant: Grant, caller: Caller
) -> list[SecurityEvent]:
    """The new session's own event, and one for each session or device that gave way to it, and for the browser's; a
    session that it replaces on its device has none."""
    kind = EventType.SESSION_ISSUED if grant.how.password_hash is None else EventType.LOGIN_SUCCEEDED
    on_other_devices = [row for row in ending if not _is_replaced(row, session)]
    gave_way = [row for row in on_other_devices if not _is_the_browser_s(row, grant)]
    events = [_started(session, caller, kind), *(_evicted(row, session) for row in gave_way)]
    if grant.replaces and (len(gave_way) < len(on_other_devices) or grant.replaces.user_id != grant.user.id):
        events.append(_left(grant.replaces, session, caller))
    return events


def _started(session: TokenRecord, caller: Caller, event: EventType) -> SecurityEvent:
    detail = {"amr": " ".join(session.amr), **caller.detail}
    return SecurityEvent(event, session.created_at, session.user_id, session.id, caller.address, detail)


def new_device(session: TokenRecord, device_id: bytes, caller: Caller, policy: Policy) -> SecurityEvent:
    """The event of a session on a device that was not known before. notify: whether the user wants to be told, for
    who reads the events and can tell them."""
    detail: dict[str, str | int] = {"device_id": text_of(device_id), **caller.detail}
    detail["notify"] = int(policy.notify_new_device)
    return replace(
        _started(session, caller, EventType.SESSION_ISSUED), type=EventType.NEW_DEVICE, detail=detail
    )


def _is_replaced(row: LiveSession | LiveDevice, session: TokenRecord) -> bool:
    return isinstance(row, LiveSession) and row.device_id == session.device_id


def _is_the_browser_s(row: LiveSession | LiveDevice, grant: Grant) -> bool:
    return grant.replaces is not None and row.id == grant.replaces.id


def _left(replaced: TokenRecord, session: TokenRecord, caller: Caller) -> SecurityEvent:
    """The event of a session whose browser has signed in anew; it is its own user's."""
    detail: dict[str, str | int] = {"reason": RevokeReason.REPLACED.value}
    return SecurityEvent(
        EventType.SESSION_REVOKED, session.created_at, replaced.user_id, replaced.id, caller.address, detail
    )


def _evicted(row: LiveSession | LiveDevice, session: TokenRecord) -> SecurityEvent:
    if isinstance(row, LiveSession):
        return SecurityEvent(EventType.SESSION_EVICTED, session.created_at, session.user_id, row.id)
    detail: dict[str, str | int] = {"reason": RevokeReason.EVICTED.value}
    return SecurityEvent(EventType.DEVICE_REVOKED, session.created_at, session.user_id, detail=detail)
