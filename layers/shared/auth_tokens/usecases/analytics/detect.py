"""Detection of attacks and faults in the events of the last hour; each finding is reported once."""

from dataclasses import dataclass

from auth_tokens.domain.analytics.detections import WINDOW_S, findings_in
from auth_tokens.domain.analytics.findings import Finding, unreported
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.events import EventType
from auth_tokens.domain.ids import MAX_UUID
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventQuery, FindingInbox
from auth_tokens.ports.figures import Rollups

# Events read, the newest first: some seconds of one function's time. More in an hour is an attack, which this many
# show as well.
MAX_EVENTS = 20_000
MAX_REPORTED = 2000
# The baseline is the mean of this many hours before the window.
BASELINE_HOURS = 24


@dataclass(frozen=True, slots=True)
class DetectDeps:
    events: EventQuery
    inbox: FindingInbox
    rollups: Rollups
    clock: Clock


@dataclass(frozen=True, slots=True)
class Detection:
    """findings: those reported now; is_partial: the hour had MAX_EVENTS or more, so some were not read."""

    findings: list[Finding]
    is_partial: bool


def detect(deps: DetectDeps) -> Detection:
    """Write an event for each finding that was not reported before; returns these findings. One run at a time, so none
    is reported twice. Raises Unavailable."""
    now = deps.clock()
    events = deps.events.page(MAX_UUID, now - WINDOW_S, None, None, MAX_EVENTS)
    is_partial = len(events) == MAX_EVENTS
    found = findings_in(events, _baseline(now, deps))
    if not found:
        return Detection([], is_partial)
    # A finding of the window may have been reported as early as the window's beginning.
    reported = deps.events.page(MAX_UUID, now - WINDOW_S - HOUR_S, None, EventType.FINDING, MAX_REPORTED)
    new = unreported(found, reported)
    for finding in new:
        deps.inbox.report(finding, now)
    return Detection(new, is_partial)


def _baseline(now: int, deps: DetectDeps) -> dict[str, float]:
    """Events of each type in an hour, on average of the hours that are wholly before the window."""
    until = hour_of(now - WINDOW_S)
    since = until - BASELINE_HOURS * HOUR_S
    figures = deps.rollups.figures(since, until, HOUR_S)
    totals: dict[str, float] = {}
    for figure in figures:
        totals[figure.name] = totals.get(figure.name, 0) + figure.total / BASELINE_HOURS
    return totals
