"""Rows past their end are deleted, a short batch at a time, within a time budget."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.usecases.ports import Clock, Purge

# Time kept back for the last batch to end and the answer to go out.
RESERVE_MS = 3000


@dataclass(frozen=True, slots=True)
class CleanupDeps:
    purges: tuple[Purge, ...]
    clock: Clock
    retention_s: int


@dataclass(frozen=True, slots=True)
class CleanupReport:
    """deleted: by table; is_complete: False where time ran out, and the next run goes on."""

    deleted: dict[str, int]
    is_complete: bool


def cleanup(remaining_ms: Callable[[], int], deps: CleanupDeps) -> CleanupReport:
    """Delete what ended more than the retention ago. Idempotent; two at once share the work.

    remaining_ms: of this invocation. A row at exactly its end plus retention stays until the next second.
    """
    before = deps.clock() - deps.retention_s
    deleted = dict.fromkeys((purge.name for purge in deps.purges), 0)
    for purge in deps.purges:
        while True:
            if remaining_ms() < RESERVE_MS:
                return CleanupReport(deleted, is_complete=False)
            count = purge.delete_batch(before)
            deleted[purge.name] += count
            if count == 0:
                break
    return CleanupReport(deleted, is_complete=True)
