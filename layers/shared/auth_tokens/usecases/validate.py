"""Is this credential good? One use case for the authorizer and for the service's own routes."""

import hmac
from dataclasses import dataclass, field
from enum import Enum

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import AccessDenied, InvalidAccessToken
from auth_tokens.domain.ids import id_from, text_of
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind
from auth_tokens.usecases.deps import ValidateDeps


class Transport(Enum):
    """How a credential came; a cookie needs CSRF defence, a header does not."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller brought. changes_state: the method is not a safe one; csrf_token: header X-CSRF-Token."""

    transport: Transport
    text: str = field(repr=False)
    changes_state: bool = False
    csrf_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Validated:
    """A good credential. transport says how it came; may_change_state: False for a cookie that no CSRF
    token came with, which is good for safe methods only."""

    claims: AccessClaims
    transport: Transport
    may_change_state: bool = True


def validate(credential: Credential, deps: ValidateDeps) -> Validated:
    """The claims of a good credential: access token (JWT) or browser session (cookie).

    Raises InvalidAccessToken, AccessDenied (CSRF token missing or wrong), InsufficientScope and
    StepUpNeeded (the deployment's requirements), Unavailable. RFC 6750, RFC 9068 §4.
    """
    if credential.transport is Transport.COOKIE:
        return _browser_session(credential, deps)
    claims = _access_token(credential.text, deps)
    deps.requirements.check(claims, deps.clock())
    return Validated(claims, credential.transport)


def _access_token(text: str, deps: ValidateDeps) -> AccessClaims:
    now = deps.clock()
    claims = deps.verifier.verify(text, now)
    sid, jti = id_from(claims.sid), id_from(claims.jti or "")
    assert sid is not None and jti is not None
    if deps.feed is not None:
        if deps.feed.is_revoked(sid, jti):
            raise InvalidAccessToken("revoked")
        return claims
    record = deps.store.load_session(sid, jti)
    if record is None or record.user_id != claims.sub or not _is_in_force(record, now):
        raise InvalidAccessToken("session over")
    return claims


def _browser_session(credential: Credential, deps: ValidateDeps) -> Validated:
    now = deps.clock()
    try:
        token = deps.codec.parse(credential.text, TokenKind.SESSION)
    except MalformedToken as exc:
        raise InvalidAccessToken(f"malformed: {exc}") from exc
    record = _session_row(token, deps)
    if record is None or record.kind is not TokenKind.SESSION or not _is_in_force(record, now):
        raise InvalidAccessToken("session over")
    if not is_current(record, token, deps, now):
        raise InvalidAccessToken("spent")
    may_change_state = _csrf_holds(credential, token, deps)
    if credential.changes_state and not may_change_state:
        raise AccessDenied("csrf")
    claims = _claims_of(record, deps, now)
    deps.requirements.check(claims, now)
    _note_use(record, deps, now)
    return Validated(claims, credential.transport, may_change_state)


def _session_row(token: OpaqueToken, deps: ValidateDeps) -> TokenRecord | None:
    if deps.feed is not None and deps.feed.is_revoked(token.id):
        raise InvalidAccessToken("revoked")
    if deps.sessions is not None:
        return deps.sessions.load(token.id, token.generation)
    return deps.store.load(token.id)


def _is_in_force(record: TokenRecord, now: int) -> bool:
    return record.is_live(now) and record.is_owned_by_active_user


def is_current(record: TokenRecord, token: OpaqueToken, deps: ValidateDeps, now: int) -> bool:
    """The current generation, or its predecessor while requests that were under way at a rotation may come in."""
    if token.generation == record.generation - 1:
        if now - (record.rotated_at or 0) >= deps.policy.retry_window_s:
            return False
        token = deps.codec.successor(token, record.key_epoch)
    return token.generation == record.generation and hmac.compare_digest(
        deps.codec.store_hash(token), record.token_hash or b""
    )


def _csrf_holds(credential: Credential, token: OpaqueToken, deps: ValidateDeps) -> bool:
    expected = deps.codec.csrf_token(token)
    return hmac.compare_digest(expected.encode(), (credential.csrf_token or "").encode(errors="replace"))


def _note_use(record: TokenRecord, deps: ValidateDeps, now: int) -> None:
    if now - record.last_used_at < TOUCH_INTERVAL_S or record.owner is None:
        return
    idle_ttl_s = deps.policy.for_user(record.owner.config).session.idle_ttl_s
    (deps.sessions or deps.store).touch(record, now, min(now + idle_ttl_s, record.absolute_expires_at))


def _claims_of(record: TokenRecord, deps: ValidateDeps, now: int) -> AccessClaims:
    labels = record.owner.labels if record.owner else ()
    return AccessClaims(
        sub=record.user_id,
        sid=text_of(record.id),
        jti=None,
        client_id=record.client_id,
        scope=deps.policy.scope_for(record.scope, labels),
        device_id=text_of(record.device_id) if record.device_id else "",
        auth_time=record.auth_time,
        acr=record.acr,
        amr=record.amr,
        labels=labels,
        iat=now,
        exp=record.expires_at,
    )
