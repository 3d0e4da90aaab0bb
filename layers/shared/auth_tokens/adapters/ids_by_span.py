"""A compact set of ids that are dropped once no access token of them can be good: 8 bytes each."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left

# Ids are dropped together with those of the same span of time. Shorter spans drop earlier, longer ones are fewer to
# look into.
SPAN_S = 300
# So many new ids are kept in a set before they are sorted in: it is nine times as large as the array.
_UNSORTED = 4096


class IdsBySpan:
    """Knows a session or access token by the last 8 bytes of its id: 62 of a UUIDv7's random bits, chosen by this
    service, not by a caller.

    With 1,000,000 ids, one in 4.6e12 other ids is mistaken for one of them. That refuses a good token; it never accepts
    a revoked one.
    """

    def __init__(self) -> None:
        self._spans: dict[int, _Span] = {}

    def __len__(self) -> int:
        return sum(len(span.unsorted) + len(span.sorted) for span in self._spans.values())

    def __contains__(self, identifier: bytes) -> bool:
        if not self._spans:
            return False
        key = int.from_bytes(identifier[8:], sys.byteorder)
        return any(key in span for span in self._spans.values())

    def add(self, halves: bytes, keep_until: int) -> None:
        """Take in ids. halves: their last 8 bytes, one after the other; keep_until: of the latest, epoch seconds."""
        span = self._spans.setdefault(keep_until // SPAN_S, _Span())
        span.unsorted.update(array("Q", halves))
        if len(span.unsorted) > _UNSORTED:
            span.sort()

    def drop(self, now: int) -> None:
        """Forget the spans that have passed."""
        for passed in [number for number in self._spans if (number + 1) * SPAN_S <= now]:
            del self._spans[passed]


class _Span:
    __slots__ = ("sorted", "unsorted")

    def __init__(self) -> None:
        self.sorted = array("Q")
        self.unsorted: set[int] = set()

    def __contains__(self, key: int) -> bool:
        return key in self.unsorted or self._is_sorted_in(key)

    def sort(self) -> None:
        new = sorted(key for key in self.unsorted if not self._is_sorted_in(key))
        self.sorted = array("Q", sorted([*self.sorted, *new]))  # two sorted runs: merged, not sorted
        self.unsorted = set()

    def _is_sorted_in(self, key: int) -> bool:
        index = bisect_left(self.sorted, key)
        return index < len(self.sorted) and self.sorted[index] == key
