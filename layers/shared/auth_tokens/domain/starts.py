"""The rows that a new session ends, and the events of its start."""

from collections.abc import Sequence

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.event_kinds import device_evicted, session_evicted, session_replaced, session_started
from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.grants import Grant
from auth_tokens.domain.policy import devices_to_evict, sessions_to_evict
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord
from auth_tokens.domain.sign_ins import EndedRows, LiveRows


def rows_to_end(device_id: bytes, live: LiveRows, grant: Grant) -> Sequence[LiveSession | LiveDevice]:
    """The user's rows that end for a new session on a device: the device's sessions and the browser's, then as many
    others as exceed the limit; if the device is new, devices beyond their limit too. Raises SessionLimitReached."""
    policy = grant.policy
    replaced = [
        session
        for session in live.sessions
        if session.device_id == device_id or _is_the_browser_s(session, grant)
    ]
    others = [session for session in live.sessions if session not in replaced]
    evicted = sessions_to_evict(others, policy)
    in_use = {session.device_id for session in others if session not in evicted}
    is_known = any(device.id == device_id for device in live.devices)
    forgotten = [] if is_known else devices_to_evict(live.devices, in_use, policy)
    return [*replaced, *evicted, *forgotten]


def ended_rows(grant: Grant, ending: Sequence[LiveSession | LiveDevice]) -> EndedRows:
    """The rows that end for a new session: `ending`, and the browser's session, which may be another user's."""
    return EndedRows([row.id for row in ending], grant.replaces.id if grant.replaces else None)


def start_events(
    session: TokenRecord, ending: Sequence[LiveSession | LiveDevice], grant: Grant, caller: Caller
) -> list[SecurityEvent]:
    """The event of the new session, one for each evicted session or device, and one for the browser session. A session
    that is replaced on the same device has none."""
    on_other_devices = [row for row in ending if not _is_replaced(row, session)]
    evicted_rows = [row for row in on_other_devices if not _is_the_browser_s(row, grant)]
    started = session_started(session, caller, by_password=grant.how.password_hash is not None)
    events = [started, *(_evicted(row, session) for row in evicted_rows)]
    if grant.replaces and (
        len(evicted_rows) < len(on_other_devices) or grant.replaces.user_id != grant.user.id
    ):
        events.append(session_replaced(grant.replaces, session, caller))
    return events


def _is_replaced(row: LiveSession | LiveDevice, session: TokenRecord) -> bool:
    return isinstance(row, LiveSession) and row.device_id == session.device_id


def _is_the_browser_s(row: LiveSession | LiveDevice, grant: Grant) -> bool:
    return grant.replaces is not None and row.id == grant.replaces.id


def _evicted(row: LiveSession | LiveDevice, session: TokenRecord) -> SecurityEvent:
    return session_evicted(row.id, session) if isinstance(row, LiveSession) else device_evicted(session)
