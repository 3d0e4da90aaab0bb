"""Lifetimes and limits: the settings, overridden by a user's UserConfig, within bounds."""

from dataclasses import dataclass, replace

from auth_tokens.domain.sessions import UserConfig
from auth_tokens.domain.tokens import TokenKind

# An access token outlives its user's rights by its lifetime, and the revocation feed
# remembers a revocation for as long: an hour bounds both.
MAX_ACCESS_TTL_S = 3600
MIN_ACCESS_TTL_S = 30
MIN_TTL_S = 60
MAX_TTL_S = 400 * 86400
MAX_RETRY_WINDOW_S = 60


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
    """What holds for one user."""

    access_ttl_s: int
    refresh: Lifetimes
    session: Lifetimes
    device: Lifetimes
    max_sessions: int
    retry_window_s: int

    def lifetimes(self, kind: TokenKind) -> Lifetimes:
        """The lifetimes of an opaque kind."""
        by_kind = {
            TokenKind.REFRESH: self.refresh,
            TokenKind.SESSION: self.session,
            TokenKind.DEVICE: self.device,
        }
        return by_kind[kind]

    def for_user(self, config: UserConfig) -> "Policy":
        """This policy with a user's preferences laid over it, each clamped to its bounds."""
        return replace(
            self,
            access_ttl_s=_clamped(config.access_ttl_s, self.access_ttl_s, MIN_ACCESS_TTL_S, MAX_ACCESS_TTL_S),
            refresh=_overlaid(self.refresh, config.refresh_idle_ttl_s, config.refresh_absolute_ttl_s),
            session=_overlaid(self.session, config.session_idle_ttl_s, config.session_absolute_ttl_s),
            device=_overlaid(self.device, config.device_idle_ttl_s, config.device_absolute_ttl_s),
            max_sessions=_clamped(config.max_sessions, self.max_sessions, 1, 1000),
        )


def _overlaid(default: Lifetimes, idle: int | None, absolute: int | None) -> Lifetimes:
    return Lifetimes(
        _clamped(idle, default.idle_ttl_s, MIN_TTL_S, MAX_TTL_S),
        _clamped(absolute, default.absolute_ttl_s, MIN_TTL_S, MAX_TTL_S),
    )


def _clamped(value: int | None, default: int, low: int, high: int) -> int:
    return default if value is None else max(low, min(value, high))
