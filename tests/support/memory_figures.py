"""Figures by the hour in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from auth_tokens.domain.analytics.figures import CleanupDebt, SourceFigure, StepFigure
from auth_tokens.domain.analytics.hours import HOUR_S


@dataclass
class MemoryRollups:
    """Port ports.figures.Rollups. events: hour → type → how many; failures: hour → source → how many."""

    events: dict[int, dict[str, int]]
    failures: dict[int, dict[bytes, int]] = field(default_factory=dict)
    kept: dict[int, dict[str, int]] = field(default_factory=dict)
    kept_sources: dict[int, dict[bytes, int]] = field(default_factory=dict)
    kept_at: int | None = None

    def last_hour(self, now: int) -> int | None:
        return max(self.kept, default=None)

    def rolled_up_at(self, now: int) -> int | None:
        return self.kept_at

    def first_event_at(self) -> int | None:
        return min(self.events, default=None)

    def count_hour(self, hour: int) -> dict[str, int]:
        return self.events.get(hour, {})

    def count_between(self, since: int, before: int) -> dict[str, int]:
        """Of whole hours; a part of an hour has that part of its events."""
        counted: dict[str, int] = {}
        for hour, events in self.events.items():
            seconds = max(0, min(before, hour + HOUR_S) - max(since, hour))
            for name, amount in events.items():
                counted[name] = counted.get(name, 0) + amount * seconds // HOUR_S
        return counted

    def count_steps(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        found = []
        for at in range(since, before, step_s):
            for name, amount in self.count_between(at, at + step_s).items():
                found.append(StepFigure(at, name, amount, amount))
        return found

    def sources_of_hour(self, hour: int) -> dict[bytes, int]:
        return self.failures.get(hour, {})

    def keep_hour(self, hour: int, events: Mapping[str, int], sources: Mapping[bytes, int], now: int) -> None:
        self.kept[hour], self.kept_sources[hour], self.kept_at = dict(events), dict(sources), now

    def forget_from(self, hour: int) -> None:
        self.kept = {kept: counts for kept, counts in self.kept.items() if kept < hour}

    def figures(self, since: int, before: int, step_s: int) -> list[StepFigure]:
        hours = [(hour, kept) for hour, kept in self.kept.items() if since <= hour < before]
        steps: dict[tuple[int, str], list[int]] = {}
        for hour, kept in hours:
            for name, amount in kept.items():
                steps.setdefault((hour - hour % step_s, name), []).append(amount)
        return [StepFigure(at, name, sum(each), max(each)) for (at, name), each in steps.items()]

    def figures_of_steps(self, starts: Sequence[int], before: int) -> list[StepFigure]:
        steps: dict[tuple[int, str], list[int]] = {}
        for hour, kept in self.kept.items():
            for name, amount in kept.items() if starts[0] <= hour < before else ():
                step = max(start for start in starts if start <= hour)
                steps.setdefault((step, name), []).append(amount)
        return [StepFigure(at, name, sum(each), max(each)) for (at, name), each in steps.items()]

    def top_sources(self, since: int, before: int, limit: int) -> list[SourceFigure]:
        totals: dict[bytes, int] = {}
        for hour, sources in self.kept_sources.items():
            for source, failures in sources.items() if since <= hour < before else ():
                totals[source] = totals.get(source, 0) + failures
        ordered = sorted(totals.items(), key=lambda total: total[1], reverse=True)
        return [SourceFigure(source, failures) for source, failures in ordered[:limit]]

    def cleanup_debt(self, before: int) -> CleanupDebt:
        return CleanupDebt(None, 0)
