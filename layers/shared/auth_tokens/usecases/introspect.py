"""Token introspection (RFC 7662) for trusted resource servers."""

from typing import Any

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InvalidAccessToken, InvalidRequest
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.rotation import Repeat, Rotate
from auth_tokens.domain.rotation_rules import rotation_rules
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind, kind_of
from auth_tokens.usecases.session_deps import SessionDeps

INACTIVE: dict[str, Any] = {"active": False}


def introspect(text: str, deps: SessionDeps) -> dict[str, Any]:
    """The members of RFC 7662 §2.2 for a token of any kind; exactly INACTIVE for anything not good now.

    Extends no session. Raises InvalidRequest (no token), Unavailable.
    """
    if not text:
        raise InvalidRequest("token is missing.")
    kind = kind_of(text)
    if kind is not None:
        return _opaque(text, kind, deps)
    now = deps.clock()
    try:
        claims = deps.tokens.in_force(deps.verifier.verify(text, now), text, now)
    except InvalidAccessToken:
        return INACTIVE
    return _access_token(claims, deps)


def _access_token(claims: AccessClaims, deps: SessionDeps) -> dict[str, Any]:
    return {
        "active": True,
        **_binding(claims.jkt),
        "token_use": TokenKind.ACCESS.value,
        "iss": deps.issuer,
        "aud": deps.audience,
        "sub": claims.sub,
        "client_id": claims.client_id,
        "scope": claims.scope,
        "iat": claims.iat,
        "exp": claims.exp,
        "jti": claims.jti,
        "sid": claims.sid,
        "device_id": claims.device_id,
        "auth_time": claims.auth_time,
        "acr": claims.acr,
        "amr": list(claims.amr),
    }


def _binding(jkt: str | None) -> dict[str, Any]:
    """How an access token is shown: whoever asks here checks the proof, or has the authorizer do it (RFC 9449 §6.2)."""
    return {"token_type": "DPoP", "cnf": {"jkt": jkt}} if jkt else {"token_type": "Bearer"}


def _opaque(text: str, kind: TokenKind, deps: SessionDeps) -> dict[str, Any]:
    try:
        token = deps.codec.parse(text, kind)
    except MalformedToken:
        return INACTIVE
    now = deps.clock()
    record = deps.store.load(token.id)
    if record is None or record.kind is not kind or not _is_usable(record, token, deps, now):
        return INACTIVE
    if not deps.policy.is_in_force(record, now):
        return INACTIVE
    return _members(record, kind, deps)


def _is_usable(record: TokenRecord, token: OpaqueToken, deps: SessionDeps, now: int) -> bool:
    """A browser session's token while the authorizer accepts it, also the predecessor in the retry window; of the other
    kinds only the current token, as a spent one only yields its successor."""
    verdict = rotation_rules(deps).verdict(record, token, now)
    return isinstance(verdict, Rotate) or (record.kind is TokenKind.SESSION and isinstance(verdict, Repeat))


def _members(record: TokenRecord, kind: TokenKind, deps: SessionDeps) -> dict[str, Any]:
    members: dict[str, Any] = {
        "active": True,
        "token_use": kind.value,
        "iss": deps.issuer,
        "sub": record.user_id,
        "client_id": record.client_id,
        "scope": deps.policy.scope_left(record.scope, record),
        "iat": record.created_at,
        "exp": record.expires_at,
    }
    if record.jkt is not None:
        members["cnf"] = {"jkt": record.jkt}
    if kind is not TokenKind.DEVICE:
        members["sid"] = uuid_text(record.id)
    return members
