"""A token of the Portal, from before this service, becomes a session of ours, and nobody is signed out."""

from dataclasses import dataclass, field, replace

from auth_tokens.domain.acr import LEGACY_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, Unavailable
from auth_tokens.domain.event_kinds import session_taken_over
from auth_tokens.domain.grants import DeviceRequest, Grant, RepeatKey, SessionOptions
from auth_tokens.domain.legacy_tokens import EndKind, LegacyRow
from auth_tokens.domain.limits import PRESENTED_PER_TOKEN
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.domain.sign_ins import EndedRows, SessionStart
from auth_tokens.domain.takeovers import Claim, LegacyFound, TakeResult
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.presentation import MAX_RACES
from auth_tokens.usecases.session_builder import SessionBuilder
from auth_tokens.usecases.taken_over import taken_over
from auth_tokens.usecases.takeover_deps import LegacyPresentation, TakeoverDeps


@dataclass(frozen=True, slots=True)
class TakeoverRequest:
    """A token of the Portal and the session wanted for it. kind: REFRESH or DEVICE, as the grant has it."""

    token: str = field(repr=False)
    kind: TokenKind
    options: SessionOptions


def is_legacy(text: str, deps: TakeoverDeps) -> bool:
    """May this text be a token of the Portal that can be taken over now? Without I/O; any other text is refused as it
    would be without a take-over."""
    return deps.legacy.accepts(text, deps.issuing.clock())


def take_over(request: TakeoverRequest, caller: Caller, deps: TakeoverDeps) -> TokenAnswer:
    """Turn a live token of the Portal into a session of ours, once; each repeat gets the same tokens, without a write.

    A token that is_legacy. To us it is the generation before the first, so it may be repeated until the session goes
    on, and is a theft after that (docs/adr/0040). Raises InvalidGrant (unknown, ended, of another type or client, its
    user not active, everything of theirs ended since), RateLimited (nothing spent), AccessDenied and InvalidScope as
    SessionBuilder.grant does, InvalidRequest (a repeat in another mode), Unavailable.
    """
    issuing = deps.issuing
    issuing.policy.known_client(request.options.client_id)
    token = deps.token(request.token, request.kind)
    deps.misses.admit(token.key, caller.network)
    issuing.presentations.hit(PRESENTED_PER_TOKEN, token.key.hex())
    presentation = LegacyPresentation(token, request.options, caller, deps)
    for attempt in range(MAX_RACES):
        found = deps.takeovers.look_up(token)
        now = issuing.clock()
        if found.is_claimed or found.record is not None:
            return taken_over(presentation, found.record, now)
        answer = _taken(presentation, _the_one(found, presentation, now), now)
        if answer is not None:
            return answer
        if attempt > 0:  # as in Presentation.again
            issuing.pause(attempt)
        presentation = replace(presentation, is_again=True)
    raise Unavailable("contention")


def _the_one(found: LegacyFound, shown: LegacyPresentation, now: int) -> LegacyRow:
    """The Portal's row, if its token is good. Raises InvalidGrant: one public text for all reasons."""
    if not found.rows:
        shown.deps.misses.missed(shown.token.key, shown.caller.network)
        raise InvalidGrant("take-over: unknown", is_forged=True)
    row = found.rows[0]
    if len(found.rows) > 1:
        raise InvalidGrant("take-over: ambiguous")
    if row.kind is not shown.token.kind:
        raise InvalidGrant("take-over: type")
    if shown.options.client_id not in (None, shown.deps.legacy.client):
        raise InvalidGrant("take-over: other_client")
    if not row.is_live:
        raise InvalidGrant("take-over: revoked")
    if row.ends_at is not None and row.ends_at <= now:
        raise InvalidGrant("take-over: expired")
    return row


def _taken(shown: LegacyPresentation, row: LegacyRow, now: int) -> TokenAnswer | None:
    """None: the row was changed meanwhile, so it has to be read again."""
    token, deps = shown.token, shown.deps
    builder = SessionBuilder(shown.caller, deps.issuing, now)
    account = deps.issuing.portal.account_by_id(row.user_id) if row.user_id else None
    if account is None or not account.user.is_active:
        raise InvalidGrant("take-over: user_not_active")
    began_at = (row.created_at or 0) if deps.legacy.created_is_sign_in else 0
    how = Authentication((), LEGACY_ACR, min(began_at, now))
    options = replace(shown.options, client_id=deps.legacy.client)
    grant = builder.grant(account.user, options, how, RepeatKey(token.session_id, token.seed))
    if token.kind is TokenKind.DEVICE and not grant.policy.remember_devices:
        raise InvalidGrant("take-over: remembering not allowed")
    start = _start(shown, row, grant, builder)
    match deps.takeovers.take(Claim(token, row, began_at, now, deps.legacy.keep_until), start):
        case TakeResult.TAKEN:
            deps.issuing.telemetry.count("TakenOver")
            return builder.answer(grant, start)
        case TakeResult.OVER:
            raise InvalidGrant("take-over: stopped")
        case TakeResult.CHANGED:
            return None


def _start(shown: LegacyPresentation, row: LegacyRow, grant: Grant, builder: SessionBuilder) -> SessionStart:
    """The rows of ours. Nobody is evicted, and nobody is refused for their number of sessions: these people are signed
    in already."""
    token, asked = shown.token, shown.options.device
    name = asked.name or row.device_name
    wanted = DeviceRequest(name=name, platform=asked.platform, remember=token.kind is TokenKind.DEVICE)
    session, first = builder.session(grant, token.device_id)
    device, device_token = builder.device(grant, wanted, token.device_id)
    device = replace(device, auth_time=grant.how.auth_time, acr=LEGACY_ACR)
    if shown.deps.legacy.end_kind is EndKind.ABSOLUTE and row.ends_at is not None:
        if token.kind is TokenKind.DEVICE:
            device = _ending(device, row.ends_at)
        else:
            session = _ending(session, row.ends_at)
    events = [session_taken_over(session, token.kind, builder.caller)]
    return SessionStart(session, device, EndedRows([]), events, first, device_token)


def _ending(record: TokenRecord, ends_at: int) -> TokenRecord:
    """At the end that the Portal had set, whatever the policy is."""
    return replace(record, expires_at=min(record.expires_at, ends_at), absolute_expires_at=ends_at)
