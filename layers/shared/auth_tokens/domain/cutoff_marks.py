"""Rows that a cut-off covers are marked as revoked later, in batches."""

from dataclasses import dataclass

from auth_tokens.domain.bounds import CLOCKS_DIFFER_S, MAX_ACCESS_TTL_S
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.ids import MAX_UUID

# Rows are marked with the instant of the decision. Authorizers that look back over the rows (REVOCATION_FEED=both) look
# this far: marked sooner, a large cut-off would be read by each of them, row by row.
MARKED_AFTER_S = MAX_ACCESS_TTL_S + 2 * CLOCKS_DIFFER_S


@dataclass(frozen=True, slots=True)
class MarkedCutoff:
    """marked_to: rows up to this id have been marked."""

    cutoff: Cutoff
    marked_to: bytes

    @property
    def is_marked(self) -> bool:
        """Have all of its rows been marked?"""
        return self.marked_to == MAX_UUID
