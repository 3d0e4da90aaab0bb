"""The start of a session, however the user was recognised: password, trusted backend or device."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from auth_tokens.domain.events import EventType, SecurityEvent
from auth_tokens.domain.ids import id_from
from auth_tokens.domain.limits import LOGIN_PER_ACCOUNT
from auth_tokens.domain.scopes import granted_scope
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.tokens import SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.domain.usernames import canonical_username
from auth_tokens.usecases.answers import TokenAnswer, token_answer
from auth_tokens.usecases.deps import IssueDeps
from auth_tokens.usecases.metadata import Metadata, metadata_of
from auth_tokens.usecases.ports import Caller, Rotation, SessionStart


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
class DeviceUse:
    """A session opened by a device token: the device's row, the token that follows the one shown, and
    the write that makes it current (None: a repeated call, it is current already)."""

    record: TokenRecord
    successor: OpaqueToken
    rotation: Rotation | None


def begin_session(
    user: User,
    options: SessionOptions,
    how: Authentication,
    caller: Caller,
    deps: IssueDeps,
    now: int,
    *,
    event: EventType,
    used: DeviceUse | None = None,
) -> TokenAnswer | None:
    """Start a session for a recognised user; one transaction, then one signature.

    None: the device token of `used` was spent by someone else meanwhile, look again.
    Raises UnauthorizedClient, InvalidScope (nothing written), Unavailable.
    """
    client_id = deps.client(options.client_id)
    scope = granted_scope(options.scope, deps.clients[client_id])
    known = used.record if used else _known_device(user, client_id, options.device, deps, now)
    device: TokenRecord
    device_token: OpaqueToken | None
    if used:
        device, device_token = used.record, used.successor
    else:
        device, device_token = _device(user, client_id, options.device, known, caller, deps, now)
    session, token = _session(user, client_id, scope, options.kind, how, device.id, caller, deps, now)
    start = SessionStart(
        session=session,
        device=None if used else device,
        replaces=known is not None,
        max_sessions=deps.policy.for_user(user.config).max_sessions,
        account_bucket=deps.limiter.bucket(LOGIN_PER_ACCOUNT, canonical_username(user.username)),
        events=_events(session, known, caller, event),
        used_device=(used.record, used.rotation) if used else None,
    )
    if not deps.store.start_session(start):
        return None
    text = deps.codec.encode(device_token) if device_token else None
    return token_answer(session, token, deps, scope=scope, now=now, device_token=text)


def _known_device(
    user: User, client_id: str, wanted: DeviceRequest, deps: IssueDeps, now: int
) -> TokenRecord | None:
    """The device that the caller names, if it is this user's and client's; else it gets a new one."""
    device_id = id_from(wanted.id) if wanted.id else None
    record = deps.store.load(device_id) if device_id else None
    if record is None or record.kind is not TokenKind.DEVICE or not record.is_live(now):
        return None
    return record if (record.user_id, record.client_id) == (user.id, client_id) else None


def _device(
    user: User,
    client_id: str,
    wanted: DeviceRequest,
    known: TokenRecord | None,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> tuple[TokenRecord, OpaqueToken | None]:
    lifetimes = deps.policy.for_user(user.config).device
    device_id = known.id if known else deps.new_id()
    expires_at, absolute_expires_at = lifetimes.ends(now, now)
    before = metadata_of(known, deps.cipher) if known else Metadata()
    named = Metadata(name=wanted.name or before.name, platform=wanted.platform or before.platform)
    metadata = named.seen_at(caller).sealed(deps.cipher, device_id, user.id)
    if known is None:
        epoch = deps.keys.chain_epoch()
        known = _blank(user, device_id, TokenKind.DEVICE, device_id, client_id, epoch, now)
    device = replace(
        known,
        last_used_at=now,
        expires_at=expires_at,
        absolute_expires_at=absolute_expires_at,
        metadata=metadata,
    )
    if not wanted.remember:
        return device, None
    generation = device.generation + 1 if device.token_hash else device.generation
    epoch = deps.keys.chain_epoch()
    token = OpaqueToken(TokenKind.DEVICE, epoch, device_id, generation, deps.entropy(SECRET_BYTES))
    spent = replace(
        device,
        generation=generation,
        key_epoch=epoch,
        token_hash=deps.codec.store_hash(token),
        rotated_at=None,
        retry_key_hash=None,
    )
    return spent, token


def _session(
    user: User,
    client_id: str,
    scope: str,
    kind: TokenKind,
    how: Authentication,
    device_id: bytes,
    caller: Caller,
    deps: IssueDeps,
    now: int,
) -> tuple[TokenRecord, OpaqueToken]:
    session_id = deps.new_id()
    epoch = deps.keys.chain_epoch()
    token = OpaqueToken(kind, epoch, session_id, 0, deps.entropy(SECRET_BYTES))
    expires_at, absolute_expires_at = deps.policy.for_user(user.config).lifetimes(kind).ends(now, now)
    record = replace(
        _blank(user, session_id, kind, device_id, client_id, epoch, now),
        scope=scope,
        token_hash=deps.codec.store_hash(token),
        auth_time=how.auth_time,
        acr=how.acr,
        amr=how.amr,
        expires_at=expires_at,
        absolute_expires_at=absolute_expires_at,
        metadata=Metadata().seen_at(caller).sealed(deps.cipher, session_id, user.id),
    )
    return record, token


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


def _events(
    session: TokenRecord, known: TokenRecord | None, caller: Caller, event: EventType
) -> Sequence[SecurityEvent]:
    started = SecurityEvent(
        event, session.created_at, session.user_id, session.id, caller.address, {"amr": " ".join(session.amr)}
    )
    if known is not None:
        return [started]
    return [started, replace(started, type=EventType.NEW_DEVICE, detail={})]
