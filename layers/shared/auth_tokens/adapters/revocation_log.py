"""What of the revocation log is kept in memory: a read takes what is new (docs/adr/0036)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from auth_tokens.adapters.ids_by_span import IdsBySpan
from auth_tokens.adapters.log_numbers import LogNumbers

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from collections.abc import Sequence

    from auth_tokens.domain.cutoffs import Cutoff

# About 8 MB of ids. Beyond it each validation queries the table.
MAX_IDS = 1_000_000
# Numbers of one statement: its answer has at most 2 MB where each has one id.
WINDOW = 20_000
# The missing numbers stand in the statement, which has to stay under the 16 KB that pin RDS Proxy.
_MISSING_BYTES = 12_000
PAGE = 64
_FULL = (1 << PAGE) - 1


class LogGroup(NamedTuple):
    """Rows of one page of 64 numbers. seen: bit n stands for number 64 * page + n; written_at: of the latest, by the
    database's clock; ids: their last 8 bytes, in the order of the numbers; several ids of one row stand alone."""

    page: int
    seen: int
    written_at: int
    keep_until: int
    ids: bytes


class LogAnswer(NamedTuple):
    """next_number: the lowest one from the end of the window on, if any; now_s: by the database's clock."""

    groups: list[LogGroup]
    cutoffs: list[Cutoff]
    next_number: int | None
    now_s: int


class LogSource(Protocol):
    """Every method raises Unavailable."""

    def read(self, start: int, end: int, missing: Sequence[int]) -> LogAnswer:
        """The rows from start to before end, those of the missing numbers, and all cut-offs."""

    def width(self) -> int:
        """Of the numbers from the lowest to the highest: at least that of the rows."""

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        """The table's own word on one or two ids."""


class _OtherHistory(Exception):
    """The highest row seen is gone, or is another one."""


class RevocationLog:
    """Port adapters.revocation_feed.Revocations."""

    def __init__(self, source: LogSource, max_ids: int = MAX_IDS) -> None:
        self.cutoffs: Sequence[Cutoff] = ()
        self._source = source
        self._max_ids = max_ids
        self._ids = IdsBySpan()
        self._forget_place()
        self._read_at = 0

    def __contains__(self, identifier: bytes) -> bool:
        return identifier in self._ids

    def read(self, now: int) -> bool:
        if now < self._read_at:  # the clock was set back: ids may have been dropped by it
            self._forget_place()
        try:
            is_whole = self._read_on(now)
        except _OtherHistory:  # after a restore or a failover: what was known stays revoked
            self._forget_place()
            is_whole = self._read_on(now)
        if not is_whole:
            self._ids = IdsBySpan()
            self._forget_place()
        self._read_at = now
        return is_whole

    def fits(self, now: int) -> bool:
        return self._source.width() <= self._max_ids

    def any_revoked(self, ids: tuple[bytes, ...]) -> bool:
        return self._source.any_revoked(ids)

    def _forget_place(self) -> None:
        self._numbers = LogNumbers()
        self._anchor: tuple[int, bytes] | None = None  # the highest number seen, with the first id of its row

    def _read_on(self, now: int) -> bool:
        """Read to the end of the log. False: there are more ids than may be kept."""
        self._ids.drop(now)
        numbers, anchor = self._numbers, self._anchor
        start = numbers.top or 0
        missing = numbers.missing(_MISSING_BYTES // (len(str(start)) + 2))
        if missing is None:
            start, missing = numbers.lowest_missing or start, []
        next_number: int | None = start
        while next_number is not None:
            end = next_number + WINDOW
            answer = self._source.read(next_number, end, missing)
            if anchor is not None and end > anchor[0]:
                _check(answer, anchor)
                anchor = None
            self._take(answer, now)
            next_number, missing = answer.next_number, []
            if self._ids.at_most > self._max_ids and len(self._ids) > self._max_ids:
                return False
        if anchor is not None:
            raise _OtherHistory
        numbers.settle(answer.now_s)
        return True

    def _take(self, answer: LogAnswer, now: int) -> None:
        self.cutoffs = answer.cutoffs
        pages: dict[int, tuple[int, int]] = {}
        for group in answer.groups:
            seen, written_at = pages.get(group.page, (0, 0))
            pages[group.page] = seen | group.seen, max(written_at, group.written_at)
            if group.keep_until > now:
                self._ids.add(group.ids, group.keep_until)
        for page in sorted(pages):
            seen, written_at = pages[page]
            numbers: Sequence[int] = range(PAGE * page, PAGE * page + PAGE)
            if seen != _FULL:
                numbers = [number for number in numbers if seen >> number % PAGE & 1]
            self._numbers.see(numbers, written_at)
        top = self._numbers.top
        first_id = None if top is None else _first_id(answer, top)
        if top is not None and first_id is not None:
            self._anchor = top, first_id


def _check(answer: LogAnswer, anchor: tuple[int, bytes]) -> None:
    """Raises _OtherHistory where the row of the anchor is gone, or is another one."""
    if _first_id(answer, anchor[0]) != anchor[1]:
        raise _OtherHistory


def _first_id(answer: LogAnswer, number: int) -> bytes | None:
    """The first id of a row, if it is there."""
    page, bit = divmod(number, PAGE)
    for group in answer.groups:
        if group.page == page and group.seen >> bit & 1:
            before = (group.seen & (1 << bit) - 1).bit_count()
            return group.ids[8 * before : 8 * before + 8]
    return None
