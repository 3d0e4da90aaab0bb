"""Figures for operators: events by steps of a period, beside the period before it, their top sources, and the debt of
cleanup."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auth_tokens.domain.analytics.figures import COUNTED, LEVELS, CleanupDebt, SourceFigure, StepFigure
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.analytics.periods import (
    FIVE_MINUTES_S,
    Period,
    PeriodRequest,
    first_hour_from,
    period_of,
)
from auth_tokens.domain.events import EventType
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.figures import CensusTaker, Rollups

TOP = 10
_TYPES = frozenset(kind.value for kind in EventType)
# More than are shown, as the open hours may add to one of these.
KEPT_SOURCES = 50
# Longer than any period: its figures are one step.
_ALL = 2**31


@dataclass(frozen=True, slots=True)
class SummariseDeps:
    """retention_s: how long cleanup keeps ended rows."""

    rollups: Rollups
    census: CensusTaker
    clock: Clock
    retention_s: int


@dataclass(frozen=True, slots=True)
class Before:
    """The period of the same length before another; amounts: by type of event and name of figure."""

    since: int
    until: int
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ages:
    """The instants that figures are as of. events: of the last two hours, and of steps of minutes; hours: of earlier
    hours; census: of what is counted from rows. None: never counted."""

    events: int
    hours: int | None
    census: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """series: (start of step, amounts by type of event and name of figure), every step there; totals: of all steps,
    each type there; amounts: of the whole period, as series has them."""

    period: Period
    totals: dict[str, int]
    series: list[tuple[int, dict[str, int]]]
    amounts: dict[str, int]
    before: Before
    top_sources: list[SourceFigure]
    debt: CleanupDebt
    as_of: Ages


def summarise(wanted: PeriodRequest, deps: SummariseDeps) -> Summary:
    """The figures of a period. Raises InvalidRequest naming the parameter, Unavailable.

    Past hours are read as the schedule has kept them. The present hour and the one before are counted now, as they may
    still get events.
    """
    now = deps.clock()
    period = period_of(wanted, now)
    steps: dict[int, Counter[str]] = {at: Counter() for at in period.starts}
    for at, name, amount in _amounts(period, now, deps.rollups):
        steps[at][name] += amount
    census = deps.census.begun()
    return Summary(
        period=period,
        totals={kind.value: sum(step[kind.value] for step in steps.values()) for kind in EventType},
        series=[(at, dict(amounts)) for at, amounts in steps.items()],
        amounts=_together([dict(amounts) for amounts in steps.values()]),
        before=_before(period, now, deps.rollups),
        top_sources=_top_sources(period, now, deps.rollups),
        debt=deps.rollups.cleanup_debt(now - deps.retention_s),
        as_of=Ages(now, deps.rollups.rolled_up_at(now), (census and census.before_began_at) or None),
    )


def _together(steps: list[dict[str, int]]) -> dict[str, int]:
    """Counts are added; of levels the highest counts."""
    amounts: dict[str, int] = {}
    for step in steps:
        for name, amount in step.items():
            known = amounts.get(name, 0)
            amounts[name] = max(known, amount) if name in LEVELS else known + amount
    return amounts


def _before(period: Period, now: int, rollups: Rollups) -> Before:
    """To the second: its parts of hours are counted from the events."""
    until = period.since
    since = max(0, until - period.length_s)
    first = min(first_hour_from(since), until)
    open_from = max(first, min(_open_from(now), until))
    counted = [rollups.count_between(since, first)] if since < first else []
    kept = rollups.figures(first, until, _ALL)
    counted.append(
        dict(_kept_events(kept if open_from == until else rollups.figures(first, open_from, _ALL)))
    )
    counted += [
        rollups.count_between(hour, min(hour + HOUR_S, until)) for hour in range(open_from, until, HOUR_S)
    ]
    rows = {name: amount for _, name, amount in _from_rows(kept)}
    return Before(since, until, {**_together(counted), **rows})


def _open_from(now: int) -> int:
    """The first of the hours that may still get events."""
    return hour_of(now) - HOUR_S


def _top_sources(period: Period, now: int, rollups: Rollups) -> list[SourceFigure]:
    open_from = min(max(period.since, _open_from(now)), period.until)
    kept = rollups.top_sources(hour_of(period.since), open_from, KEPT_SOURCES)
    failures = Counter({figure.source: figure.failures for figure in kept})
    for hour in range(hour_of(open_from), period.until, HOUR_S):
        failures.update(rollups.sources_of_hour(hour))
    return [SourceFigure(source, count) for source, count in failures.most_common(TOP)]


def _amounts(period: Period, now: int, rollups: Rollups) -> Iterator[tuple[int, str, int]]:
    """(start of step, name, amount): events of closed hours as kept, of open ones as counted, the rest as kept."""
    if period.step_s == FIVE_MINUTES_S:
        for figure in rollups.count_steps(period.starts[0], period.until, FIVE_MINUTES_S):
            yield figure.at, figure.name, figure.total
        return
    open_from = min(max(period.since, _open_from(now)), period.until)
    kept = _figures(period, open_from, rollups)
    yield from ((figure.at, figure.name, figure.total) for figure in kept if figure.name in _TYPES)
    yield from _from_rows(_figures(period, period.until, rollups))
    for hour in range(open_from, period.until, HOUR_S):
        for name, amount in rollups.count_hour(hour).items():
            yield period.step_of(hour), name, amount


def _figures(period: Period, before: int, rollups: Rollups) -> list[StepFigure]:
    if period.step_s is None:
        return rollups.figures_of_steps(period.starts, before)
    return rollups.figures(period.starts[0], before, period.step_s)


def _kept_events(figures: list[StepFigure]) -> Iterator[tuple[str, int]]:
    return ((figure.name, figure.total) for figure in figures if figure.name in _TYPES)


def _from_rows(figures: list[StepFigure]) -> Iterator[tuple[int, str, int]]:
    """What the schedule counted from rows."""
    for figure in figures:
        if figure.name in COUNTED:
            yield figure.at, figure.name, figure.most if figure.name in LEVELS else figure.total
