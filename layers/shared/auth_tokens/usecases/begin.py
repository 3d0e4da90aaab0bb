"""The start of a session, however the user was recognised: password, trusted backend or device."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from auth_tokens.domain.errors import AccessDenied
from auth_tokens.domain.events import EventType, SecurityEvent
from auth_tokens.domain.ids import id_from, is_user_id, text_of
from auth_tokens.domain.limits import LOGIN_PER_ACCOUNT
from auth_tokens.domain.policy import Policy, giving_way
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import LiveSession, TokenRecord, User
from auth_tokens.domain.tokens import SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.answers import TokenAnswer, token_answer
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.metadata import Metadata, metadata_of
from auth_tokens.usecases.ports import Caller, DeviceUse, Seat, SessionStart, Standing


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a caller says of its device. id: as an earlier answer named it; remember: wants a device token."""

    id: str | None = None
    name: str = ""
    platform: str = ""
    remember: bool = False


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a caller may choose of its session."""

    kind: TokenKind = TokenKind.REFRESH
    scope: str | None = None
    client_id: str | None = None
    device: DeviceRequest = field(default_factory=DeviceRequest)


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when the user was recognised (RFC 8176, RFC 9068 §2.2.1)."""

    amr: tuple[str, ...]
    acr: str
    auth_time: int


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """Makes a start of a session repeatable: id and tokens follow from it. request_hash: of what was asked."""

    session_id: bytes
    seed: bytes = field(repr=False)
    request_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a session will be: decided before anything is written."""

    user: User
    client_id: str
    scope: str
    kind: TokenKind
    policy: Policy
    how: Authentication
    repeat: RepeatKey | None = None


def grant_for(user: User, options: SessionOptions, how: Authentication, deps: IssueDeps) -> Grant:
    """What of the wishes this user may have.

    Raises InvalidClient, InvalidScope (also for a scope that the user lacks the label for), AccessDenied
    (a mode that the user's preferences do not allow; an id that no token can carry and no route can name).
    """
    if not is_user_id(user.id):
        raise AccessDenied("the user's id is not one to issue tokens for")
    client_id = deps.client(options.client_id)
    policy = deps.policy_for(user)
    if options.kind not in policy.allowed_kinds:
        raise AccessDenied("mode not allowed for this user")
    scope = granted_scope(options.scope, policy.scope_for(deps.clients[client_id], user.labels))
    deps.report_labels(user, policy)
    return Grant(user, client_id, scope, options.kind, policy, how)


def begin_session(
    user: User,
    options: SessionOptions,
    how: Authentication,
    caller: Caller,
    deps: IssueDeps,
    now: int,
    *,
    event: EventType,
    repeat: RepeatKey | None = None,
) -> TokenAnswer | None:
    """Start a session for a recognised user; one transaction, then one signature.

    None: by this `repeat`, another call has started it meanwhile.
    Raises as grant_for does, SessionLimitReached (nothing written), Unavailable.
    """
    grant = replace(grant_for(user, options, how, deps), repeat=repeat)
    session_id = repeat.session_id if repeat else deps.new_id()
    new_device_id = deps.new_id()
    # Made before the transaction: a key that this environment lacks yet comes from KMS and the store, and neither
    # is asked while the user's other sign-ins wait.
    session, token = _session(grant, session_id, new_device_id, caller, deps, now)

    def plan(standing: Standing) -> SessionStart:
        known = _known(standing.device, grant)
        device, device_token = _device(grant, options.device, known or new_device_id, caller, deps, now)
        placed = replace(session, device_id=device.id)
        ended = _ended(standing.sessions, device.id, grant.policy)
        events = [_started(placed, caller, event), *_evictions(placed, ended)]
        if known is None:
            events.append(_new_device(placed, caller, grant.policy))
        return SessionStart(placed, device, [s.id for s in ended], events, token, device_token)

    bucket = deps.limiter.bucket(LOGIN_PER_ACCOUNT, canonical_username(user.username))
    named = id_from(options.device.id) if options.device.id else None
    start = deps.store.start_session(Seat(user.id, session_id, named, now, bucket), plan)
    return _answer(start, deps, now) if start else None


def open_session(
    grant: Grant,
    live: Sequence[LiveSession],
    used: DeviceUse,
    device_token: OpaqueToken,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> TokenAnswer | None:
    """Start a session by a device token, as begin_session does. live: the user's, as seen with the device;
    device_token: the one that follows the one shown. None: the device was changed meanwhile, look again."""
    session, token = _session(grant, deps.new_id(), used.record.id, caller, deps, now)
    ended = _ended(live, used.record.id, grant.policy)
    events = [_started(session, caller, EventType.SESSION_ISSUED), *_evictions(session, ended)]
    start = SessionStart(session, None, [s.id for s in ended], events, token, device_token)
    return _answer(start, deps, now) if deps.store.open_session(start, used) else None


def _answer(start: SessionStart, deps: IssueDeps, now: int) -> TokenAnswer:
    device_token = deps.codec.encode(start.device_token) if start.device_token else None
    scope = start.session.scope
    return token_answer(start.session, start.token, deps, scope=scope, now=now, device_token=device_token)


def _known(device: TokenRecord | None, grant: Grant) -> TokenRecord | None:
    """The device that the caller named, if it is this client's; else the session gets a new one."""
    return device if device and device.client_id == grant.client_id else None


def _ended(live: Sequence[LiveSession], device_id: bytes, policy: Policy) -> list[LiveSession]:
    """The sessions that end for the new one: those of its device, and then as many as the limit wants."""
    replaced = [session for session in live if session.device_id == device_id]
    return replaced + giving_way([session for session in live if session not in replaced], policy)


def _device(
    grant: Grant,
    wanted: DeviceRequest,
    known: TokenRecord | bytes,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> tuple[TokenRecord, OpaqueToken | None]:
    """The device's row with its token, if it gets one. known: the device, or the id of a new one."""
    user, epoch = grant.user, deps.keys.chain_epoch()
    if isinstance(known, bytes):
        known = _blank(user, known, TokenKind.DEVICE, known, grant.client_id, epoch, now)
    expires_at, absolute_expires_at = grant.policy.device.ends(now, now)
    before = metadata_of(known, deps.cipher)
    named = replace(before, name=wanted.name or before.name, platform=wanted.platform or before.platform)
    is_remembered = wanted.remember and grant.policy.remember_devices
    generation = known.generation + 1 if is_remembered and known.token_hash else known.generation
    metadata = named.seen_at(caller).sealed(deps.cipher, known.id, user.id, generation)
    device = replace(
        known,
        last_used_at=now,
        expires_at=expires_at,
        absolute_expires_at=absolute_expires_at,
        metadata=metadata,
    )
    if not is_remembered:
        return device, None
    token = _token(grant, TokenKind.DEVICE, epoch, device.id, generation, deps)
    remembered = replace(
        device,
        generation=generation,
        key_epoch=epoch,
        token_hash=deps.codec.store_hash(token),
        auth_time=grant.how.auth_time,
        # A token that this one replaces is spent now; nobody can derive this one from it.
        rotated_at=now if device.token_hash else None,
        retry_key_hash=None,
    )
    return remembered, token


def _session(
    grant: Grant, session_id: bytes, device_id: bytes, caller: Caller, deps: IssueDeps, now: int
) -> tuple[TokenRecord, OpaqueToken]:
    user, epoch = grant.user, deps.keys.chain_epoch()
    token = _token(grant, grant.kind, epoch, session_id, 0, deps)
    expires_at, absolute_expires_at = grant.policy.lifetimes(grant.kind).ends(now, now)
    seen = Metadata(refresh_tat_ms=now * 1000, pace=str(now)).seen_at(caller)
    record = replace(
        _blank(user, session_id, grant.kind, device_id, grant.client_id, epoch, now),
        scope=grant.scope,
        token_hash=deps.codec.store_hash(token),
        retry_key_hash=grant.repeat.request_hash if grant.repeat else None,
        auth_time=grant.how.auth_time,
        acr=grant.how.acr,
        amr=grant.how.amr,
        expires_at=expires_at,
        absolute_expires_at=absolute_expires_at,
        metadata=seen.sealed(deps.cipher, session_id, user.id, 0),
    )
    return record, token


def _token(
    grant: Grant, kind: TokenKind, epoch: int, row_id: bytes, generation: int, deps: IssueDeps
) -> OpaqueToken:
    if grant.repeat:
        return deps.codec.seeded(kind, epoch, row_id, generation, grant.repeat.seed)
    return OpaqueToken(kind, epoch, row_id, generation, deps.entropy(SECRET_BYTES))


def _blank(
    user: User, row_id: bytes, kind: TokenKind, device_id: bytes, client_id: str, epoch: int, now: int
) -> TokenRecord:
    return TokenRecord(
        id=row_id,
        kind=kind,
        user_id=user.id,
        device_id=device_id,
        client_id=client_id,
        scope="",
        generation=0,
        token_hash=None,
        key_epoch=epoch,
        retry_key_hash=None,
        rotated_at=None,
        created_at=now,
        last_used_at=now,
        auth_time=now,
        acr="",
        amr=(),
        expires_at=now,
        absolute_expires_at=now,
        owner=user,
    )


def _started(session: TokenRecord, caller: Caller, event: EventType) -> SecurityEvent:
    detail = {"amr": " ".join(session.amr), **caller.detail}
    return SecurityEvent(event, session.created_at, session.user_id, session.id, caller.address, detail)


def _new_device(session: TokenRecord, caller: Caller, policy: Policy) -> SecurityEvent:
    """notify: whether the user wants to be told, for who reads the events and can tell them."""
    assert session.device_id is not None
    detail: dict[str, str | int] = {"device_id": text_of(session.device_id), **caller.detail}
    detail["notify"] = int(policy.notify_new_device)
    return replace(
        _started(session, caller, EventType.SESSION_ISSUED), type=EventType.NEW_DEVICE, detail=detail
    )


def _evictions(session: TokenRecord, ended: Sequence[LiveSession]) -> list[SecurityEvent]:
    template = SecurityEvent(EventType.SESSION_EVICTED, session.created_at, session.user_id)
    return [replace(template, session_id=s.id) for s in ended if s.device_id != session.device_id]
