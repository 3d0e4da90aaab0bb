"""«Everything before T has ended», of one client or of all, in one entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auth_tokens.domain.acr import RESTING_ACRS
from auth_tokens.domain.ids import uuid_time

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.domain.claims import AccessClaims

# For clocks that differ, and a refresh that has read its row just before. A good token that was issued so soon after
# the decision is refused, too, until its client refreshes.
ISSUED_WITHIN_S = 5


@dataclass(frozen=True, slots=True)
class Cutoff:
    """What of a client began at an instant or before has ended. client_id: empty for all clients; decided_at: when that
    was said; both epoch seconds."""

    client_id: str
    before: int
    decided_at: int

    def covers(self, client_id: str, began_at: int) -> bool:
        """Has a session or device ended by this?"""
        return self.client_id in ("", client_id) and began_at <= self.before

    def ends(self, claims: AccessClaims) -> bool:
        """Is an access token refused? Later ones are not of sessions that have ended, as these get none."""
        is_before = claims.iat <= self.decided_at + ISSUED_WITHIN_S
        return is_before and self.covers(claims.client_id, _began_at(claims))


def _began_at(claims: AccessClaims) -> int:
    """A session that a device token opened, or that was taken over, began with what it rests on, as in
    usecases.revoke_user."""
    return claims.auth_time if claims.acr in RESTING_ACRS else uuid_time(claims.session_id)
