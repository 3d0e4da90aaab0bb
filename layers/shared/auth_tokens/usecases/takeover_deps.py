"""Dependencies of what is done with the Portal's tokens, which the composition root fills, and what a call has."""

from dataclasses import dataclass

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.ids import uuid7
from auth_tokens.domain.legacy_tokens import LegacyTokens
from auth_tokens.domain.takeovers import LegacyToken
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.ports.keys import Keys
from auth_tokens.ports.limits import Limiter
from auth_tokens.ports.takeovers import Digests, LegacyEnds, MissLimiter, Takeovers
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.session_deps import SessionDeps

# 2026-01-01, the time in the ids of all that is taken over: the same token has the same ids, whatever the mapping's
# dates become. The 74 random bits alone tell them apart.
_IDS_AT_MS = 1_767_225_600_000


@dataclass(frozen=True, slots=True)
class TakeoverDeps:
    """issuing: what a session of ours is made with."""

    issuing: IssueDeps
    legacy: LegacyTokens
    takeovers: Takeovers
    digests: Digests
    misses: MissLimiter

    def token(self, text: str, kind: TokenKind) -> LegacyToken:
        """As legacy_token."""
        return legacy_token(text, kind, self.issuing.keys, self.digests)


@dataclass(frozen=True, slots=True)
class LegacyEndDeps:
    """To end tokens of the Portal, and what they became. presentations: counts without a statement."""

    sessions: SessionDeps
    legacy: LegacyTokens
    ends: LegacyEnds
    digests: Digests
    misses: MissLimiter
    presentations: Limiter


def legacy_token(text: str, kind: TokenKind, keys: Keys, digests: Digests) -> LegacyToken:
    """A presented text, with all that follows from it: the same however often it is presented. Raises Unavailable."""
    return LegacyToken(
        key=keys.pseudonym("takeover", text),
        stored=digests.stored(text),
        session_id=uuid7(_IDS_AT_MS, keys.pseudonym("takeover-session", text)[:10]),
        device_id=uuid7(_IDS_AT_MS, keys.pseudonym("takeover-device", text)[:10]),
        kind=kind,
        seed=b"takeover\0" + text.encode(),
    )


@dataclass(frozen=True, slots=True)
class LegacyPresentation:
    """A token of the Portal, the session wanted for it, and its caller. is_again: this call has read before, and lost
    to another one."""

    token: LegacyToken
    options: SessionOptions
    caller: Caller
    deps: TakeoverDeps
    is_again: bool = False
