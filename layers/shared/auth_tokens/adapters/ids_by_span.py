"""A compact set of ids that are dropped once no access token of them can be good: 10 to 12 bytes each."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from itertools import groupby, islice
from operator import eq

# Ids are dropped together with those of the same span of time. Shorter spans drop earlier, longer ones are fewer to
# look into.
SPAN_S = 300
# So many new ids are kept in a set before they are sorted in: it is nine times as large as the array.
_UNSORTED = 4096
# Of the bits of _Sieve one in eight is set at most, so it lets at most one in eight other ids pass.
_BITS_PER_ID = 8
_LEAST_BITS = 1 << 16


class IdsBySpan:
    """Knows a session or access token by the last 8 bytes of its id: 62 of a UUIDv7's random bits, chosen by this
    service, not by a caller.

    With 1,000,000 ids, one in 4.6e12 other ids is mistaken for one of them. That refuses a good token; it never accepts
    a revoked one.
    """

    def __init__(self) -> None:
        self._spans: dict[int, _Span] = {}
        self._sieve = _Sieve(0)

    def __len__(self) -> int:
        return sum(len(span) for span in self._spans.values())

    def __contains__(self, identifier: bytes) -> bool:
        key = int.from_bytes(identifier[8:], sys.byteorder)
        # As _Sieve.lets_pass, without the call: nearly every id ends here.
        slot = key >> 32 & self._sieve.mask
        if not self._sieve.bits[slot >> 3] >> (slot & 7) & 1:
            return False
        if self._sieve is _LETS_ALL_PASS:
            self._sieve = self._new_sieve()
            return identifier in self
        return any(key in span for span in self._spans.values())

    @property
    def at_most(self) -> int:
        """An upper bound of how many there are, at no cost: some may count twice."""
        return sum(span.at_most for span in self._spans.values())

    def add(self, halves: bytes, keep_until: int) -> None:
        """Take in ids. halves: their last 8 bytes, one after the other; keep_until: of the latest, epoch seconds."""
        keys = array("Q", halves)
        number = keep_until // SPAN_S
        if number not in self._spans:
            self._spans[number] = _Span()
        self._spans[number].new.extend(keys)
        if self._sieve.has_room_for(len(keys)):
            self._sieve.add(keys)
        else:  # made anew when somebody looks: a cold start makes it once
            self._sieve = _LETS_ALL_PASS

    def drop(self, now: int) -> None:
        """Forget the spans that have passed."""
        for passed in [number for number in self._spans if (number + 1) * SPAN_S <= now]:
            del self._spans[passed]

    def _new_sieve(self) -> _Sieve:
        sieve = _Sieve(self.at_most)
        for span in self._spans.values():
            sieve.add(span.sorted)
            sieve.add(array("Q", span.unsorted))
            sieve.add(span.new)
        return sieve


class _Sieve:
    """A bit for each id, many for one bit: lets all ids pass that are known, and few others. What was dropped goes with
    the whole sieve only."""

    __slots__ = ("bits", "mask", "room")

    def __init__(self, ids: int) -> None:
        """With room for twice as many ids, so that each is put in twice at most while their number grows."""
        size = max(_LEAST_BITS, 1 << (2 * _BITS_PER_ID * ids).bit_length())
        self.bits = bytearray(size >> 3)
        self.mask = size - 1
        self.room = size // _BITS_PER_ID

    def has_room_for(self, ids: int) -> bool:
        return self.room >= ids

    def add(self, keys: array[int]) -> None:
        bits, mask = self.bits, self.mask
        for key in keys:
            slot = key >> 32 & mask
            bits[slot >> 3] |= 1 << (slot & 7)
        self.room -= len(keys)


_LETS_ALL_PASS = _Sieve(0)
_LETS_ALL_PASS.mask, _LETS_ALL_PASS.bits[0], _LETS_ALL_PASS.room = 0, 1, 0


class _Span:
    """new: as they came, perhaps some twice; they are put in order when somebody looks."""

    __slots__ = ("new", "sorted", "unsorted")

    def __init__(self) -> None:
        self.new = array("Q")
        self.sorted = array("Q")
        self.unsorted: set[int] = set()

    def __len__(self) -> int:
        self._settle()
        return len(self.unsorted) + len(self.sorted)

    def __contains__(self, key: int) -> bool:
        self._settle()
        return key in self.unsorted or self._is_sorted_in(key)

    @property
    def at_most(self) -> int:
        return len(self.new) + len(self.unsorted) + len(self.sorted)

    def _settle(self) -> None:
        if not self.new:
            return
        if self.sorted:
            self.unsorted.update(key for key in self.new if not self._is_sorted_in(key))
            new: list[int] = []
        else:
            new = self.new.tolist()
        self.new = array("Q")
        if len(self.unsorted) + len(new) > _UNSORTED:
            # The array is a sorted run: that part is merged, not sorted.
            ordered = sorted([*self.sorted, *sorted([*self.unsorted, *new])])
            if any(map(eq, ordered, islice(ordered, 1, None))):  # some came twice
                ordered = [key for key, _ in groupby(ordered)]
            self.sorted = array("Q", ordered)
            self.unsorted = set()
        else:
            self.unsorted.update(new)

    def _is_sorted_in(self, key: int) -> bool:
        index = bisect_left(self.sorted, key)
        return index < len(self.sorted) and self.sorted[index] == key
