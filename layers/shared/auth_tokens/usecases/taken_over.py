"""A token of the Portal that was taken over is presented again: it is the generation before the session's first."""

import hmac

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest, Unavailable
from auth_tokens.domain.grants import RepeatKey
from auth_tokens.domain.ids import uuid_text
from auth_tokens.domain.legacy_tokens import SeenAgain
from auth_tokens.domain.rotation import Overtaken, Presented, Refuse, Repeat, Reuse, Rotate, decide
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import ActiveRow, TokenRecord
from auth_tokens.domain.tokens import MalformedToken, OpaqueToken, TokenKind
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.current_token import current_token
from auth_tokens.usecases.reuse import revoke_reused
from auth_tokens.usecases.takeover_deps import LegacyPresentation

_BEFORE_THE_FIRST = -1
# A repeat has no time limit: it ends when the session goes on.
_ALWAYS = 2**40


def taken_over(shown: LegacyPresentation, record: TokenRecord | None, now: int) -> TokenAnswer:
    """The first tokens once more, while the session is live and has not gone on. record: its row, None where cleanup
    has taken it. Raises as usecases.take_over.take_over does."""
    row = _in_force(shown, record, now)
    issuing = shown.deps.issuing
    session, device_token, token = row.record, None, _first(shown, row.record)
    if shown.token.kind is TokenKind.DEVICE:
        device_token = token
        session, token = _session_of_device(shown, row, now)
    if session.kind is not shown.options.kind:
        raise InvalidRequest("mode must be that of the call that is repeated.")
    scope = granted_scope(shown.options.scope, issuing.policy.scope_left(session.scope, session))
    tokens = SessionTokens(session, token, scope, issuing.policy.for_user(row.owner.config), device_token)
    issuing.telemetry.count("TakeoverRepeated")
    return token_answer(tokens, issuing, now, is_repeat=True)


def _in_force(shown: LegacyPresentation, record: TokenRecord | None, now: int) -> ActiveRow:
    """Raises InvalidGrant for a refusal, and for a theft after its revocation is committed."""
    deps, where = shown.deps, f"session {uuid_text(shown.token.row_id)}"
    if record is not None and record.client_id not in deps.issuing.policy.clients:
        raise InvalidGrant(f"client removed, {where}")
    presented = Presented(_BEFORE_THE_FIRST, 0, b"", shown.options.client_id, raced=shown.is_again)
    match decide(record, presented, now, _ALWAYS):
        case Repeat(row):
            return row
        case Overtaken():
            raise Unavailable(f"overtaken, {where}")
        case Reuse() as reuse if deps.legacy.seen_again is SeenAgain.END:
            revoke_reused(reuse, shown.caller, deps.issuing, now)
            raise InvalidGrant(f"take-over: reuse, {where}")
        case Refuse(reason):
            raise InvalidGrant(f"take-over: {reason}, {where}")
        case Reuse() | Rotate():
            raise InvalidGrant(f"take-over: seen again, {where}")


def _first(shown: LegacyPresentation, record: TokenRecord) -> OpaqueToken:
    """The row's token of generation 0, derived from the Portal's and checked against the row: no copy is kept."""
    issuing = shown.deps.issuing
    try:
        first = issuing.codec.seeded(record.kind, record.key_epoch, record.id, 0, shown.token.seed)
    except MalformedToken as exc:
        if record.key_epoch <= issuing.keys.chain_epoch():
            raise InvalidGrant(f"epoch withdrawn, session {uuid_text(record.id)}") from exc
        raise Unavailable("an epoch this environment has not seen yet") from exc
    if not hmac.compare_digest(issuing.codec.store_hash(first), record.token_hash or b""):
        raise InvalidGrant(f"superseded, session {uuid_text(record.id)}")
    return first


def _session_of_device(
    shown: LegacyPresentation, row: ActiveRow, now: int
) -> tuple[TokenRecord, OpaqueToken]:
    """The session that a device token opened, at its current generation. Raises InvalidGrant where it has ended."""
    issuing, token = shown.deps.issuing, shown.token
    session = issuing.store.load(token.session_id)
    if session is None or session.owner_in_force(now) is None:
        raise InvalidGrant(f"its session is over, device {uuid_text(row.record.id)}")
    repeat = RepeatKey(token.session_id, token.seed)
    return session, current_token(session, repeat, row.record.key_epoch, issuing)
