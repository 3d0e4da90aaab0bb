"""What revocations leave to be done in the background: rows that nobody recorded, and rows that a cut-off covers."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.cutoff_marks import MARKED_AFTER_S, MarkedCutoff
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.cutoffs import CutoffMarks
from auth_tokens.ports.jobs import RevocationAudit

# Twice the schedule of cleanup: a run that fails leaves no row to nobody.
AUDITED_S = 600
# Rows of one batch: some 20 ms.
ROWS = 1000
# Marking is in no hurry. Deletions have the rest of the time.
SHARE = 4


@dataclass(frozen=True, slots=True)
class SettleDeps:
    """Dependencies of settle_revocations."""

    audit: RevocationAudit
    marks: CutoffMarks
    clock: Clock


@dataclass(frozen=True, slots=True)
class Settled:
    """untold: rows that were revoked past this service, by SQL by hand; marked: rows that a cut-off had ended."""

    untold: int
    marked: int


def settle_revocations(remaining_ms: Callable[[], int], deps: SettleDeps) -> Settled:
    """Record what authorizers were not told of, then mark rows for at most a quarter of the time. Idempotent.

    remaining_ms: of this invocation. Raises Unavailable.
    """
    now = deps.clock()
    untold = deps.audit.record_untold(now - AUDITED_S, now)
    until_ms = remaining_ms() - remaining_ms() // SHARE
    due = deps.marks.unmarked(now - MARKED_AFTER_S)
    return Settled(untold, sum(_marked(cutoff, lambda: remaining_ms() > until_ms, deps) for cutoff in due))


def _marked(due: MarkedCutoff, has_time: Callable[[], bool], deps: SettleDeps) -> int:
    """How many. The next run goes on where this one ends."""
    place, marked = due.marked_to, 0
    try:
        while place != MAX_UUID and has_time():
            found, place = deps.marks.mark(due.cutoff, place, ROWS)
            marked += found
    finally:
        if place != due.marked_to:
            deps.marks.note(due.cutoff, place)
    return marked
