"""Is this browser session good? The part of usecases.validate that looks at a session's row."""

import hmac

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import AccessDenied, InvalidAccessToken, TokenServiceError
from auth_tokens.domain.ids import text_of
from auth_tokens.domain.policy import TOUCH_INTERVAL_S
from auth_tokens.domain.rotation import (
    Presented,
    Refuse,
    Repeat,
    Reuse,
    ReuseKind,
    Verdict,
    decide,
)
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenCodec, TokenKind
from auth_tokens.ports.tokens import RevocationFeed
from auth_tokens.usecases.deps import RowDeps
from auth_tokens.usecases.validate import Credential, Validated, ValidateDeps


def browser_session(credential: Credential, deps: ValidateDeps) -> Validated:
    """The claims of a good browser session, and its use noted. Raises as usecases.validate.validate."""
    now = deps.clock()
    try:
        token = deps.rows().codec.parse(credential.text, TokenKind.SESSION)
    except MalformedToken as exc:
        raise InvalidAccessToken(f"malformed: {exc}") from exc
    try:
        return _checked(credential, token, deps, now)
    except TokenServiceError as exc:
        exc.of({"session_id": text_of(token.id)})  # its tag proves that it is, or was, this session's
        raise


def _checked(credential: Credential, token: OpaqueToken, deps: ValidateDeps, now: int) -> Validated:
    rows = deps.rows()
    record = _session_row(token, deps.feed, rows)
    if record is None or record.kind is not TokenKind.SESSION or not rows.policy.is_in_force(record, now):
        raise InvalidAccessToken("session over")
    _refuse_spent(record, token, deps, rows, now)
    csrf_token = rows.codec.csrf_token(token)
    may_change_state = _is_equal(csrf_token, credential.csrf_token)
    if credential.changes_state and not may_change_state:
        raise AccessDenied("csrf")
    claims = _claims_of(record, rows, now)
    deps.requirements.check(claims, now)
    _note_use(record, rows, now)
    labels = record.owner.labels if record.owner else ()
    return Validated(claims, credential.transport, may_change_state, frozenset(labels), csrf_token)


def _session_row(token: OpaqueToken, feed: RevocationFeed | None, rows: RowDeps) -> TokenRecord | None:
    if feed is not None and feed.is_revoked(token.id):
        raise InvalidAccessToken("revoked")
    if rows.sessions is not None:
        return rows.sessions.load(token.id, token.generation)
    return rows.store.load(token.id)


def verdict_on(
    record: TokenRecord,
    token: OpaqueToken,
    codec: TokenCodec,
    retry_window_s: int,
    now: int,
    arrived_at: int | None = None,
) -> Verdict:
    """What the token endpoint would make of a token that is only used here: Rotate for a current one, Repeat for its
    predecessor while requests that were under way at a rotation may come in."""
    if not (codec.has_epoch(token.epoch) and codec.has_epoch(record.key_epoch)):
        return Refuse("epoch withdrawn")  # the row's SELECT has told
    store_hash = codec.store_hash(token)
    presented = Presented(token.generation, token.epoch, store_hash, client_id=None, arrived_at=arrived_at)
    verdict = decide(record, presented, now, retry_window_s)
    if isinstance(verdict, Repeat):
        successor = codec.store_hash(codec.successor(token, record.key_epoch))
        if not hmac.compare_digest(successor, verdict.row.token_hash):
            return Refuse("superseded")
    if isinstance(verdict, Reuse) and verdict.kind is ReuseKind.RECENT_PREDECESSOR and record.retry_key_hash:
        # Who lost the answer to that rotation may yet ask for it again by its Idempotency-Key, at any time.
        return Refuse("spent")
    return verdict


def _refuse_spent(
    record: TokenRecord, token: OpaqueToken, deps: ValidateDeps, rows: RowDeps, now: int
) -> None:
    match verdict_on(record, token, rows.codec, rows.policy.retry_window_s, now, deps.arrived_at):
        case Reuse() as reuse:
            deps.on_reuse(reuse, now)
            raise InvalidAccessToken("reuse")
        case Refuse(reason):
            raise InvalidAccessToken(reason)


def _is_equal(expected: str, given: str | None) -> bool:
    return hmac.compare_digest(expected.encode(), (given or "").encode(errors="replace"))


def _note_use(record: TokenRecord, rows: RowDeps, now: int) -> None:
    if now - record.last_used_at < TOUCH_INTERVAL_S or record.owner is None:
        return
    idle_ttl_s = rows.policy.for_user(record.owner.config).session.idle_ttl_s
    (rows.sessions or rows.store).touch(record, now, min(now + idle_ttl_s, record.absolute_expires_at))


def _claims_of(record: TokenRecord, rows: RowDeps, now: int) -> AccessClaims:
    return AccessClaims(
        sub=record.user_id,
        sid=text_of(record.id),
        jti=None,
        client_id=record.client_id,
        scope=rows.policy.scope_left(record.scope, record),
        device_id=text_of(record.device_id) if record.device_id else "",
        auth_time=min(record.auth_time, now),
        acr=record.acr,
        amr=record.amr,
        labels=rows.policy.carried_labels(record.owner),
        iat=now,
        exp=record.expires_at,
    )
