"""What revocations leave to be done, within its share of the time."""

import pytest

from auth_tokens.domain.cutoff_marks import MARKED_AFTER_S, MarkedCutoff
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.usecases.settle_revocations import AUDITED_S, ROWS, Settled, SettleDeps, settle_revocations

NOW = 1_800_000_000
BUDGET_MS = 60_000


class Audit:
    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []

    def record_untold(self, since: int, now: int) -> int:
        self.spans.append((since, now))
        return 3


class Marks:
    """Each batch takes `batch_ms`; `batches` are left."""

    def __init__(self, batches: int, batch_ms: int = 0, fails_at: int | None = None) -> None:
        self.cutoff = MarkedCutoff(Cutoff("", NOW - 5000, NOW - 4000), b"a")
        self.batches, self.batch_ms, self.fails_at = batches, batch_ms, fails_at
        self.remaining_ms = BUDGET_MS
        self.noted: list[bytes] = []
        self.decided_by: list[int] = []
        self.places: list[bytes] = []

    def unmarked(self, decided_by: int) -> list[MarkedCutoff]:
        self.decided_by.append(decided_by)
        return [self.cutoff]

    def mark(self, cutoff: Cutoff, after: bytes, rows: int) -> tuple[int, bytes]:
        assert rows == ROWS
        if len(self.places) == self.fails_at:
            raise Unavailable("deadlock")
        self.places.append(after)
        self.remaining_ms -= self.batch_ms
        is_last = len(self.places) == self.batches
        return 10, MAX_UUID if is_last else bytes([97 + len(self.places)])

    def note(self, cutoff: Cutoff, marked_to: bytes) -> None:
        self.noted.append(marked_to)


def settle(marks: Marks, audit: Audit | None = None) -> Settled:
    return settle_revocations(lambda: marks.remaining_ms, SettleDeps(audit or Audit(), marks, lambda: NOW))


def test_the_last_ten_minutes_are_audited_and_rows_marked_to_the_end() -> None:
    marks, audit = Marks(batches=3), Audit()

    assert settle(marks, audit) == Settled(untold=3, marked=30)
    assert audit.spans == [(NOW - AUDITED_S, NOW)]
    assert marks.decided_by == [NOW - MARKED_AFTER_S]
    assert (marks.places, marks.noted) == ([b"a", b"b", b"c"], [MAX_UUID])


def test_marking_takes_a_quarter_of_the_time_and_notes_where_it_ended() -> None:
    marks = Marks(batches=100, batch_ms=BUDGET_MS // 8)

    assert settle(marks).marked == 20
    assert marks.noted == [b"c"]


def test_a_batch_that_fails_is_where_the_next_run_goes_on() -> None:
    marks = Marks(batches=100, fails_at=2)

    with pytest.raises(Unavailable):
        settle(marks)
    assert marks.noted == [b"c"]


def test_nothing_is_noted_where_the_first_batch_fails() -> None:
    marks = Marks(batches=100, fails_at=0)

    with pytest.raises(Unavailable):
        settle(marks)
    assert marks.noted == []
