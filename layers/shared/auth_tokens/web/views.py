"""Domain objects as the JSON that callers see: ids as UUID texts, instants as epoch seconds."""

from typing import Any

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.ids import text_of
from auth_tokens.usecases.analyse import EventPage
from auth_tokens.usecases.devices import DeviceView
from auth_tokens.usecases.list_sessions import SessionPage, SessionView
from auth_tokens.usecases.ports import EventView


def ids_of(claims: AccessClaims) -> dict[str, str]:
    """Whose request it was, for the log line."""
    return {"user_id": claims.sub, "session_id": claims.sid}


def claims_view(claims: AccessClaims) -> dict[str, Any]:
    """The caller's own session."""
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


def session_page_view(page: SessionPage, current_sid: str | None) -> dict[str, Any]:
    """A page of sessions; current_sid: the one that asks, if it is the user's own list."""
    return {
        "sessions": [_session_view(session, current_sid) for session in page.sessions],
        "next_cursor": page.next_cursor,
    }


def device_view(device: DeviceView) -> dict[str, Any]:
    """One device."""
    record = device.record
    return {
        "device_id": text_of(record.id),
        "name": device.metadata.name,
        "platform": device.metadata.platform,
        "client_id": record.client_id,
        "remembered": record.token_hash is not None,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
    }


def event_page_view(page: EventPage) -> dict[str, Any]:
    """A page of security events."""
    return {"events": [_event_view(event) for event in page.events], "next_cursor": page.next_cursor}


def _session_view(session: SessionView, current_sid: str | None) -> dict[str, Any]:
    record = session.record
    session_id = text_of(record.id)
    return {
        "session_id": session_id,
        "device_id": text_of(record.device_id) if record.device_id else None,
        "kind": record.kind.value,
        "client_id": record.client_id,
        "scope": record.scope,
        "created_at": record.created_at,
        "last_used_at": record.last_used_at,
        "expires_at": record.expires_at,
        "auth_time": record.auth_time,
        "amr": list(record.amr),
        "address": session.metadata.address,
        "user_agent": session.metadata.user_agent,
        "current": session_id == current_sid,
    }


def _event_view(event: EventView) -> dict[str, Any]:
    return {
        "id": text_of(event.id),
        "type": event.type,
        "at": event.at,
        "user_id": event.user_id,
        "session_id": text_of(event.session_id) if event.session_id else None,
        "source": event.source_hash.hex() if event.source_hash else None,
        "detail": event.detail,
    }
