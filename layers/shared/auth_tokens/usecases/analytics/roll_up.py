"""Hourly figures: the events of an hour are counted once, so that figures of weeks are read and not counted."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.figures import Rollups

# Hours of one run: the first run on a database with a past, and the first after a long break, take several.
MAX_HOURS = 200
RESERVE_MS = 5000


@dataclass(frozen=True, slots=True)
class RollUpDeps:
    rollups: Rollups
    clock: Clock


def roll_up(remaining_ms: Callable[[], int], deps: RollUpDeps) -> int:
    """Bring the hourly figures up to now; returns how many hours were counted. Idempotent, resumable.

    The hour that was counted last and the one before are counted again, to include late commits. Ids are made at most
    one function's time before their commit, so no event appears later than that.
    """
    now = deps.clock()
    last = deps.rollups.last_hour(now)
    start = last - HOUR_S if last is not None else hour_of(deps.rollups.first_event_at() or now)
    hours = range(start, now + 1, HOUR_S)[:MAX_HOURS]
    for done, hour in enumerate(hours):
        if remaining_ms() < RESERVE_MS:
            return done
        events, sources = deps.rollups.count_hour(hour), deps.rollups.sources_of_hour(hour)
        deps.rollups.keep_hour(hour, events, sources, now)
    return len(hours)
