"""Sessions, devices and refreshes are counted, a part of the table a run."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from auth_tokens.domain.analytics.census import Census
from auth_tokens.domain.analytics.hours import hour_of
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.figures import CensusTaker

SLICE_ROWS = 20_000
# Of one run: 500,000 rows, so five million take ten runs, which is under an hour.
MAX_SLICES = 25
# Time that belongs to the detection and the outbox.
RESERVE_MS = 18_000


@dataclass(frozen=True, slots=True)
class CensusDeps:
    taker: CensusTaker
    clock: Clock


def take_census(remaining_ms: Callable[[], int], deps: CensusDeps) -> bool:
    """Count on from where the last run left off; True where the end was reached, and the figures of this hour are
    kept. Resumable; one run at a time. Raises Unavailable."""
    now = deps.clock()
    census = deps.taker.begun() or Census(0, now, None)
    if census.began_at == 0:
        census = replace(census, began_at=now)
    for _ in range(MAX_SLICES):
        if remaining_ms() < RESERVE_MS:
            break
        counted = deps.taker.count(census, SLICE_ROWS)
        census = census.with_slice(counted)
        if counted.tokens < SLICE_ROWS:
            deps.taker.finish(census, hour_of(now), census.following())
            return True
    deps.taker.keep(census)
    return False
