"""Revocation by the holder of a token (RFC 7009)."""

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest
from auth_tokens.domain.event_kinds import (
    access_token_revoked,
    device_revoked,
    device_revoked_with,
    session_revoked,
)
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, TokenKind, kind_of
from auth_tokens.usecases.session_deps import SessionDeps


def revoke_token(text: str, client_id: str | None, caller: Caller, deps: SessionDeps) -> bool:
    """A refresh or session token ends its session, a device token the device and its sessions, an access token itself.
    A session's device stays, as its holder signs out their own device.

    Unknown, expired or foreign tokens end nothing and are no error (§2.2): the caller learns nothing.
    A spent token ends its session as well: its tag proves that it was ours, and the token endpoint would
    end the session, too. client_id: None for the token's own. Returns False for a text that is no token of ours, by
    its form or its signature. Raises InvalidRequest (no token), InvalidClient (an unknown one), Unavailable (never a
    200 that was not stored).
    """
    if not text:
        raise InvalidRequest("token is missing.")
    client_id = deps.policy.known_client(client_id)
    kind = kind_of(text)
    if kind is None:
        return _revoke_access_token(text, client_id, caller, deps)
    _revoke_opaque(text, kind, client_id, caller, deps)
    return True


def _revoke_access_token(text: str, client_id: str | None, caller: Caller, deps: SessionDeps) -> bool:
    """False for a text that is no access token of ours."""
    now = deps.clock()
    try:
        claims = deps.verifier.verify(text, now)
        if not _is_of_a_session(claims, deps):
            return True
        deps.verifier.verify(text, now)  # the row's SELECT showed whether its key was withdrawn
    except InvalidAccessToken:
        return False
    if client_id is None or client_id == claims.client_id:
        deps.store.deny_access_token(claims, access_token_revoked(claims, caller, now))
    return True


def _is_of_a_session(claims: AccessClaims, deps: SessionDeps) -> bool:
    """Is there something to revoke? Not without the session, nor where the token was revoked before."""
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
    end_row(record, Cause(RevokeReason.REVOKED), caller, deps)


def end_row(record: TokenRecord, cause: Cause, caller: Caller, deps: SessionDeps) -> int:
    """End a session, or a device with all its sessions; committed when this returns. Returns how many rows ended."""
    now = deps.clock()
    if record.kind is TokenKind.DEVICE:
        event = device_revoked(record, cause, caller, now)
        return deps.store.revoke_device(record.id, record.user_id, cause.reason, event)
    return int(deps.store.revoke(record.id, cause.reason, session_revoked(record, cause, caller, now)))


def end_with_device(
    session: TokenRecord, device_id: bytes, cause: Cause, caller: Caller, deps: SessionDeps
) -> int:
    """End a session and its device, with all sessions on it; committed when this returns. Returns how many rows
    ended."""
    now = deps.clock()
    events = [device_revoked_with(session, device_id, cause, caller, now)]
    if session.revoked_at is None:
        events.insert(0, session_revoked(session, cause, caller, now))
    return deps.store.revoke_device(device_id, session.user_id, cause.reason, *events)
