"""The session that a caller asks for, and the session that is granted."""

from dataclasses import dataclass, field

from auth_tokens.domain.authentication import Authentication
from auth_tokens.domain.policy import Policy
from auth_tokens.domain.sessions import TokenRecord, User
from auth_tokens.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """The device as a request describes it. id: from an earlier answer; remember: a device token is wanted."""

    id: str | None = None
    name: str = ""
    platform: str = ""
    remember: bool = False


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Options of a session. cookie: the session cookie that the browser had until now; jkt: the thumbprint of the key
    that the session is to be bound to, None for a bearer session."""

    kind: TokenKind = TokenKind.REFRESH
    scope: str | None = None
    client_id: str | None = None
    device: DeviceRequest = field(default_factory=DeviceRequest)
    cookie: str | None = field(default=None, repr=False)
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """Makes a start of a session repeatable: id and tokens follow from it. request_hash: of what was asked."""

    session_id: bytes
    seed: bytes = field(repr=False)
    request_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A session as granted, before anything is written. replaces: the session that the browser had until now, perhaps
    another user's; jkt: of the key that it is bound to."""

    user: User
    session_id: bytes
    client_id: str
    scope: str
    kind: TokenKind
    policy: Policy
    how: Authentication
    repeat: RepeatKey | None = None
    replaces: TokenRecord | None = None
    jkt: str | None = None

    def known(self, device: TokenRecord | None) -> TokenRecord | None:
        """The device that the caller named, if it is this client's; else the session gets a new one."""
        return device if device and device.client_id == self.client_id else None

    def ends(self, kind: TokenKind, now: int) -> tuple[int, int]:
        """(idle end, absolute end) of what starts now."""
        idle, absolute = self.policy.lifetimes(kind).ends(now, now)
        if self.how.not_after is not None:
            absolute = min(absolute, self.how.not_after)
        return min(idle, absolute), absolute

    def new_device(self, device_id: bytes, now: int, epoch: int) -> TokenRecord:
        """A device's row of this user and client that holds no token yet, and ends as it begins."""
        return TokenRecord(
            id=device_id,
            kind=TokenKind.DEVICE,
            user_id=self.user.id,
            device_id=device_id,
            client_id=self.client_id,
            key_epoch=epoch,
            created_at=now,
            last_used_at=now,
            auth_time=now,
            expires_at=now,
            absolute_expires_at=now,
            owner=self.user,
            user_created_us=self.user.created_us,
        )
