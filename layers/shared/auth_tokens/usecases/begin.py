"""The start of a session, however the user was recognised: password, trusted backend or device."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import AccessDenied
from auth_tokens.domain.events import EventType, RevokeReason, SecurityEvent
from auth_tokens.domain.ids import has_a_path, id_from, text_of
from auth_tokens.domain.policy import Policy, devices_giving_way, giving_way
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User
from auth_tokens.domain.sign_ins import Account, EndedRows, SessionStart, SignIn, Standing
from auth_tokens.domain.tokens import SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.usecases.answers import TokenAnswer, token_answer
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.metadata import Metadata, metadata_of
from auth_tokens.usecases.replaced_session import replaced_session


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a caller says of its device. id: as an earlier answer named it; remember: wants a device token."""

    id: str | None = None
    name: str = ""
    platform: str = ""
    remember: bool = False


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a caller may choose of its session. cookie: the session's that the browser had until now."""

    kind: TokenKind = TokenKind.REFRESH
    scope: str | None = None
    client_id: str | None = None
    device: DeviceRequest = field(default_factory=DeviceRequest)
    cookie: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when the user was recognised (RFC 8176, RFC 9068 §2.2.1). password_hash: the very one that a password
    was verified by, None where none was."""

    amr: tuple[str, ...]
    acr: str
    auth_time: int
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """Makes a start of a session repeatable: id and tokens follow from it. request_hash: of what was asked."""

    session_id: bytes
    seed: bytes = field(repr=False)
    request_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a session will be: decided before anything is written. replaces: the session that the browser had until
    now, perhaps another user's."""

    user: User
    client_id: str
    scope: str
    kind: TokenKind
    policy: Policy
    how: Authentication
    repeat: RepeatKey | None = None
    replaces: TokenRecord | None = None


def grant_for(
    user: User,
    options: SessionOptions,
    how: Authentication,
    deps: IssueDeps,
    *,
    within: str | None = None,
    repeat: RepeatKey | None = None,
) -> Grant:
    """What of the wishes this user may have. within: what is left of a scope that was granted before and is not to
    grow; None: the client's scope.

    Raises InvalidClient, InvalidScope (also for a scope that the user lacks the label for), AccessDenied
    (a mode that the user's preferences do not allow; an id that no token can carry and no route can name).
    """
    if not has_a_path(user.id):
        raise AccessDenied("the user's id is not one to issue tokens for")
    client_id = deps.client(options.client_id)
    policy = deps.policy_for(user)
    if options.kind not in policy.allowed_kinds:
        raise AccessDenied("mode not allowed for this user")
    allowed = policy.scope_for(policy.clients[client_id], user.labels) if within is None else within
    scope = granted_scope(options.scope, allowed)
    deps.report_labels(user, policy)
    return Grant(user, client_id, scope, options.kind, policy, how, repeat)


def begin_session(
    account: Account,
    options: SessionOptions,
    how: Authentication,
    caller: Caller,
    deps: IssueDeps,
    now: int,
    *,
    repeat: RepeatKey | None = None,
) -> TokenAnswer | None:
    """Start a session for a recognised user; one transaction, then one signature.

    None: by this `repeat`, another call has started it meanwhile.
    Raises as grant_for does, SessionLimitReached and SignInOvertaken (nothing written), Unavailable.
    """
    user = account.user
    grant = grant_for(user, options, how, deps, repeat=repeat)
    grant = replace(grant, replaces=replaced_session(options.cookie, caller, deps, now))
    session_id = repeat.session_id if repeat else deps.new_id()
    new_device_id = deps.new_id()
    # Made before the transaction: a key that this environment lacks yet comes from KMS and the store, and neither
    # is asked while the user's other sign-ins wait.
    session, token = new_session(grant, session_id, new_device_id, caller, deps, now)

    def plan(standing: Standing) -> SessionStart:
        known = _known(standing.device, grant)
        device, device_token = _device(grant, options.device, known or new_device_id, caller, deps, now)
        placed = replace(session, device_id=device.id)
        ending = making_room(device.id, standing, grant)
        events = start_events(placed, ending, grant, caller)
        if known is None:
            events.append(_new_device(placed, caller, grant.policy))
        return SessionStart(placed, device, ended_for(grant, ending), events, token, device_token)

    named = id_from(options.device.id) if options.device.id else None
    sign_in = SignIn(user.id, session_id, named, now, account.stop_number, how.password_hash, user.created_us)
    start = deps.store.start_session(sign_in, plan)
    return answer_of(start, deps, now) if start else None


def making_room(device_id: bytes, standing: Standing, grant: Grant) -> Sequence[LiveSession | LiveDevice]:
    """What of the user's ends for a new session on a device: the device's sessions and the browser's, then as many
    others as the limit wants; and, if the device is new, as many devices. Raises SessionLimitReached."""
    policy = grant.policy
    replaced = [
        session
        for session in standing.sessions
        if session.device_id == device_id or _is_the_browser_s(session, grant)
    ]
    others = [session for session in standing.sessions if session not in replaced]
    evicted = giving_way(others, policy)
    in_use = {session.device_id for session in others if session not in evicted}
    is_known = any(device.id == device_id for device in standing.devices)
    forgotten = [] if is_known else devices_giving_way(standing.devices, in_use, policy)
    return [*replaced, *evicted, *forgotten]


def ended_for(grant: Grant, ending: Sequence[LiveSession | LiveDevice]) -> EndedRows:
    """The rows that end for a new session: what made room, and the browser's session, whoever's it is."""
    return EndedRows([row.id for row in ending], grant.replaces.id if grant.replaces else None)


def start_events(
    session: TokenRecord, ending: Sequence[LiveSession | LiveDevice], grant: Grant, caller: Caller
) -> list[SecurityEvent]:
    """The new session's own event, and one for each session or device that gave way to it, and for the browser's; a
    session that it replaces on its device has none."""
    kind = EventType.SESSION_ISSUED if grant.how.password_hash is None else EventType.LOGIN_SUCCEEDED
    on_other_devices = [row for row in ending if not _is_replaced(row, session)]
    gave_way = [row for row in on_other_devices if not _is_the_browser_s(row, grant)]
    events = [_started(session, caller, kind), *(_evicted(row, session) for row in gave_way)]
    if grant.replaces and (len(gave_way) < len(on_other_devices) or grant.replaces.user_id != grant.user.id):
        events.append(_left(grant.replaces, session, caller))
    return events


def answer_of(start: SessionStart, deps: IssueDeps, now: int) -> TokenAnswer:
    """The tokens of a session that has been committed."""
    device_token = deps.codec.encode(start.device_token) if start.device_token else None
    scope = start.session.scope
    return token_answer(start.session, start.token, deps, scope=scope, now=now, device_token=device_token)


def _known(device: TokenRecord | None, grant: Grant) -> TokenRecord | None:
    """The device that the caller named, if it is this client's; else the session gets a new one."""
    return device if device and device.client_id == grant.client_id else None


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
        user_created_us=user.created_us,
    )
    if not is_remembered:
        return device, None
    token = _token(grant, TokenKind.DEVICE, epoch, device.id, generation, deps)
    remembered = replace(
        device,
        generation=generation,
        key_epoch=epoch,
        token_hash=deps.codec.store_hash(token),
        scope=grant.scope,
        auth_time=grant.how.auth_time,
        # A token that this one replaces is spent now, by the clock again, as this sign-in may have waited for others;
        # nobody can derive this one from it.
        rotated_at=deps.clock() if device.token_hash else None,
        retry_key_hash=None,
    )
    return remembered, token


def new_session(
    grant: Grant, session_id: bytes, device_id: bytes, caller: Caller, deps: IssueDeps, now: int
) -> tuple[TokenRecord, OpaqueToken]:
    """The row of a session that is yet to be written, and its first token."""
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
        user_created_us=user.created_us,
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


def _is_replaced(row: LiveSession | LiveDevice, session: TokenRecord) -> bool:
    return isinstance(row, LiveSession) and row.device_id == session.device_id


def _is_the_browser_s(row: LiveSession | LiveDevice, grant: Grant) -> bool:
    return grant.replaces is not None and row.id == grant.replaces.id


def _left(replaced: TokenRecord, session: TokenRecord, caller: Caller) -> SecurityEvent:
    """The event of a session whose browser has signed in anew; it is its own user's."""
    detail: dict[str, str | int] = {"reason": RevokeReason.REPLACED.value}
    return SecurityEvent(
        EventType.SESSION_REVOKED, session.created_at, replaced.user_id, replaced.id, caller.address, detail
    )


def _evicted(row: LiveSession | LiveDevice, session: TokenRecord) -> SecurityEvent:
    if isinstance(row, LiveSession):
        return SecurityEvent(EventType.SESSION_EVICTED, session.created_at, session.user_id, row.id)
    detail: dict[str, str | int] = {"reason": RevokeReason.EVICTED.value}
    return SecurityEvent(EventType.DEVICE_REVOKED, session.created_at, session.user_id, detail=detail)
