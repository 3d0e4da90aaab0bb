"""The analytics schedule: it keeps figures, detects attacks, then publishes events."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.ports.clock import Clock
from auth_tokens.ports.jobs import Leases
from auth_tokens.usecases.analytics.detect import DetectDeps, Detection, detect
from auth_tokens.usecases.analytics.roll_up import RollUpDeps, roll_up
from auth_tokens.usecases.analytics.take_census import CensusDeps, take_census
from auth_tokens.usecases.publish_events import PublishDeps, PublishReport, publish_events

JOB = "analytics"
# How far apart the clocks of two environments may be.
CLOCK_SKEW_MS = 5000


@dataclass(frozen=True, slots=True)
class AnalyseDeps:
    """clock_ms: epoch milliseconds."""

    leases: Leases
    clock_ms: Clock
    rolling: RollUpDeps
    counting: CensusDeps
    detecting: DetectDeps
    publishing: PublishDeps


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """hours: how many were counted."""

    hours: int
    detection: Detection
    publication: PublishReport


def analyse(remaining_ms: Callable[[], int], deps: AnalyseDeps) -> AnalysisReport | None:
    """One run, within the time of its invocation; None where another run holds the lease. Raises Unavailable.

    The lease lasts as long as the invocation may: Lambda ends the holder before it runs out, so no two runs
    publish at once, and a run that died delays the next for no longer than that.
    """
    now_ms = deps.clock_ms()
    until_ms = now_ms + remaining_ms() + CLOCK_SKEW_MS
    if not deps.leases.take(JOB, until_ms, now_ms):
        return None
    try:
        hours = roll_up(remaining_ms, deps.rolling)
        take_census(remaining_ms, deps.counting)
        detection = detect(deps.detecting)
        return AnalysisReport(hours, detection, publish_events(remaining_ms, deps.publishing))
    finally:
        deps.leases.release(JOB, until_ms)
