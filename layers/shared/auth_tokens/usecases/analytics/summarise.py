"""Figures for operators: events by hour or by day, their top sources, and the debt of cleanup."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from auth_tokens.domain.analytics.figures import COUNTED, LEVELS, CleanupDebt, SourceFigure
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import EventType
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.figures import Rollups

MAX_SPAN_S = 90 * 86400
STEPS = {"hour": HOUR_S, "day": 24 * HOUR_S}
TOP = 10
_TYPES = frozenset(kind.value for kind in EventType)
# More than are shown, as the open hours may add to one of these.
KEPT_SOURCES = 50


@dataclass(frozen=True, slots=True)
class SummariseDeps:
    """retention_s: how long cleanup keeps ended rows."""

    rollups: Rollups
    clock: Clock
    retention_s: int


@dataclass(frozen=True, slots=True)
class Summary:
    """since: start of the first step; series: (start of step, amounts by type of event and name of figure), every
    step there; totals: of all steps, each type there; rolled_up_at: how old the hours before the last two are."""

    since: int
    step_s: int
    totals: dict[str, int]
    series: list[tuple[int, dict[str, int]]]
    top_sources: list[SourceFigure]
    debt: CleanupDebt
    rolled_up_at: int | None


def summarise(span_s: int, step: str, deps: SummariseDeps) -> Summary:
    """The last span_s seconds, from the beginning of the step (UTC) in which they began. Raises InvalidRequest.

    Past hours are read as the schedule has kept them. The present hour and the one before are counted now, as they may
    still get events.
    """
    if not 1 <= span_s <= MAX_SPAN_S:
        raise InvalidRequest(f"span_s must be from 1 to {MAX_SPAN_S} seconds.")
    if step not in STEPS:
        raise InvalidRequest(f"step must be one of {', '.join(STEPS)}.")
    now, step_s = deps.clock(), STEPS[step]
    since = (now - span_s) - (now - span_s) % step_s
    amounts: dict[int, dict[str, int]] = {at: {} for at in range(since, now + 1, step_s)}
    for at, name, amount in _amounts(since, now, step_s, deps.rollups):
        amounts[at][name] = amounts[at].get(name, 0) + amount
    return Summary(
        since=since,
        step_s=step_s,
        totals={kind.value: sum(step.get(kind.value, 0) for step in amounts.values()) for kind in EventType},
        series=sorted(amounts.items()),
        top_sources=_top_sources(since, now, deps.rollups),
        debt=deps.rollups.cleanup_debt(now - deps.retention_s),
        rolled_up_at=deps.rollups.rolled_up_at(now),
    )


def _top_sources(since: int, now: int, rollups: Rollups) -> list[SourceFigure]:
    open_from = max(since, hour_of(now) - HOUR_S)
    kept = rollups.top_sources(since, open_from, KEPT_SOURCES)
    failures = Counter({figure.source: figure.failures for figure in kept})
    for hour in range(open_from, now + 1, HOUR_S):
        failures.update(rollups.sources_of_hour(hour))
    return [SourceFigure(source, count) for source, count in failures.most_common(TOP)]


def _amounts(since: int, now: int, step_s: int, rollups: Rollups) -> Iterator[tuple[int, str, int]]:
    """(start of step, name, amount): events of closed hours as kept, of open ones as counted, the rest as kept."""
    open_from = max(since, hour_of(now) - HOUR_S)
    kept = [figure for figure in rollups.figures(since, open_from, step_s) if figure.name in _TYPES]
    kept += [figure for figure in rollups.figures(since, now + 1, step_s) if figure.name in COUNTED]
    for figure in kept:
        yield figure.at, figure.name, figure.most if figure.name in LEVELS else figure.total
    for hour in range(open_from, now + 1, HOUR_S):
        for name, amount in rollups.count_hour(hour).items():
            yield hour - hour % step_s, name, amount
