"""A device token opens a session without a password (RFC 8693 token exchange)."""

import hmac
from dataclasses import dataclass, field, replace

from auth_tokens.domain.acr import DEVICE_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest, Unavailable
from auth_tokens.domain.grants import Grant, RepeatKey, SessionOptions
from auth_tokens.domain.ids import uuid7, uuid_text
from auth_tokens.domain.rotation import OTHER_KEY, Repeat
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import ActiveRow, TokenRecord
from auth_tokens.domain.sign_ins import LiveRows, SessionStart, SignIn, SignInOvertaken
from auth_tokens.domain.starts import ended_rows, rows_to_end, start_events
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.answers import SessionTokens, token_answer
from auth_tokens.usecases.current_token import current_token
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.presentation import MAX_RACES, Presentation, PresentedToken, present
from auth_tokens.usecases.session_builder import SessionBuilder

# RFC 8176 §2 has no value for "a remembered device"; `swk`, proof of a software-held key, is the nearest.
DEVICE_AMR = ("swk",)


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """A device token and the session wanted for it. jkt: of the key that the client proves to hold."""

    device_token: str = field(repr=False)
    options: SessionOptions = field(default_factory=SessionOptions)
    retry_key: str | None = None
    jkt: str | None = None


def exchange_device_token(request: ExchangeRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Spend a device token: a new session on that device, which replaces its earlier ones, and the next device token.

    A repeated call (lost answer, second window) gets the same session and the same next device token, and writes
    nothing. Raises as usecases.refresh.refresh and SessionBuilder.grant do (nothing spent), InvalidRequest (a repeat in
    another mode) and SessionLimitReached; auth_time stays that of the device's registration.
    """
    options = request.options
    client_id = deps.policy.known_client(options.client_id)
    shown = PresentedToken(request.device_token, TokenKind.DEVICE, client_id, request.retry_key, request.jkt)
    presentation = present(shown, caller, deps)
    for attempt in range(MAX_RACES):
        record, stop_number = deps.store.load_device(presentation.token.id) or (None, 0)
        now = deps.clock()  # with the row, as in refresh
        verdict = presentation.decision(record, now)
        if isinstance(verdict, Repeat):
            return _again(options, presentation, verdict.row, now)
        builder = SessionBuilder(caller, deps, now)
        grant = _grant(options, presentation.token, verdict.row, builder)
        grant = builder.replacing(options.cookie, grant)
        start = _started(presentation, verdict.row, stop_number, grant, builder)
        if start is not None:
            return builder.answer(grant, start)
        presentation = presentation.again(attempt)
    raise Unavailable("contention")


def _grant(options: SessionOptions, token: OpaqueToken, row: ActiveRow, builder: SessionBuilder) -> Grant:
    record, deps = row.record, builder.deps
    how = Authentication(DEVICE_AMR, DEVICE_ACR, record.auth_time)
    # Devices remembered by an earlier version have no scope of their own.
    within = deps.policy.scope_left(record.scope, record) if record.scope else None
    repeat = _repeat_key(token, builder.now, deps)
    # A bound device's session is bound to the same key, which was proven; another's to the one that comes now.
    wanted = replace(options, client_id=record.client_id, jkt=record.jkt or options.jkt)
    grant = builder.grant(row.owner, wanted, how, repeat, within)
    if not grant.policy.remember_devices:
        raise InvalidGrant(f"remembering not allowed, device {uuid_text(record.id)}")
    return grant


def _started(
    presentation: Presentation, row: ActiveRow, stop_number: int, grant: Grant, builder: SessionBuilder
) -> SessionStart | None:
    """Spend the token and start its session. None: the device was changed meanwhile, so it has to be read again."""
    seen, deps, now = row.record, builder.deps, builder.now
    successor, rotation = presentation.next_generation(row, grant.policy, now)
    session, first = builder.session(grant, seen.id)

    def plan(live: LiveRows) -> SessionStart | None:
        if not _is_unchanged(live.device, row):
            return None
        ending = rows_to_end(seen.id, live, grant)
        # The clock is read again with the row: this sign-in may have waited for others, and the retry window starts
        # now.
        spent = replace(rotation.applied_to(seen), rotated_at=deps.clock())
        events = [*start_events(session, ending, grant, builder.caller), *rotation.events]
        return SessionStart(session, spent, ended_rows(grant, ending), events, first, successor)

    created_us = grant.user.created_us
    sign_in = SignIn(seen.user_id, session.id, seen.id, now, stop_number, user_created_us=created_us)
    try:
        return deps.store.start_session(sign_in, plan)
    except SignInOvertaken as exc:
        raise InvalidGrant(f"overtaken, device {uuid_text(seen.id)}") from exc


def _is_unchanged(device: TokenRecord | None, seen: ActiveRow) -> bool:
    """Is a device's row unchanged? It may have been spent, ended, renamed or remembered again meanwhile."""
    if device is None or device.generation != seen.record.generation:
        return False
    is_token_same = hmac.compare_digest(device.token_hash or b"", seen.token_hash)
    return is_token_same and device.metadata == seen.record.metadata


def _again(options: SessionOptions, presentation: Presentation, row: ActiveRow, now: int) -> TokenAnswer:
    """The session of the first call at its current generation. Raises InvalidGrant where it has ended."""
    device, deps = row.record, presentation.deps
    device_token = presentation.successor_again(row)
    repeat = _repeat_key(presentation.token, device.last_used_at, deps)
    session = deps.store.load(repeat.session_id)
    owner = session.owner_in_force(now) if session else None
    if session is None or owner is None:
        raise InvalidGrant(f"its session is over, device {uuid_text(device.id)}")
    if (
        session.jkt is not None and session.jkt != presentation.presented.jkt
    ):  # of a device that is bound to no key
        raise InvalidGrant(f"{OTHER_KEY}, session {uuid_text(session.id)}")
    if session.kind is not options.kind:
        raise InvalidRequest("mode must be that of the call that is repeated.")
    scope = granted_scope(options.scope, deps.policy.scope_left(session.scope, session))
    token = current_token(session, repeat, device.key_epoch, deps)
    tokens = SessionTokens(session, token, scope, deps.policy.for_user(owner.config), device_token)
    return token_answer(tokens, deps, now, is_repeat=True)


def _repeat_key(token: OpaqueToken, at: int, deps: IssueDeps) -> RepeatKey:
    """The key that the session of a device token is derived by: its id from the token's generation and the start of the
    exchange, which is the device's last use; its secrets from the token's secret."""
    spent = deps.keys.pseudonym("exchange", f"{token.id.hex()}.{token.generation}")
    return RepeatKey(uuid7(at * 1000, spent[:10]), token.secret)
