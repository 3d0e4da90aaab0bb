"""The period that figures are of, and the steps that it is shown in."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.errors import InvalidRequest

DAY_S = 24 * HOUR_S
FIVE_MINUTES_S = 300
STEPS = {"5min": FIVE_MINUTES_S, "hour": HOUR_S, "day": DAY_S}
DEFAULT_STEP = "hour"
MAX_SPAN_S = 90 * DAY_S
# Such steps are counted from the events themselves.
MAX_SPAN_OF_FIVE_MINUTES_S = 3 * HOUR_S
# 90 days, the present one, and one for a change of the clocks.
MAX_STARTS = 92


@dataclass(frozen=True, slots=True)
class PeriodRequest:
    """Either the last span_s seconds, or since to until, both in a step of STEPS; or the beginnings of the steps, for
    days of a time zone. All but the step are epoch seconds; None: not given."""

    span_s: int | None = None
    since: int | None = None
    until: int | None = None
    step: str | None = None
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """starts: of its steps, ascending; until: not included; step_s: None for steps of several lengths."""

    starts: Sequence[int]
    until: int
    step_s: int | None

    @property
    def since(self) -> int:
        """The first second that counts. Hours count as a whole, for the step in which they begin."""
        return self.starts[0] if self.step_s == FIVE_MINUTES_S else first_hour_from(self.starts[0])

    @property
    def length_s(self) -> int:
        return max(0, self.until - self.since)

    def step_of(self, instant: int) -> int:
        """The beginning of the step that an instant of the period lies in."""
        return self.starts[max(0, bisect_right(self.starts, instant) - 1)]


def first_hour_from(instant: int) -> int:
    """The first hour that begins at an instant or later."""
    return hour_of(instant + HOUR_S - 1)


def period_of(wanted: PeriodRequest, now: int) -> Period:
    """Raises InvalidRequest naming the parameter."""
    if wanted.starts:
        return _of_starts(wanted, now)
    step = DEFAULT_STEP if wanted.step is None else wanted.step
    if step not in STEPS:
        raise InvalidRequest(f"step must be one of {', '.join(STEPS)}.")
    step_s = STEPS[step]
    since, until = _bounds(wanted, now)
    if until <= since:
        raise InvalidRequest("since must be before until, and in the past.")
    longest = MAX_SPAN_OF_FIVE_MINUTES_S if step_s == FIVE_MINUTES_S else MAX_SPAN_S
    if until - since > longest + 1:
        raise InvalidRequest(f"A period in steps of {step} has at most {longest} seconds.")
    whole = min(until, now + 1) if step_s == FIVE_MINUTES_S else min(first_hour_from(until), now + 1)
    return Period(range(since - since % step_s, whole, step_s), whole, step_s)


def _bounds(wanted: PeriodRequest, now: int) -> tuple[int, int]:
    until = now + 1 if wanted.until is None else min(wanted.until, now + 1)
    if wanted.since is not None:
        if wanted.span_s is not None:
            raise InvalidRequest("span_s and since exclude each other.")
        return wanted.since, until
    if wanted.until is not None:
        raise InvalidRequest("until is for a period that has since, or starts.")
    span_s = DAY_S if wanted.span_s is None else wanted.span_s
    if not 1 <= span_s <= MAX_SPAN_S:
        raise InvalidRequest(f"span_s must be from 1 to {MAX_SPAN_S} seconds.")
    return now - span_s, until


def _of_starts(wanted: PeriodRequest, now: int) -> Period:
    if not (wanted.span_s is None and wanted.since is None and wanted.step is None):
        raise InvalidRequest("starts stands alone, or with until.")
    starts = wanted.starts
    if len(starts) > MAX_STARTS or list(starts) != sorted(set(starts)):
        raise InvalidRequest(f"starts must be at most {MAX_STARTS} instants, each after the one before.")
    until = now + 1 if wanted.until is None else min(first_hour_from(wanted.until), now + 1)
    if not now - MAX_SPAN_S - DAY_S <= starts[0] or starts[-1] >= until:
        raise InvalidRequest("starts must be in the past, before until, and at most 90 days back.")
    return Period(starts, until, None)
