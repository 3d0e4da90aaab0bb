"""Findings are reported once. domain/analytics/detections.py has the rules, and their own test."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from auth_tokens.domain.analytics.detections import WINDOW_S
from auth_tokens.domain.analytics.finding_groups import FindingGroup, GroupPlace, GroupSelection
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Finding
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent, SecurityEvent
from auth_tokens.usecases.analytics.detect import DetectDeps, Detection, detect
from tests.support.memory_figures import MemoryRollups
from tests.support.world import START, Clock


@dataclass
class Log:
    """Port ports.events.EventQuery, and as much of FindingInbox as reports."""

    events: list[RecordedEvent] = field(default_factory=list)

    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        found = [e for e in self.events if e.at >= since and (kind is None or e.type == kind.value)]
        return found[:limit]

    def search(self, wanted: EventSelection, before: bytes, limit: int) -> list[RecordedEvent]:
        raise NotImplementedError

    def of_ids(self, ids: Sequence[bytes]) -> list[RecordedEvent]:
        raise NotImplementedError

    def report(self, finding: Finding, now: int) -> None:
        event = finding.as_event(now)
        self.add(event.type, event.at, event.user_id, event.detail)

    def change(self, finding: RecordedEvent, state: FindingState, event: SecurityEvent) -> None:
        raise NotImplementedError

    def groups(self, wanted: GroupSelection, after: GroupPlace, limit: int) -> list[FindingGroup]:
        raise NotImplementedError

    def counts(self) -> dict[FindingState, int]:
        raise NotImplementedError

    def add(
        self, kind: EventType, at: int, user_id: str | None, detail: dict[str, str | int] | None = None
    ) -> None:
        number = len(self.events).to_bytes(16, "big")
        self.events.append(RecordedEvent(number, kind.value, at, user_id, None, b"s", detail or {}))


def detected(log: Log, rollups: MemoryRollups | None = None, now: int = START) -> Detection:
    return detect(DetectDeps(log, log, rollups or MemoryRollups({}), Clock(now)))


def reuses(count: int, at: int = START - 60) -> Log:
    log = Log()
    for number in range(count):
        log.add(EventType.TOKEN_REUSE_DETECTED, at, f"user {number}")
    return log


def test_a_finding_is_recorded_as_an_event_and_not_again() -> None:
    log = reuses(5)

    first, second = detected(log), detected(log)

    assert (len(first.findings), second.findings) == (1, [])
    assert [event.type for event in log.events].count("finding") == 1


def test_without_a_finding_nothing_is_recorded() -> None:
    log = reuses(4)

    assert detected(log) == Detection([], is_partial=False)
    assert len(log.events) == 4


def test_events_before_the_window_count_for_nothing() -> None:
    assert detected(reuses(5, START - WINDOW_S)).findings
    assert not detected(reuses(5, START - WINDOW_S - 1)).findings


def test_what_is_usual_is_no_finding() -> None:
    rollups = MemoryRollups({})
    until = hour_of(START - WINDOW_S)
    rollups.kept = {until - number * HOUR_S: {"token_reuse_detected": 2} for number in range(1, 25)}

    assert not detected(reuses(9), rollups).findings
    assert detected(reuses(10), rollups).findings
