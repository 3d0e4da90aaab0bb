"""What the database knows: users with their preferences, and one record a credential."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auth_tokens.domain.acr import RESTING_ACRS
from auth_tokens.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class UserConfig:
    """A user's authentication preferences (table user_config).

    chosen: preference → its value as stored; one that is not among them is left to the setting (domain.policy has
    them all, with their bounds). unreadable: the names of those whose stored value is not of their type.
    """

    chosen: Mapping[str, int | str] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A Portal user who owns tokens. labels: the AuthUserLabel values, sorted."""

    id: str
    username: str
    is_active: bool
    labels: tuple[str, ...] = ()
    config: UserConfig = UserConfig()
    # When the Portal made the user: microseconds of a clock whose zone is not known, so no instant. None: unknown.
    created_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """One row of auth_user_tokens: a session (refresh or browser) or a device. Instants: epoch seconds. The defaults
    are those of a row without a token.

    token_hash: None for a device that holds no token. owner: None where the Portal has
    deleted the user, also if it has made another one of the same id since. access_expires_at: no access token of a
    session is good from then on; None where it has none or that is not known. jkt: the thumbprint of the key that its
    tokens are bound to (RFC 9449), set once; None: of bearer tokens. read_at: by the database's clock, with
    fractions; None where it was not read by itself.
    """

    id: bytes
    kind: TokenKind
    user_id: str
    device_id: bytes | None
    client_id: str
    scope: str = ""
    generation: int = 0
    token_hash: bytes | None = None
    key_epoch: int = 0
    retry_key_hash: bytes | None = None
    rotated_at: int | None = None
    created_at: int
    last_used_at: int
    auth_time: int
    acr: str = ""
    amr: tuple[str, ...] = ()
    expires_at: int
    absolute_expires_at: int
    revoked_at: int | None = None
    revoke_reason: str | None = None
    metadata: bytes | None = None
    owner: User | None = None
    # The owner's created_us when the row was written; None: not known.
    user_created_us: int | None = None
    access_expires_at: int | None = None
    jkt: str | None = None
    read_at: float | None = field(default=None, compare=False)

    def is_live(self, now: int) -> bool:
        """Not revoked, and before both ends: at the second of an end it is over."""
        return self.revoked_at is None and now < self.expires_at and now < self.absolute_expires_at

    @property
    def began_at(self) -> int:
        """As it counts for an end of everything before an instant."""
        return began_at(self.kind, self.acr, self.created_at, self.auth_time)

    @property
    def active_owner(self) -> User | None:
        """None once the Portal has disabled or deleted the user."""
        return self.owner if self.owner is not None and self.owner.is_active else None

    def owner_in_force(self, now: int) -> User | None:
        """Its owner, if it is live and they may still use it."""
        return self.active_owner if self.is_live(now) else None

    def is_in_force(self, now: int) -> bool:
        """Live, and its owner may still use it."""
        return self.owner_in_force(now) is not None


def began_at(kind: TokenKind, acr: str, created_at: int, auth_time: int) -> int:
    """When a row began. A device began when it was last remembered, a session that a device token opened with that
    device, as it rests on that token, and what was taken over from the Portal with its sign-in there."""
    if acr in RESTING_ACRS:
        return auth_time
    return max(created_at, auth_time) if kind is TokenKind.DEVICE else created_at


@dataclass(frozen=True, slots=True)
class ActiveRow:
    """A row that holds a token and is in force: what domain.rotation.decide proves before it looks at the token.
    owner, token_hash: the record's own, which are there."""

    record: TokenRecord
    owner: User
    token_hash: bytes


_SECOND_US = 1_000_000
# One instant in two zones differs by whole quarters of an hour, from UTC-12 to UTC+14 at most.
_ZONE_STEP_US = 900 * _SECOND_US
_MOST_ZONES_US = 26 * 3600 * _SECOND_US


def is_same_account(then_us: int | None, now_us: int | None) -> bool:
    """Do two readings of a user's creation time stand for one account? If not, the user was created again under an old
    id.

    The same time in another zone is the same account, and so is one that lost its fraction, rounded or cut: a Portal
    may move its column to UTC without signing anybody out. An unknown time is no evidence.
    """
    if then_us is None or now_us is None or then_us == now_us:
        return True
    apart_us = abs(now_us - then_us)
    off_us = min(apart_us % _ZONE_STEP_US, -apart_us % _ZONE_STEP_US)
    is_one_whole = (then_us % _SECOND_US == 0) != (now_us % _SECOND_US == 0)
    slack_us = _SECOND_US - 1 if is_one_whole else 0
    return apart_us <= _MOST_ZONES_US + slack_us and off_us <= slack_us


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
