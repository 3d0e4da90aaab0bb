"""Validation of access tokens against the revocation feed, for the authorizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth_tokens.domain.errors import InvalidAccessToken

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from auth_tokens.domain.claims import AccessClaims
    from auth_tokens.ports.tokens import RevocationFeed


class TokensByFeed:
    """Port ports.validation.TokensInForce: no SELECT of its own."""

    def __init__(self, feed: RevocationFeed) -> None:
        self.feed = feed

    def in_force(self, claims: AccessClaims, text: str, now: int) -> AccessClaims:
        if self.feed.is_revoked(claims.session_id, claims.token_id):
            raise InvalidAccessToken("revoked")
        for cutoff in self.feed.cutoffs():  # mostly none
            if cutoff.ends(claims):
                raise InvalidAccessToken("cut off")
        return claims
