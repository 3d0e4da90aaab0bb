"""Revocation by the holder of a token of the Portal, from before this service (RFC 7009)."""

from dataclasses import replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.event_kinds import legacy_token_revoked
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.legacy_tokens import LegacyRow
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.takeovers import Claim, LegacyToken
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.revoke import end_row, end_with_device
from auth_tokens.usecases.takeover_deps import LegacyEndDeps, legacy_token

# A second read finds who came first: a take-over, another revocation, or the Portal's rotation.
_MAX_READS = 4


def revoke_legacy_token(text: str, client_id: str | None, caller: Caller, deps: LegacyEndDeps) -> None:
    """End what a token of the Portal became, the session with its device; or the token itself, if it was not taken
    over, so that it never is.

    A text outside the dates or of another shape costs nothing. Unknown, ended and foreign tokens end nothing and are no
    error (RFC 7009 §2.2). text: none of ours; client_id: a known one, None for the token's own. Raises RateLimited and
    Unavailable (never a 200 that was not stored).
    """
    if not deps.legacy.revokes(text, deps.sessions.clock()):
        return
    # Its kind is that of the Portal's row, as no grant says it here.
    token = legacy_token(text, TokenKind.REFRESH, deps.sessions.keys, deps.digests)
    try:
        deps.misses.admit(token.key, caller.network)
    except InvalidGrant:  # looked for in vain a moment ago
        return
    deps.presentations.hit(PRESENTED_PER_TOKEN, token.key.hex())
    for _ in range(_MAX_READS):
        found = deps.ends.look_up_claimed(token)
        if found.is_claimed:
            _end_taken_over(found.record, client_id, caller, deps)
            return
        if not found.rows:
            deps.misses.missed(token.key, caller.network)
            return
        # Of two rows none is taken over, and neither can be told to be the caller's.
        if len(found.rows) > 1 or _end_unclaimed(token, found.rows[0], client_id, caller, deps):
            return
    raise Unavailable("contention")


def _end_taken_over(
    record: TokenRecord | None, client_id: str | None, caller: Caller, deps: LegacyEndDeps
) -> None:
    """record: None where the token was revoked before it became anything, or cleanup has taken the row."""
    if record is None or record.revoked_at is not None or client_id not in (None, record.client_id):
        return
    cause = Cause(RevokeReason.REVOKED)
    if record.kind is TokenKind.DEVICE or record.device_id is None:
        end_row(record, cause, caller, deps.sessions)
    else:
        end_with_device(record, record.device_id, cause, caller, deps.sessions)


def _end_unclaimed(
    token: LegacyToken, row: LegacyRow, client_id: str | None, caller: Caller, deps: LegacyEndDeps
) -> bool:
    """False: the row was changed meanwhile, so it has to be read again."""
    now = deps.sessions.clock()
    is_in_force = row.is_live and (row.ends_at is None or row.ends_at > now)
    if not is_in_force or row.kind is None or row.user_id is None:
        return True
    if client_id not in (None, deps.legacy.client):
        return True
    claim = Claim(replace(token, kind=row.kind), row, 0, now, deps.legacy.keep_until)
    return deps.ends.end_unclaimed(claim, legacy_token_revoked(row.user_id, row.kind, caller, now))
