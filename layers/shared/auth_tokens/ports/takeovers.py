"""The Portal's tokens, and the claims on them."""

from typing import Protocol

from auth_tokens.domain.events import SecurityEvent
from auth_tokens.domain.sign_ins import SessionStart
from auth_tokens.domain.takeovers import Claim, LegacyFound, LegacyToken, TakeResult


class Takeovers(Protocol):
    """Both raise Unavailable."""

    def look_up(self, token: LegacyToken) -> LegacyFound:
        """The Portal's rows of a token, its claim, and its row of ours: one SELECT."""

    def take(self, claim: Claim, start: SessionStart) -> TakeResult:
        """End the Portal's row and write the session in its place: all of it or nothing.

        Serialised with what starts or ends sessions of the user. A user whose everything has ended since the session
        began, by whatever way, keeps nothing of it (OVER)."""


class LegacyEnds(Protocol):
    """Both raise Unavailable."""

    def look_up_claimed(self, token: LegacyToken) -> LegacyFound:
        """As Takeovers.look_up, whatever the kind of the token: the row of ours is that of the claim."""

    def end_unclaimed(self, claim: Claim, event: SecurityEvent) -> bool:
        """End the Portal's row, as far as it may be written, and claim its token for no session, with an event. False:
        the row is not as it was read, or another call was first; nothing was written."""


class Digests(Protocol):
    def stored(self, token: str) -> str | bytes:
        """The value that the Portal keeps of a token. Raises Unavailable."""


class MissLimiter(Protocol):
    """Counts in memory: no statement."""

    def admit(self, key: bytes, network: str) -> None:
        """Before a look-up. Raises InvalidGrant for a token that was looked for in vain a moment ago, RateLimited for a
        source of many misses, and for more look-ups than an environment may make."""

    def missed(self, key: bytes, network: str) -> None:
        """Note a token that is not there."""
