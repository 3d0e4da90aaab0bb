"""Rows past their end are deleted, a short batch at a time, within a time budget, beside those who log in."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.purges import Debt
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.jobs import Purge

# Time reserved for the end of the last batch, the count of the debt and the answer.
RESERVE_MS = 5000
# In a smaller batch the commit would dominate.
MIN_ROWS = 50
FIRST_ROWS = 500
# Waits after a batch that found the database contended, doubling up to the longest.
BACK_OFF_MS = 50
MAX_BACK_OFF_MS = 1600
# The connection retries by itself, so this many failures in a row are an outage.
MAX_OUTAGES = 3
# Rows created are counted over this span: that of the schedule, so that both rates are of the same time.
CREATION_SPAN_S = 300


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """batch_ms: target duration of a batch, during which its rows are locked; max_rows: of one batch.

    Batches follow each other without a pause: a pause made refreshes no faster in any measurement.
    """

    batch_ms: int
    max_rows: int


STEADY = BatchLimits(batch_ms=20, max_rows=1000)
# To reduce a debt: longer batches, with fewer round trips and commits. Logins become slower, but none waits for long.
CATCH_UP = BatchLimits(batch_ms=100, max_rows=5000)


@dataclass(frozen=True, slots=True)
class CleanupDeps:
    """created_since: rows of auth_user_tokens made at or after an instant; sleep: seconds."""

    purges: tuple[Purge, ...]
    created_since: Callable[[int], int]
    clock: Clock
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class TableReport:
    """Of one table in one run. refused: rows that the database would not delete, stepped over."""

    deleted: int
    refused: int
    debt: Debt


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """tables: by name; created: rows of auth_user_tokens made in the last CREATION_SPAN_S;
    is_complete: False where time ran out, and the next run goes on."""

    tables: dict[str, TableReport]
    created: int
    is_complete: bool


def cleanup(
    remaining_ms: Callable[[], int], deps: CleanupDeps, limits: BatchLimits = STEADY
) -> CleanupReport:
    """Delete what ended more than its retention ago. Idempotent; two at once share the work.

    remaining_ms: of this invocation. A row at exactly its end plus retention stays until the next second.
    Tables take turns, batch by batch, so a debt in one does not delay the others.
    Raises Unavailable where the database stays out of reach; contention only slows the run down.
    """
    now = deps.clock()
    turns = [_Turn(purge, now, limits) for purge in deps.purges]
    while open_turns := [turn for turn in turns if not turn.is_done]:
        if remaining_ms() < RESERVE_MS:
            break
        for turn in open_turns:
            before_ms = remaining_ms()
            if before_ms < RESERVE_MS:
                break
            turn.take()
            if pause_ms := turn.settle(before_ms - remaining_ms()):
                deps.sleep(pause_ms / 1000)
    return CleanupReport(
        {turn.purge.name: TableReport(turn.deleted, turn.refused, turn.purge.debt(now)) for turn in turns},
        deps.created_since(now - CREATION_SPAN_S),
        is_complete=all(turn.is_done for turn in turns),
    )


def next_rows(rows: int, took_ms: int, limits: BatchLimits) -> int:
    """The size of the next batch. rows, took_ms: of the last one. As many rows as fit, at most twice as many."""
    fitting = rows * limits.batch_ms // max(took_ms, 1)
    return max(MIN_ROWS, min(fitting, 2 * rows, limits.max_rows))


class _Turn:
    """One table in a run."""

    def __init__(self, purge: Purge, now: int, limits: BatchLimits) -> None:
        self.purge = purge
        self.deleted = 0
        self.refused = 0
        self.is_done = False
        self._now = now
        self._limits = limits
        self._rows = FIRST_ROWS
        self._failures = 0

    def take(self) -> None:
        """One batch. One that failed has changed nothing."""
        try:
            batch = self.purge.delete_batch(self._now, self._rows)
        except Unavailable as exc:
            self._failures += 1
            if not exc.is_contention and self._failures >= MAX_OUTAGES:
                raise
            return
        self._failures = 0
        self.deleted += batch.deleted
        self.refused += batch.refused
        self.is_done = batch.is_last

    def settle(self, took_ms: int) -> int:
        """Size the next batch by the duration of this one; returns the milliseconds to back off after a failed one."""
        if self._failures:
            self._rows = max(MIN_ROWS, self._rows // 2)
            return min(BACK_OFF_MS << self._failures - 1, MAX_BACK_OFF_MS)
        self._rows = next_rows(self._rows, took_ms, self._limits)
        return 0
