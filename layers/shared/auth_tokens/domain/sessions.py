"""What the database knows: users with their preferences, and one record a credential."""

from dataclasses import dataclass

from auth_tokens.domain.tokens import TokenKind

# `acr` of a session that a device token opened.
DEVICE_ACR = "urn:auth-user-tokens:acr:device"


@dataclass(frozen=True, slots=True)
class UserConfig:
    """A user's authentication preferences (table user_config); None = the setting decides. Lifetimes in seconds.

    allowed_modes: comma-separated; unreadable: the names of those whose stored value is not of their type.
    """

    access_ttl_s: int | None = None
    refresh_idle_ttl_s: int | None = None
    refresh_absolute_ttl_s: int | None = None
    session_idle_ttl_s: int | None = None
    session_absolute_ttl_s: int | None = None
    device_idle_ttl_s: int | None = None
    device_absolute_ttl_s: int | None = None
    max_sessions: int | None = None
    session_limit_action: str | None = None
    allowed_modes: str | None = None
    remember_devices: bool | None = None
    notify_new_device: bool | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A Portal user who owns tokens. labels: the AuthUserLabel values, sorted."""

    id: str
    username: str
    is_active: bool
    labels: tuple[str, ...] = ()
    config: UserConfig = UserConfig()


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """One row of auth_user_tokens: a session (refresh or browser) or a device. Instants: epoch seconds.

    token_hash: None for a device that holds no token. owner: None where the Portal has
    deleted the user.
    """

    id: bytes
    kind: TokenKind
    user_id: str
    device_id: bytes | None
    client_id: str
    scope: str
    generation: int
    token_hash: bytes | None
    key_epoch: int
    retry_key_hash: bytes | None
    rotated_at: int | None
    created_at: int
    last_used_at: int
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    expires_at: int
    absolute_expires_at: int
    revoked_at: int | None = None
    revoke_reason: str | None = None
    metadata: bytes | None = None
    owner: User | None = None

    def is_live(self, now: int) -> bool:
        """Not revoked, and before both ends: at the second of an end it is over."""
        return self.revoked_at is None and now < self.expires_at and now < self.absolute_expires_at

    @property
    def is_owned_by_active_user(self) -> bool:
        """False once the Portal has disabled or deleted the user."""
        return self.owner is not None and self.owner.is_active

    def is_in_force(self, now: int) -> bool:
        """Live, and its owner may still use it."""
        return self.is_live(now) and self.is_owned_by_active_user


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session of a user as it counts for the limit of sessions. Instants: epoch seconds."""

    id: bytes
    device_id: bytes | None
    created_at: int
    last_used_at: int


@dataclass(frozen=True, slots=True)
class LiveDevice:
    """A device of a user as it counts for the limit of devices. is_remembered: it holds a token."""

    id: bytes
    is_remembered: bool
    last_used_at: int
