"""A census of the tokens: how many sessions and devices are live, and how many refreshes came since the last census.

A refresh leaves no row, but it raises its session's generation by one. The sum of generations, less the sum at the
census before, is therefore the number of refreshes between the two, if both sums are over sessions that could still
refresh when the earlier census began. Sessions that had ended by then add nothing, whether or not cleanup has deleted
them since. Later sessions started at 0. Each row counts from one read of it to the next, so a census may take long.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows, counted. generations: sum over sessions not ended when this census began; generations_then: over
    those not ended when the census before began."""

    tokens: int
    last_id: bytes | None
    sessions: int
    devices: int
    generations: int
    generations_then: int


@dataclass(frozen=True, slots=True)
class Census:
    """A census under way. after: the last row counted; before_…: of the last census, generations None where there was
    none."""

    began_at: int
    before_began_at: int
    before_generations: int | None
    after: bytes = bytes(16)
    sessions: int = 0
    devices: int = 0
    generations: int = 0
    generations_then: int = 0

    def with_slice(self, counted: Slice) -> "Census":
        return replace(
            self,
            after=counted.last_id or self.after,
            sessions=self.sessions + counted.sessions,
            devices=self.devices + counted.devices,
            generations=self.generations + counted.generations,
            generations_then=self.generations_then + counted.generations_then,
        )

    @property
    def refreshes(self) -> int | None:
        """Since the last census; None for the first."""
        if self.before_generations is None:
            return None
        return max(0, self.generations_then - self.before_generations)

    def following(self) -> "Census":
        """The state for the next census, whose began_at is set when it begins."""
        return Census(began_at=0, before_began_at=self.began_at, before_generations=self.generations)
