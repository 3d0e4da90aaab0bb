"""Findings and what has become of them, from a list of events in memory."""

import pytest

from auth_tokens.domain.analytics.detections import WINDOW_S
from auth_tokens.domain.analytics.finding_groups import FindingGroup, GroupPlace, GroupSelection
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import EVIDENCE_TYPES, Finding, Rule
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.events import EventType, RecordedEvent, SecurityEvent
from auth_tokens.domain.ids import first_uuid_at, uuid_text
from auth_tokens.usecases.findings import (
    FindingFilter,
    FindingsDeps,
    change_finding,
    get_finding,
    list_findings,
)
from auth_tokens.usecases.list_events import MAX_SPAN_S
from tests.support.world import START, Clock
from tests.unit.usecases.test_list_events import MemoryEvents

OPERATOR = Caller(actor="arn:aws:iam::123456789012:user/op")
UNKNOWN = "01900000-0000-7000-8000-000000000000"


class Log(MemoryEvents):
    """Also as much of port ports.events.FindingInbox as changes states."""

    def report(self, finding: Finding, now: int) -> None:
        raise NotImplementedError

    def groups(self, wanted: GroupSelection, after: GroupPlace, limit: int) -> list[FindingGroup]:
        raise NotImplementedError

    def counts(self) -> dict[FindingState, int]:
        raise NotImplementedError

    def change(self, finding: RecordedEvent, state: FindingState, event: SecurityEvent) -> None:
        self.add(event.type, event.at, event.user_id, **event.detail)

    def add(self, kind: EventType, at: int, user_id: str | None = None, **detail: str | int) -> RecordedEvent:
        number = len(self.events).to_bytes(1, "big")
        added = RecordedEvent(
            first_uuid_at(at)[:-1] + number, kind.value, at, user_id, None, b"s" * 16, detail
        )
        self.events.append(added)
        return added

    def finding(self, rule: str = "far_apart", severity: str = "high", **more: str | int) -> str:
        return uuid_text(
            self.add(EventType.FINDING, START - 60, "alice", rule=rule, severity=severity, **more).id
        )


@pytest.fixture
def log() -> Log:
    return Log([])


def deps(log: Log) -> FindingsDeps:
    return FindingsDeps(log, log, Clock())


def listed(log: Log, **wanted: object) -> list[str]:
    page = list_findings(FindingFilter(**wanted), deps(log))  # type: ignore[arg-type]
    return [uuid_text(finding.event.id) for finding in page.findings]


def test_a_finding_is_open_until_somebody_says_something_and_the_last_word_counts(log: Log) -> None:
    finding = log.finding()
    for state in (FindingState.ACKNOWLEDGED, FindingState.CLOSED, FindingState.OPEN, FindingState.CLOSED):
        changed = change_finding(finding, state, f"now {state.value}", OPERATOR, deps(log))

        assert changed.state is state
        assert changed.changes[0].detail["actor"] == OPERATOR.actor
        assert changed.changes[0].detail["note"] == f"now {state.value}"
    assert len(get_finding(finding, deps(log)).finding.changes) == 4


def test_a_state_is_that_of_the_earlier_ones_of_rule_and_subject_and_of_no_later_one(log: Log) -> None:
    other = log.finding(subject="bob")
    first, second = log.finding(subject="alice"), log.finding(subject="alice")
    change_finding(second, FindingState.CLOSED, "", OPERATOR, deps(log))
    third = log.finding(subject="alice")

    assert listed(log, state="closed") == [second, first]
    assert listed(log, state="open") == [third, other]

    change_finding(first, FindingState.OPEN, "", OPERATOR, deps(log))

    assert listed(log, state="closed") == [second]


def test_a_change_that_an_earlier_release_wrote_is_of_its_finding_alone(log: Log) -> None:
    first, second = log.finding(subject="alice"), log.finding(subject="alice")
    log.add(EventType.FINDING_CHANGED, START, finding_id=second, state="closed")

    assert listed(log, state="closed") == [second]
    assert listed(log, state="open") == [first]


def test_a_filter_leaves_those_of_a_state_a_rule_and_a_severity(log: Log) -> None:
    closed = log.finding()
    low, other = log.finding(severity="low", subject="bob"), log.finding(rule="reuse_spike")
    change_finding(closed, FindingState.CLOSED, "", OPERATOR, deps(log))

    assert listed(log) == [other, low, closed]
    assert listed(log, state="open") == [other, low]
    assert listed(log, state="closed") == [closed]
    assert listed(log, severity="low") == [low]
    assert listed(log, rule="reuse_spike", state="open") == [other]
    assert listed(log, user_id="bob") == []


def test_a_page_leads_to_the_next(log: Log) -> None:
    findings = [log.finding() for _ in range(3)]

    first = list_findings(FindingFilter(limit=2), deps(log))

    assert [uuid_text(f.event.id) for f in first.findings] == findings[:0:-1]
    assert listed(log, cursor=first.next_cursor, limit=2) == findings[:1]


def test_both_edges_of_a_span_are_kept(log: Log) -> None:
    finding = log.finding()

    assert listed(log, since=START - 60) == listed(log, until=START - 59) == [finding]
    assert listed(log, since=START - 59) == listed(log, until=START - 60) == []


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"state": "done"}, "open, acknowledged, closed"),
        ({"rule": "stuffing"}, "stuffing_from_one_source"),
        ({"severity": "HIGH"}, "low, medium, high"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
    ],
)
def test_a_mistyped_filter_is_refused_with_what_there_is(
    log: Log, wanted: dict[str, object], says: str
) -> None:
    log.finding()

    with pytest.raises(InvalidRequest, match=says):
        listed(log, **wanted)


def test_what_is_no_finding_is_not_found_and_not_changed(log: Log) -> None:
    login = log.add(EventType.LOGIN_FAILED, START)

    for finding in (uuid_text(login.id), UNKNOWN, "x", ""):
        with pytest.raises(NotFound):
            get_finding(finding, deps(log))
        with pytest.raises(NotFound):
            change_finding(finding, FindingState.CLOSED, "", OPERATOR, deps(log))
    assert len(log.events) == 1


def test_it_comes_with_the_events_it_names_and_a_search_for_all_of_them(log: Log) -> None:
    named = [log.add(EventType.LOGIN_FAILED, START - 90), log.add(EventType.LOGIN_FAILED, START - 80)]
    evidence = " ".join([*(uuid_text(event.id) for event in named), UNKNOWN])
    finding = log.finding(
        "stuffing_from_one_source", sources=1, first_at=START - 90, last_at=START - 80, evidence=evidence
    )

    found = get_finding(finding, deps(log))

    assert found.evidence == named
    assert found.search == {
        "type": "login_failed",
        "user_id": "alice",
        "source": (b"s" * 16).hex(),
        "since": START - 60 - WINDOW_S,
        "until": START - 79,
    }


def test_the_source_of_a_site_is_no_source_of_events(log: Log) -> None:
    finding = log.finding("stuffing_from_one_source", sources=2)

    assert "source" not in get_finding(finding, deps(log)).search


def test_every_rule_says_which_events_show_it() -> None:
    assert set(EVIDENCE_TYPES) == {rule.value for rule in Rule}


def test_a_finding_from_before_the_span_is_not_listed(log: Log) -> None:
    log.add(EventType.FINDING, START - MAX_SPAN_S - 1, rule="far_apart", severity="low")

    assert listed(log) == []
