"""Revocation by whoever holds a token (RFC 7009)."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, TokenKind, kind_of
from auth_tokens.usecases.session_deps import SessionDeps


def revoke_token(text: str, client_id: str | None, caller: Caller, deps: SessionDeps) -> None:
    """End what a token stands for: refresh or session token its session, device token the device and
    its sessions, access token itself. A session's device stays: who holds the token signs out their own device.

    Unknown, expired or foreign tokens end nothing and are no error (§2.2): the caller learns nothing.
    A spent token ends its session as well: its tag proves that it was ours, and shown to the token
    endpoint it would end the session, too. client_id: None for the token's own. Raises InvalidRequest (no token),
    InvalidClient (an unknown one), Unavailable (never a 200 that was not stored).
    """
    if not text:
        raise InvalidRequest("token is missing.")
    client_id = deps.policy.known_client(client_id)
    kind = kind_of(text)
    if kind is None:
        _revoke_access_token(text, client_id, caller, deps)
    else:
        _revoke_opaque(text, kind, client_id, caller, deps)


def _revoke_access_token(text: str, client_id: str | None, caller: Caller, deps: SessionDeps) -> None:
    now = deps.clock()
    try:
        claims = deps.verifier.verify(text, now)
        if not _is_of_a_session(claims, deps):
            return
        deps.verifier.verify(text, now)  # the row's SELECT has told whether its key was withdrawn meanwhile
    except InvalidAccessToken:
        return
    if client_id is not None and client_id != claims.client_id:
        return
    detail = {"jti": claims.jti or "", **caller.detail}
    event = SecurityEvent(
        EventType.ACCESS_TOKEN_REVOKED, now, claims.sub, claims.session_id, caller.address, detail
    )
    deps.store.deny_access_token(claims, event)


def _is_of_a_session(claims: AccessClaims, deps: SessionDeps) -> bool:
    """Is there something to revoke? Not where the session is not there, or the token was revoked before."""
    record = deps.store.load_session(claims.session_id, claims.token_id)
    return record is not None and record.user_id == claims.sub


def _revoke_opaque(
    text: str, kind: TokenKind, client_id: str | None, caller: Caller, deps: SessionDeps
) -> None:
    try:
        token = deps.codec.parse(text, kind)
    except MalformedToken:
        return
    record = deps.store.load(token.id)
    if record is None or record.kind is not kind:
        return
    if client_id is not None and client_id != record.client_id:
        return
    end_row(record, RevokeReason.REVOKED, caller, deps)


def end_row(record: TokenRecord, reason: RevokeReason, caller: Caller, deps: SessionDeps) -> None:
    """End a session, or a device with all its sessions; committed when this returns."""
    now = deps.clock()
    if record.kind is TokenKind.DEVICE:
        event = _device_ended(record, record.id, None, reason, caller, now)
        deps.store.revoke_device(record.id, record.user_id, reason, event)
    else:
        deps.store.revoke(record.id, reason, _session_ended(record, reason, caller, now))


def end_with_device(
    session: TokenRecord, device_id: bytes, reason: RevokeReason, caller: Caller, deps: SessionDeps
) -> None:
    """End a session and its device, with all sessions on it; committed when this returns."""
    now = deps.clock()
    events = [_device_ended(session, device_id, session.id, reason, caller, now)]
    if session.revoked_at is None:
        events.insert(0, _session_ended(session, reason, caller, now))
    deps.store.revoke_device(device_id, session.user_id, reason, *events)


def _session_ended(session: TokenRecord, reason: RevokeReason, caller: Caller, now: int) -> SecurityEvent:
    detail: dict[str, str | int] = {"reason": reason.value, **caller.detail}
    return SecurityEvent(EventType.SESSION_REVOKED, now, session.user_id, session.id, caller.address, detail)


def _device_ended(
    record: TokenRecord,
    device_id: bytes,
    session_id: bytes | None,
    reason: RevokeReason,
    caller: Caller,
    now: int,
) -> SecurityEvent:
    """session_id: the session that was ended, and the device with it."""
    detail: dict[str, str | int] = {
        "reason": reason.value,
        "device_id": text_of(device_id),
        **caller.detail,
    }
    return SecurityEvent(EventType.DEVICE_REVOKED, now, record.user_id, session_id, caller.address, detail)
