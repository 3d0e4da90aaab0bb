"""The analytics schedule: one run at a time, whatever becomes of it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from auth_tokens.domain.errors import Unavailable
from auth_tokens.usecases.analytics.analyse import CLOCK_SKEW_MS, JOB, AnalyseDeps, analyse
from auth_tokens.usecases.analytics.detect import DetectDeps
from auth_tokens.usecases.analytics.roll_up import RollUpDeps
from auth_tokens.usecases.analytics.take_census import CensusDeps
from auth_tokens.usecases.publish_events import PublishDeps
from tests.support.memory_figures import MemoryRollups
from tests.support.world import Clock
from tests.unit.usecases.analytics.test_detect import Log
from tests.unit.usecases.analytics.test_take_census import MemoryTaker
from tests.unit.usecases.test_publish_events import MemoryOutbox

REMAINING_MS = 60_000


@dataclass
class MemoryLeases:
    """Port ports.jobs.Leases."""

    until_ms: dict[str, int] = field(default_factory=dict)

    def take(self, job: str, until_ms: int, now_ms: int) -> bool:
        is_free = self.until_ms.get(job, 0) <= now_ms
        if is_free:
            self.until_ms[job] = until_ms
        return is_free

    def release(self, job: str, until_ms: int) -> None:
        if self.until_ms.get(job) == until_ms:
            del self.until_ms[job]


class Broken(MemoryRollups):
    def first_event_at(self) -> int | None:
        raise Unavailable("database")


def run(leases: MemoryLeases, rollups: MemoryRollups | None = None) -> Any:
    clock, log = Clock(), Log()
    kept = rollups or MemoryRollups({})
    deps = AnalyseDeps(
        leases,
        clock.milliseconds,
        RollUpDeps(kept, clock),
        CensusDeps(MemoryTaker(3), clock),
        DetectDeps(log, log, kept, clock),
        PublishDeps(MemoryOutbox(), None, clock),
    )
    return analyse(lambda: REMAINING_MS, deps)


def test_a_run_does_all_and_gives_its_lease_back() -> None:
    leases = MemoryLeases()

    report = run(leases)

    assert (report.hours, report.detection.findings, report.publication.published) == (1, [], 0)
    assert leases.until_ms == {}


def test_a_run_beside_another_does_nothing() -> None:
    leases = MemoryLeases({JOB: Clock().milliseconds() + 1})

    assert run(leases) is None


def test_the_lease_of_a_run_that_died_ends_by_itself() -> None:
    assert run(MemoryLeases({JOB: Clock().milliseconds()})) is not None


def test_a_run_that_fails_gives_its_lease_back() -> None:
    leases = MemoryLeases()

    with pytest.raises(Unavailable):
        run(leases, Broken({}))

    assert leases.until_ms == {}


def test_a_lease_outlives_the_invocation_by_the_skew_of_clocks() -> None:
    taken: list[int] = []

    class Watched(MemoryLeases):
        def release(self, job: str, until_ms: int) -> None:
            taken.append(until_ms)

    run(Watched())

    assert taken == [Clock().milliseconds() + REMAINING_MS + CLOCK_SKEW_MS]
