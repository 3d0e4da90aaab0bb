"""A session's user authenticates anew by password, in the write that spends the session's token (RFC 9470)."""

from dataclasses import dataclass, field, replace

from auth_tokens.domain.acr import PASSWORD_ACR, may_replace
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, Unavailable, UnmetAuthenticationRequirements
from auth_tokens.domain.event_kinds import step_up_failed, step_up_succeeded
from auth_tokens.domain.limits import STEP_UP_PER_USER
from auth_tokens.domain.login_limits import Bucket, Settlement
from auth_tokens.domain.rotation import Repeat, Rotate
from auth_tokens.domain.sessions import ActiveRow, TokenRecord
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import MAX_RACES, Presentation, PresentedToken, present


@dataclass(frozen=True, slots=True)
class StepUpRequest:
    """A step-up as a client requests it. kind: REFRESH or SESSION; client_id, retry_key: as of a refresh; acr_values:
    one of them is wanted, empty for any; jkt: of the key that the client proves to hold."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    kind: TokenKind = TokenKind.REFRESH
    client_id: str | None = None
    retry_key: str | None = None
    acr_values: tuple[str, ...] = ()
    jkt: str | None = None


def step_up(request: StepUpRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Verify the password of a session's user, spend its token, and return the successor with the new claims.

    A row that were raised without a rotation would raise a thief's copy of the token as well. A retry gets the same
    successor, as one of a refresh does.

    Raises InvalidGrant (as a refresh does, before the password is looked at), UnmetAuthenticationRequirements (no
    attempt counted), RateLimited, InvalidCredentials (nothing spent), InvalidClient, Unavailable.
    """
    client_id = deps.policy.known_client(request.client_id)
    shown = PresentedToken(request.token, request.kind, client_id, request.retry_key, request.jkt)
    presentation = present(shown, caller, deps)
    how: Authentication | None = None
    for attempt in range(MAX_RACES):
        record = deps.store.load(presentation.token.id)
        now = deps.clock()
        verdict = presentation.decision(record, now)
        _require_reachable(request.acr_values, verdict.row.record, deps)
        how = how or _verified(request.password, verdict.row, caller, deps)
        raised = _raised(verdict, presentation, how.since(verdict.row.record), now)
        if raised is not None:
            deps.limiter.settle([Settlement(_attempts_of(verdict.row), now * 1000)])
            return token_answer(raised, deps, now, is_repeat=isinstance(verdict, Repeat))
        presentation = presentation.again(attempt)
    raise Unavailable("contention")


def _require_reachable(acr_values: tuple[str, ...], session: TokenRecord, deps: IssueDeps) -> None:
    """Raises UnmetAuthenticationRequirements where no password is wanted, or where it is weaker than what is there."""
    if acr_values and PASSWORD_ACR not in acr_values:
        raise UnmetAuthenticationRequirements("acr_values")
    if not may_replace(PASSWORD_ACR, session.acr, deps.policy.acr_order):
        raise UnmetAuthenticationRequirements("weaker than the session's")


def _verified(password: str, row: ActiveRow, caller: Caller, deps: IssueDeps) -> Authentication:
    """The authentication by the user's password; one attempt is counted. The write finds a password that is changed
    meanwhile."""
    deps.limiter.hit(STEP_UP_PER_USER, row.owner.id)
    account = deps.portal.account_by_id(row.owner.id)
    password_hash = account.password_hash if account else None
    if not deps.passwords.verify(password, password_hash):
        deps.events.record(step_up_failed(row.record, caller, deps.clock()))
        raise InvalidCredentials()
    return Authentication(("pwd",), PASSWORD_ACR, deps.clock(), password_hash)


def _raised(
    verdict: Rotate | Repeat, presentation: Presentation, how: Authentication, now: int
) -> SessionTokens | None:
    """The session's tokens after the write; None where another call changed the row first."""
    row, deps = verdict.row, presentation.deps
    event = step_up_succeeded(row.record, how, presentation.caller, now)
    if isinstance(verdict, Repeat):
        successor = presentation.successor_again(row)
        if not how.is_held_by(row.record) and not deps.store.raise_session(row.record, how, event, now):
            return None
        return _tokens(row, how.of(row.record), successor, deps)
    successor, rotation = presentation.next_generation(row, deps.policy_for(row.owner), now)
    rotation = replace(rotation, raised=how, events=(*rotation.events, event))
    if not deps.store.rotate(row.record, rotation):
        return None
    return _tokens(row, rotation.applied_to(row.record), successor, deps)


def _tokens(row: ActiveRow, session: TokenRecord, token: OpaqueToken, deps: IssueDeps) -> SessionTokens:
    scope = deps.policy.scope_left(session.scope, session)
    return SessionTokens(session, token, scope, deps.policy.for_user(row.owner.config))


def _attempts_of(row: ActiveRow) -> Bucket:
    return Bucket(STEP_UP_PER_USER, row.owner.id)
