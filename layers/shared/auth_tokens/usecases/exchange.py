"""A device token opens a session without a password (RFC 8693 token exchange)."""

import hmac
from dataclasses import dataclass, field, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidGrant, InvalidRequest, Unavailable
from auth_tokens.domain.ids import text_of, uuid7
from auth_tokens.domain.rotation import Presented, Rotate
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import DEVICE_ACR, TokenRecord
from auth_tokens.domain.sign_ins import SessionStart, SignIn, SignInOvertaken, Standing
from auth_tokens.domain.tokens import OpaqueToken, TokenKind
from auth_tokens.usecases.answers import TokenAnswer, token_answer
from auth_tokens.usecases.begin import (
    Authentication,
    Grant,
    RepeatKey,
    SessionOptions,
    answer_of,
    ended_for,
    grant_for,
    making_room,
    new_session,
    start_events,
)
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.refresh import (
    MAX_RACES,
    judge,
    look_again,
    next_generation,
    parse_presented,
    presented_token,
    repeated_successor,
)
from auth_tokens.usecases.replaced_session import replaced_session

# RFC 8176 §2 has no value for "a remembered device"; `swk`, proof of a software-held key, is the nearest.
DEVICE_AMR = ("swk",)
# A repeat follows the session this far: more than anybody can refresh while a device token may be repeated.
MAX_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """A device token and the session wanted for it."""

    device_token: str = field(repr=False)
    options: SessionOptions = field(default_factory=SessionOptions)
    retry_key: str | None = None


def exchange_device_token(request: ExchangeRequest, caller: Caller, deps: IssueDeps) -> TokenAnswer:
    """Spend a device token: a new session on that device, which replaces its earlier ones, and the next device token.

    A repeated call (lost answer, second window) gets the same session and the same next device token, and writes
    nothing. Raises as usecases.refresh.refresh and begin.grant_for do (nothing spent), InvalidRequest (a repeat in
    another mode) and SessionLimitReached; auth_time stays that of the device's registration.
    """
    client_id = deps.policy.known_client(request.options.client_id)
    token = parse_presented(request.device_token, TokenKind.DEVICE, deps)
    presented = presented_token(token, client_id, request.retry_key, caller, deps)
    for attempt in range(MAX_RACES):
        record, stop_number = deps.store.load_device(token.id) or (None, 0)
        now = deps.clock()  # with the row, as in refresh
        verdict = judge(record, presented, token, caller, deps, now)
        assert record is not None
        if not isinstance(verdict, Rotate):
            return _again(request, token, record, deps, now)
        grant = _grant(request, token, record, deps, now)
        grant = replace(grant, replaces=replaced_session(request.options.cookie, caller, deps, now))
        answer = _open(grant, token, presented, record, stop_number, caller, deps, now)
        if answer is not None:
            return answer
        presented = look_again(presented, attempt, deps)
    raise Unavailable("contention")


def _open(
    grant: Grant,
    token: OpaqueToken,
    presented: Presented,
    record: TokenRecord,
    stop_number: int,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> TokenAnswer | None:
    """Spend the token and start its session. None: the device was changed meanwhile, look again."""
    assert grant.repeat is not None
    successor, rotation = next_generation(record, token, presented, caller, deps, now)
    session, first = new_session(grant, grant.repeat.session_id, record.id, caller, deps, now)
    device = replace(
        record,
        generation=rotation.generation,
        token_hash=rotation.token_hash,
        key_epoch=rotation.key_epoch,
        retry_key_hash=rotation.retry_key_hash,
        last_used_at=rotation.at,
        expires_at=rotation.expires_at,
        metadata=rotation.metadata,
    )

    def plan(standing: Standing) -> SessionStart | None:
        if not _is_unchanged(standing.device, record):
            return None
        ending = making_room(record.id, standing, grant)
        # The clock again, with the row: this sign-in may have waited for others, and the retry window opens now.
        spent = replace(device, rotated_at=deps.clock())
        events = [*start_events(session, ending, grant, caller), *rotation.events]
        return SessionStart(session, spent, ended_for(grant, ending), events, first, successor)

    created_us = grant.user.created_us
    sign_in = SignIn(record.user_id, session.id, record.id, now, stop_number, user_created_us=created_us)
    try:
        start = deps.store.start_session(sign_in, plan)
    except SignInOvertaken as exc:
        raise InvalidGrant(f"overtaken, device {text_of(record.id)}") from exc
    return answer_of(start, deps, now) if start else None


def _is_unchanged(device: TokenRecord | None, seen: TokenRecord) -> bool:
    """Is a device's row as it was seen? It may have been spent, ended, renamed or remembered anew meanwhile."""
    if device is None or device.generation != seen.generation:
        return False
    is_token_same = hmac.compare_digest(device.token_hash or b"", seen.token_hash or b"")
    return is_token_same and device.metadata == seen.metadata


def _again(
    request: ExchangeRequest, token: OpaqueToken, record: TokenRecord, deps: IssueDeps, now: int
) -> TokenAnswer:
    """The session of the first call, as far as it has gone since. Raises InvalidGrant where it has ended."""
    device_token = repeated_successor(record, token, deps)
    repeat = _repeat_key(token, record.last_used_at, deps)
    session = deps.store.load(repeat.session_id)
    if session is None or not session.is_in_force(now):
        raise InvalidGrant(f"its session is over, device {text_of(record.id)}")
    if session.kind is not request.options.kind:
        raise InvalidRequest("mode must be that of the call that is repeated.")
    scope = granted_scope(request.options.scope, deps.policy.scope_left(session.scope, session))
    return token_answer(
        session,
        _current(session, repeat, record.key_epoch, deps),
        deps,
        scope=scope,
        now=now,
        device_token=deps.codec.encode(device_token),
        is_repeat=True,
    )


def _current(session: TokenRecord, repeat: RepeatKey, first_epoch: int, deps: IssueDeps) -> OpaqueToken:
    """The session's current token, derived from its first: another window may have refreshed it already."""
    token = deps.codec.seeded(session.kind, first_epoch, session.id, 0, repeat.seed)
    for _ in range(min(session.generation, MAX_STEPS)):
        token = deps.codec.successor(token, session.key_epoch)
    if not hmac.compare_digest(deps.codec.store_hash(token), session.token_hash or b""):
        raise InvalidGrant(f"out of reach, session {text_of(session.id)}")
    return token


def _repeat_key(token: OpaqueToken, at: int, deps: IssueDeps) -> RepeatKey:
    """What the session of a device token follows from: its id from the token's place in the chain and the instant at
    which the exchange began, which is the device's last use; its secrets from the token's own."""
    spent = deps.keys.pseudonym("exchange", f"{token.id.hex()}.{token.generation}")
    return RepeatKey(uuid7(at * 1000, spent[:10]), token.secret)


def _grant(
    request: ExchangeRequest, token: OpaqueToken, record: TokenRecord, deps: IssueDeps, now: int
) -> Grant:
    assert record.owner is not None
    how = Authentication(DEVICE_AMR, DEVICE_ACR, record.auth_time)
    options = replace(request.options, client_id=record.client_id)
    # Devices remembered by an earlier version have no scope of their own.
    within = deps.policy.scope_left(record.scope, record) if record.scope else None
    repeat = _repeat_key(token, now, deps)
    grant = grant_for(record.owner, options, how, deps, within=within, repeat=repeat)
    if not grant.policy.remember_devices:
        raise InvalidGrant(f"remembering not allowed, device {text_of(record.id)}")
    return grant
