"""Domain objects → JSON for clients: ids as UUID texts, instants as epoch seconds."""

from ipaddress import ip_network
from typing import Any

from auth_tokens.domain.analytics.figures import figures_of
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Validated
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.networks import address_from
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.usecases.analytics.summarise import Summary
from auth_tokens.usecases.devices import DevicePage, DeviceView
from auth_tokens.usecases.list_events import EventPage
from auth_tokens.usecases.list_sessions import SessionPage, SessionView
from auth_tokens.usecases.look_up import Found, FoundRow
from auth_tokens.usecases.own_events import OwnEventPage
from auth_tokens.usecases.sessions_of_source import SessionsEnd, SessionsPage


def ids_of(claims: AccessClaims) -> dict[str, str]:
    """Whose request it was, for the log line."""
    return claims.ids


def own_session_view(caller: Validated, *, with_csrf_token: bool) -> dict[str, Any]:
    """The caller's own session; of a browser session with the user's name and, for a page that lost it, CSRF token."""
    view = claims_view(caller.claims)
    if caller.username is not None:
        view["username"] = caller.username
    if caller.csrf_token is not None and with_csrf_token:
        view["csrf_token"] = caller.csrf_token
    return view


def claims_view(claims: AccessClaims) -> dict[str, Any]:
    """What a credential says of its session."""
    return {
        "session_id": claims.sid,
        "device_id": claims.device_id,
        "sub": claims.sub,
        "client_id": claims.client_id,
        "scope": claims.scope,
        "auth_time": claims.auth_time,
        "acr": claims.acr,
        "amr": list(claims.amr),
        "labels": list(claims.labels),
        "exp": claims.exp,
    }


def authentication_view(session: TokenRecord) -> dict[str, Any]:
    """How and when the user of a session was recognised, for the backend that vouches."""
    return {
        "session_id": uuid_text(session.id),
        "auth_time": session.auth_time,
        "acr": session.acr,
        "amr": list(session.amr),
    }


def session_page_view(page: SessionPage, current_sid: str | None) -> dict[str, Any]:
    """A page of sessions; current_sid: the one that asks, if it is the user's own list."""
    return {
        "sessions": [_session_view(session, current_sid) for session in page.sessions],
        "reused": [_reused_view(session, current_sid) for session in page.reused],
        "next_cursor": page.next_cursor,
    }


def device_page_view(page: DevicePage, current_id: str) -> dict[str, Any]:
    """A page of devices; current_id: of the one that asks."""
    return {
        "devices": [device_view(device, current_id) for device in page.devices],
        "next_cursor": page.next_cursor,
    }


def device_view(device: DeviceView, current_id: str) -> dict[str, Any]:
    """One device; current_id: of the one that asks."""
    record = device.record
    return {
        "device_id": uuid_text(record.id),
        "name": device.metadata.name,
        "platform": device.metadata.platform,
        "client_id": record.client_id,
        "remembered": record.token_hash is not None,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "place": device.metadata.place,
        "current": uuid_text(record.id) == current_id,
    }


def user_view(found: Found, sessions: SessionPage, devices: DevicePage) -> dict[str, Any]:
    """A user with a page of their sessions and one of their devices, for operators."""
    return {
        "user": _user_view(found),
        "sessions": [_session_view(session, None) for session in sessions.sessions],
        "next_sessions_cursor": sessions.next_cursor,
        "devices": [device_view(device, current_id="") for device in devices.devices],
        "next_devices_cursor": devices.next_cursor,
    }


def found_view(found: Found) -> dict[str, Any]:
    """A user, and the row that led to them, for operators."""
    return {**_user_view(found), "row": _row_view(found.row) if found.row else None}


def sessions_of_source_view(page: SessionsPage) -> dict[str, Any]:
    """A page of sessions of several users, for operators."""
    sessions = [
        {**_owner_view(row.record.user_id, row.record.owner), "row": _row_view(row)} for row in page.sessions
    ]
    return {"sessions": sessions, "next_cursor": page.next_cursor}


def sessions_end_view(end: SessionsEnd) -> dict[str, Any]:
    """What has become of each session that was to end."""
    return {
        "ended": [
            {"session_id": uuid_text(each.id), "user_id": each.user_id, "revoked": each.rows}
            for each in end.ended
        ],
        "not_found": [uuid_text(each) for each in end.not_found],
        "left": [uuid_text(each) for each in end.left],
    }


def event_page_view(page: EventPage) -> dict[str, Any]:
    """A page of security events."""
    return {"events": [event.public_view() for event in page.events], "next_cursor": page.next_cursor}


def own_event_page_view(page: OwnEventPage, current_sid: str) -> dict[str, Any]:
    """A page of the user's own security events; current_sid: of the session that asks."""
    events = [
        {
            "id": uuid_text(event.id),
            "type": event.type,
            "at": event.at,
            "session_id": uuid_text(event.session_id) if event.session_id else None,
            "current": event.session_id is not None and uuid_text(event.session_id) == current_sid,
            "by": event.by,
            "detail": event.detail,
        }
        for event in page.events
    ]
    return {"events": events, "next_cursor": page.next_cursor}


def summary_view(summary: Summary) -> dict[str, Any]:
    """Figures of security events."""
    period, before, as_of = summary.period, summary.before, summary.as_of
    return {
        "since": period.starts[0],
        "until": period.until,
        "step_s": period.step_s,
        "events": summary.totals,
        "figures": figures_of(summary.amounts),
        "previous": {
            "since": before.since,
            "until": before.until,
            "figures": figures_of(before.amounts),
        },
        "series": [{"at": at, **figures_of(amounts)} for at, amounts in summary.series],
        "top_sources": [
            {"source": figure.source.hex(), "failures": figure.failures} for figure in summary.top_sources
        ],
        "cleanup": {"due": summary.debt.due, "oldest_due_at": summary.debt.oldest_at},
        "as_of": {"events": as_of.events, "hours": as_of.hours, "census": as_of.census},
    }


def _user_view(found: Found) -> dict[str, Any]:
    return {
        **_owner_view(found.user_id, found.user),
        "live_sessions": found.live.sessions,
        "live_devices": found.live.devices,
    }


def _owner_view(user_id: str, user: User | None) -> dict[str, Any]:
    status = "unknown" if user is None else "active" if user.is_active else "disabled"
    return {
        "user_id": user_id,
        "username": user.username if user else None,
        "status": status,
        "labels": list(user.labels) if user else [],
    }


def _session_view(session: SessionView, current_sid: str | None) -> dict[str, Any]:
    record = session.record
    session_id = uuid_text(record.id)
    return {
        "session_id": session_id,
        "device_id": uuid_text(record.device_id) if record.device_id else None,
        "kind": record.kind.value,
        "client_id": record.client_id,
        "scope": record.scope,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "expires_at": record.expires_at,
        "auth_time": record.auth_time,
        "amr": list(record.amr),
        "device_name": session.device_name,
        "address": session.metadata.address if current_sid else coarse_address(session.metadata.address),
        "user_agent": session.metadata.user_agent,
        "place": session.metadata.place,
        "current": session_id == current_sid,
    }


def _row_view(row: FoundRow) -> dict[str, Any]:
    record, metadata = row.record, row.metadata
    is_over = "expired" if record.revoked_at is None else "revoked"
    return {
        "id": uuid_text(record.id),
        "kind": record.kind.value,
        "state": "live" if record.is_live(row.now) else is_over,
        "device_id": uuid_text(record.device_id) if record.device_id else None,
        "client_id": record.client_id,
        "scope": record.scope,
        "generation": record.generation,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "revoke_reason": record.revoke_reason,
        "name": metadata.name,
        "platform": metadata.platform,
        "address": coarse_address(metadata.address),
        "user_agent": metadata.user_agent,
        "place": metadata.place,
    }


def _reused_view(session: SessionView, current_sid: str | None) -> dict[str, Any]:
    """A session that ended because a spent token came back: when, and where its last rotation came from."""
    return {**_session_view(session, current_sid), "ended_at": session.record.revoked_at}


def coarse_address(address: str) -> str:
    """The network of an address, all that people other than its owner see; empty for a text that is no address."""
    parsed = address_from(address)
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False)) if parsed else ""
