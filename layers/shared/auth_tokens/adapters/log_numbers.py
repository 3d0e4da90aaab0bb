"""Which numbers of the revocation log have been read. Numbers are given out in order, and committed in any."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from collections.abc import Sequence

from auth_tokens.domain.bounds import SETTLED_AFTER_S

# Below the first number that is there, numbers may be missing as well. Those of transactions that are open are next to
# it, as whatever was committed within the last minute is there.
FIRST_GAP = 100


class _Gap(NamedTuple):
    """Numbers from first to last are missing. later_at: when a later one was written, by the database's clock."""

    first: int
    last: int
    later_at: int


class LogNumbers:
    """The highest number seen, and the gaps below it that are not settled."""

    def __init__(self) -> None:
        self.top: int | None = None
        self._gaps: list[_Gap] = []

    def see(self, numbers: Sequence[int], written_at: int) -> None:
        """Numbers that were read, ascending. written_at: epoch seconds of the database, of the latest of them."""
        if self.top is not None and numbers[0] == self.top + 1 and numbers[-1] == self.top + len(numbers):
            self.top = numbers[-1]
            return
        for number in numbers:
            if self.top is None:
                self.top = max(0, number - FIRST_GAP - 1)
            if number > self.top:
                if number > self.top + 1:
                    self._gaps.append(_Gap(self.top + 1, number - 1, written_at))
                self.top = number
            elif self._gaps:
                self._fill(number)

    def settle(self, now_s: int) -> None:
        """Give up what is missing for too long. now_s: by the clock of the database."""
        self._gaps = [gap for gap in self._gaps if now_s - gap.later_at <= SETTLED_AFTER_S]

    def missing(self, limit: int) -> list[int] | None:
        """The missing numbers; None where there are more than `limit`."""
        if sum(gap.last - gap.first + 1 for gap in self._gaps) > limit:
            return None
        return [number for gap in self._gaps for number in range(gap.first, gap.last + 1)]

    @property
    def lowest_missing(self) -> int | None:
        return min((gap.first for gap in self._gaps), default=None)

    def _fill(self, number: int) -> None:
        for index, gap in enumerate(self._gaps):
            if gap.first <= number <= gap.last:
                parts = [gap._replace(last=number - 1), gap._replace(first=number + 1)]
                self._gaps[index : index + 1] = [part for part in parts if part.first <= part.last]
                return
