"""A refresh token, or a browser session's, is spent for its one successor."""

from dataclasses import dataclass, field, replace

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.rotation import Repeat
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import MAX_RACES, PresentedToken, present


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """A refresh as a client requests it. kind: REFRESH or SESSION; client_id: None for the token's own; retry_key: its
    Idempotency-Key; scope: a narrower one; jkt: the thumbprint of the key that the client proves to hold."""

    token: str = field(repr=False)
    kind: TokenKind = TokenKind.REFRESH
    client_id: str | None = None
    scope: str | None = None
    retry_key: str | None = None
    jkt: str | None = None


def refresh(request: RefreshRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Spend a token and return its one successor, in the same session.

    Raises InvalidGrant (malformed, unknown, expired, revoked, reused: a reused session is
    already revoked and committed), InvalidScope, InvalidClient and RateLimited (nothing spent), Unavailable.
    RFC 6749 §6; rotation and reuse: RFC 9700 §4.14.
    """
    client_id = deps.policy.known_client(request.client_id)
    shown = PresentedToken(request.token, request.kind, client_id, request.retry_key, request.jkt)
    presentation = present(shown, caller, deps)
    for attempt in range(MAX_RACES):
        record = deps.store.load(presentation.token.id)
        # Read again with the row: an attempt may have waited, and the retry window starts when the token is spent.
        now = deps.clock()
        verdict = presentation.decision(record, now)
        row = verdict.row
        scope = granted_scope(request.scope, deps.policy.scope_left(row.record.scope, row.record))
        if isinstance(verdict, Repeat):
            policy = deps.policy.for_user(row.owner.config)
            tokens = SessionTokens(row.record, presentation.successor_again(row), scope, policy)
            return token_answer(tokens, deps, now, is_repeat=True)
        policy = deps.policy_for(row.owner)
        successor, rotation = presentation.next_generation(row, policy, now)
        if deps.store.rotate(row.record, rotation):
            rotated = replace(
                row.record, expires_at=rotation.expires_at, access_expires_at=rotation.access_expires_at
            )
            return token_answer(SessionTokens(rotated, successor, scope, policy), deps, now)
        presentation = presentation.again(attempt)
    raise Unavailable("contention")
