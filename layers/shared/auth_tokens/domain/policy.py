"""What holds for a user: the settings, overridden by the user's own preferences (UserConfig), within bounds."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from auth_tokens.domain.acr import ACR_ORDER
from auth_tokens.domain.bounds import (
    MAX_ACCESS_TTL_S,
    MAX_SESSIONS,
    MAX_TTL_S,
    MIN_ACCESS_TTL_S,
    MIN_TTL_S,
    LimitAction,
)
from auth_tokens.domain.errors import InvalidClient, InvalidGrant, InvalidProof, SessionLimitReached
from auth_tokens.domain.labels import carried_labels
from auth_tokens.domain.rotation import MAX_UNDER_WAY_S
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


class Preference:
    """What a user may choose: how the column of user_config becomes the policy's field of its name.

    column: the type of a value there; bounds: a number beyond them is clamped; value_of: what holds for a stored
    value, or for that of the setting; None where it names nothing known, and the setting is left to decide.
    """

    def __init__(
        self,
        column: type[int | str],
        value_of: Callable[[Any], Any],
        bounds: tuple[int, int] | None = None,
    ) -> None:
        self.column = column
        self.value_of = value_of
        self.bounds = bounds

    def is_in_bounds(self, stored: int | str) -> bool:
        """Whether what holds is what is stored."""
        value = self.value_of(stored)
        return value is not None and (self.bounds is None or value == stored)


def number(least: int, most: int) -> Preference:
    """A whole number within bounds, both included."""
    return Preference(int, lambda stored: max(least, min(stored, most)), (least, most))


def kinds_of(modes: str) -> frozenset[TokenKind] | None:
    """The kinds of a comma-separated list of modes; None for a list that is empty or names another."""
    names = [name.strip() for name in modes.split(",")]
    return frozenset(MODES[name] for name in names) if all(name in MODES for name in names) else None


def _limit_action(name: str) -> LimitAction | None:
    return next((action for action in LimitAction if action.value == name), None)


LIMIT_ACTION = Preference(str, _limit_action)
KINDS = Preference(str, kinds_of)
# A setting says yes or no, a column 1 or 0.
FLAG = Preference(bool, lambda stored: stored in (True, "yes"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one user, or, as the settings give it, for users without preferences. One line a preference.

    clients: client_id → its scope, the first is the default; label_scopes: label → the scopes that need it;
    labels_max_bytes: how much of a user's labels tokens and sessions carry; acr_order: classes of authentication, from
    the weakest to the strongest; bound_clients: those that get no token without a proof of a key; binds_keys: whether
    new sessions are bound to the keys of proofs; out_of_bounds: the preferences that could not be taken as they are
    stored, and were clamped or left to the setting.
    """

    access_ttl_s: Annotated[int, number(MIN_ACCESS_TTL_S, MAX_ACCESS_TTL_S)]
    refresh_idle_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    refresh_absolute_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    session_idle_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    session_absolute_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    device_idle_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    device_absolute_ttl_s: Annotated[int, number(MIN_TTL_S, MAX_TTL_S)]
    max_sessions: Annotated[int, number(1, MAX_SESSIONS)]
    session_limit_action: Annotated[LimitAction, LIMIT_ACTION]
    allowed_modes: Annotated[frozenset[TokenKind], KINDS]
    remember_devices: Annotated[bool, FLAG]
    notify_new_device: Annotated[bool, FLAG]
    max_devices: int
    retry_window_s: int
    clients: Mapping[str, str]
    label_scopes: Mapping[str, frozenset[str]]
    labels_max_bytes: int
    acr_order: tuple[str, ...] = ACR_ORDER
    bound_clients: frozenset[str] = frozenset()
    binds_keys: bool = True
    out_of_bounds: tuple[str, ...] = ()

    def lifetimes(self, kind: TokenKind) -> Lifetimes:
        """The lifetimes of an opaque kind."""
        if kind is TokenKind.REFRESH:
            return Lifetimes(self.refresh_idle_ttl_s, self.refresh_absolute_ttl_s)
        if kind is TokenKind.SESSION:
            return Lifetimes(self.session_idle_ttl_s, self.session_absolute_ttl_s)
        return Lifetimes(self.device_idle_ttl_s, self.device_absolute_ttl_s)

    def access_expires_at(self, kind: TokenKind, at: int) -> int | None:
        """The end of all access tokens of a session that starts or is rotated at an instant, also of those that a
        retry within the window gets, which writes nothing. None where it has none."""
        if kind is not TokenKind.REFRESH:
            return None
        return at + self.access_ttl_s + self.retry_window_s + MAX_UNDER_WAY_S

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

    def check_binding(self, client_id: str, jkt: str | None) -> None:
        """jkt: of the key that a client's session is to be bound to. Raises InvalidProof where there has to be one."""
        if jkt is None and client_id in self.bound_clients:
            raise InvalidProof("none, and the client needs one")

    def check_still_bound(self, record: TokenRecord) -> None:
        """Raises InvalidGrant for a session that began without a key, of a client that has to have one now."""
        if record.jkt is None and record.client_id in self.bound_clients:
            raise InvalidGrant("bound to no key")

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
        if not (config.chosen or config.unreadable):
            return self
        stored = {name: config.chosen[name] for name in PREFERENCES if name in config.chosen}
        values = {name: PREFERENCES[name].value_of(value) for name, value in stored.items()}
        refused = [name for name, value in stored.items() if not PREFERENCES[name].is_in_bounds(value)]
        return replace(
            self,
            **{name: value for name, value in values.items() if value is not None},
            out_of_bounds=(*config.unreadable, *refused),
        )


PREFERENCES: Mapping[str, Preference] = {
    name: hint.__metadata__[0]
    for name, hint in Policy.__annotations__.items()
    if hasattr(hint, "__metadata__")
}


def sessions_to_evict(live: Sequence[LiveSession], policy: Policy) -> list[LiveSession]:
    """Those of a user's live sessions that end so that one more is within the limit. Raises SessionLimitReached where
    the policy refuses the sign-in instead."""
    surplus = len(live) + 1 - policy.max_sessions
    if surplus <= 0:
        return []
    if policy.session_limit_action is LimitAction.DENY:
        raise SessionLimitReached()
    if policy.session_limit_action is LimitAction.EVICT_OLDEST:
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
