"""What holds for a user: the settings, overridden by the user's own preferences (UserConfig), within bounds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auth_tokens.domain.bounds import (
    MAX_ACCESS_TTL_S,
    MAX_SESSIONS,
    MAX_TTL_S,
    MIN_ACCESS_TTL_S,
    MIN_TTL_S,
    LimitAction,
)
from auth_tokens.domain.errors import InvalidClient, SessionLimitReached
from auth_tokens.domain.labels import MAX_LABELS_BYTES, carried_labels
from auth_tokens.domain.scopes import permitted_scope
from auth_tokens.domain.sessions import LiveDevice, LiveSession, TokenRecord, User, UserConfig
from auth_tokens.domain.tokens import TokenKind

# A write a minute at the most tells an idle browser session from a busy one well enough.
TOUCH_INTERVAL_S = 60

# Where MAX_DEVICES was lowered, each sign-in forgets at most this many, so that its statement stays under the 16 KB
# that pin RDS Proxy.
_DEVICES_A_SIGN_IN = 100

# A session's kind by the name that callers, settings and preferences know it by.
MODES = {"bearer": TokenKind.REFRESH, "cookie": TokenKind.SESSION}


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Of one kind: idle timeout and absolute lifetime, in seconds."""

    idle_ttl_s: int
    absolute_ttl_s: int

    def ends(self, created_at: int, now: int) -> tuple[int, int]:
        """(idle end, absolute end) after a use at `now`; the idle end never passes the absolute one."""
        absolute = created_at + self.absolute_ttl_s
        return min(now + self.idle_ttl_s, absolute), absolute


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one user, or, as the settings give it, for users without preferences.

    clients: client_id → its scope, the first is the default; label_scopes: label → the scopes that need it;
    labels_max_bytes: how much of a user's labels tokens and sessions carry; out_of_bounds: the preferences that could
    not be taken as they are stored, and were clamped or left to the setting.
    """

    access_ttl_s: int
    refresh: Lifetimes
    session: Lifetimes
    device: Lifetimes
    max_sessions: int
    retry_window_s: int
    max_devices: int = 100
    limit_action: LimitAction = LimitAction.EVICT_LEAST_RECENTLY_USED
    allowed_kinds: frozenset[TokenKind] = frozenset(MODES.values())
    remember_devices: bool = True
    notify_new_device: bool = True
    clients: Mapping[str, str] = field(default_factory=dict)
    label_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    labels_max_bytes: int = MAX_LABELS_BYTES
    out_of_bounds: tuple[str, ...] = ()

    def lifetimes(self, kind: TokenKind) -> Lifetimes:
        """The lifetimes of an opaque kind."""
        by_kind = {
            TokenKind.REFRESH: self.refresh,
            TokenKind.SESSION: self.session,
            TokenKind.DEVICE: self.device,
        }
        return by_kind[kind]

    def scope_for(self, scope: str, labels: Iterable[str]) -> str:
        """What of a scope a user with these labels may have now."""
        return permitted_scope(scope, labels, self.label_scopes)

    def carried_labels(self, owner: User | None) -> tuple[str, ...]:
        """The labels of a user that tokens and sessions carry."""
        return carried_labels(owner.labels, self.labels_max_bytes) if owner else ()

    def known_client(self, client_id: str | None) -> str | None:
        """The client that a request names, if it names one. Raises InvalidClient for one that is none of ours."""
        if client_id is not None and client_id not in self.clients:
            raise InvalidClient()
        return client_id

    def scope_left(self, granted: str, record: TokenRecord) -> str:
        """What of a scope that was granted in a session its client and its user may still have."""
        allowed = self.clients.get(record.client_id, "").split()
        kept = " ".join(token for token in granted.split() if token in allowed)
        return self.scope_for(kept, record.owner.labels if record.owner else ())

    def owner_in_force(self, record: TokenRecord, now: int) -> User | None:
        """The owner of a row that is live and of a client that is still one of ours, if they may still use it."""
        return record.owner_in_force(now) if record.client_id in self.clients else None

    def is_in_force(self, record: TokenRecord, now: int) -> bool:
        """Live, of a client that is still one of ours, and its owner may still use it."""
        return self.owner_in_force(record, now) is not None

    def for_user(self, config: UserConfig) -> "Policy":
        """This policy with a user's preferences laid over it, each within its bounds."""
        chosen = _Preferences(config)
        return replace(
            self,
            access_ttl_s=chosen.whole("access_ttl_s", self.access_ttl_s, MIN_ACCESS_TTL_S, MAX_ACCESS_TTL_S),
            refresh=chosen.lifetimes("refresh", self.refresh),
            session=chosen.lifetimes("session", self.session),
            device=chosen.lifetimes("device", self.device),
            max_sessions=chosen.whole("max_sessions", self.max_sessions, 1, MAX_SESSIONS),
            limit_action=chosen.limit_action(self.limit_action),
            allowed_kinds=chosen.kinds(self.allowed_kinds),
            remember_devices=chosen.flag("remember_devices", self.remember_devices),
            notify_new_device=chosen.flag("notify_new_device", self.notify_new_device),
            out_of_bounds=tuple(chosen.out_of_bounds),
        )


def sessions_to_evict(live: Sequence[LiveSession], policy: Policy) -> list[LiveSession]:
    """Those of a user's live sessions that end so that one more is within the limit. Raises SessionLimitReached where
    the policy refuses the sign-in instead."""
    surplus = len(live) + 1 - policy.max_sessions
    if surplus <= 0:
        return []
    if policy.limit_action is LimitAction.DENY:
        raise SessionLimitReached()
    if policy.limit_action is LimitAction.EVICT_OLDEST:
        return sorted(live, key=lambda session: (session.created_at, session.id))[:surplus]
    return sorted(live, key=lambda session: (session.last_used_at, session.id))[:surplus]


def devices_to_evict(
    live: Sequence[LiveDevice], in_use: Collection[bytes | None], policy: Policy
) -> list[LiveDevice]:
    """Those of a user's live devices that are forgotten so that one more is within the limit: first those without a
    token, the least recently used first. in_use: ids of the devices that keep a live session; they stay in any case."""
    surplus = min(max(0, len(live) + 1 - policy.max_devices), _DEVICES_A_SIGN_IN)
    idle = [device for device in live if device.id not in in_use]
    return sorted(idle, key=lambda device: (device.is_remembered, device.last_used_at, device.id))[:surplus]


def kinds_of(modes: str) -> frozenset[TokenKind] | None:
    """The kinds of a comma-separated list of modes; None for a list that is empty or names another."""
    names = [name.strip() for name in modes.split(",")]
    return frozenset(MODES[name] for name in names) if all(name in MODES for name in names) else None


class _Preferences:
    """Takes preferences one by one, and notes those that are out of bounds."""

    def __init__(self, config: UserConfig) -> None:
        self._config = config
        self.out_of_bounds = list(config.unreadable)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value: int | None = getattr(self._config, name)
        if value is None:
            return default
        if not low <= value <= high:
            self.out_of_bounds.append(name)
        return max(low, min(value, high))

    def lifetimes(self, kind: str, default: Lifetimes) -> Lifetimes:
        return Lifetimes(
            self.whole(f"{kind}_idle_ttl_s", default.idle_ttl_s, MIN_TTL_S, MAX_TTL_S),
            self.whole(f"{kind}_absolute_ttl_s", default.absolute_ttl_s, MIN_TTL_S, MAX_TTL_S),
        )

    def flag(self, name: str, default: bool) -> bool:
        value = getattr(self._config, name)
        return default if value is None else bool(value)

    def limit_action(self, default: LimitAction) -> LimitAction:
        name = self._config.session_limit_action
        if name is None:
            return default
        try:
            return LimitAction(name)
        except ValueError:
            self.out_of_bounds.append("session_limit_action")
            return default

    def kinds(self, default: frozenset[TokenKind]) -> frozenset[TokenKind]:
        modes = self._config.allowed_modes
        kinds = kinds_of(modes) if modes is not None else default
        if kinds is None:
            self.out_of_bounds.append("allowed_modes")
            return default
        return kinds
