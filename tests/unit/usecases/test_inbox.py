"""A page of the inbox, from groups in memory."""

from dataclasses import dataclass, field, replace

import pytest

from auth_tokens.domain.analytics.finding_groups import FindingGroup, GroupPlace, GroupSelection
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Finding, Rule, Severity
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import RecordedEvent, SecurityEvent
from auth_tokens.domain.ids import first_uuid_at, uuid_text
from auth_tokens.usecases.inbox import MAX_GROUPS, InboxDeps, InboxFilter, InboxPage, list_inbox
from tests.support.world import START
from tests.unit.usecases.test_list_events import MemoryEvents

FOUND, CHANGED = first_uuid_at(START), first_uuid_at(START + 9)
GROUP = FindingGroup("far_apart", "alice", FindingState.CLOSED, Severity.HIGH, 3, START, FOUND, CHANGED)


@dataclass
class MemoryInbox:
    """As much of port ports.events.FindingInbox as is read."""

    found: list[FindingGroup]
    asked: list[tuple[GroupSelection, GroupPlace]] = field(default_factory=list)

    def report(self, finding: Finding, now: int) -> None:
        raise NotImplementedError

    def change(self, finding: RecordedEvent, state: FindingState, event: SecurityEvent) -> None:
        raise NotImplementedError

    def groups(self, wanted: GroupSelection, after: GroupPlace, limit: int) -> list[FindingGroup]:
        self.asked.append((wanted, after))
        return self.found[:limit]

    def counts(self) -> dict[FindingState, int]:
        return dict.fromkeys(FindingState, 7)


def event(event_id: bytes, kind: str, **detail: str | int) -> RecordedEvent:
    return RecordedEvent(event_id, kind, START, None, None, None, detail)


def page(inbox: MemoryInbox, *events: RecordedEvent, **wanted: object) -> InboxPage:
    return list_inbox(InboxFilter(**wanted), InboxDeps(inbox, MemoryEvents(list(events))))  # type: ignore[arg-type]


def test_a_group_comes_with_its_newest_finding_and_what_became_of_it() -> None:
    newest = event(FOUND, "finding", severity="high")
    change = event(CHANGED, "finding_changed", finding_id=uuid_text(FOUND), state="closed", actor="user:op")

    [view] = page(MemoryInbox([GROUP]), newest, change).groups

    assert view.newest is not None
    assert (view.newest.event, list(view.newest.changes)) == (newest, [change])


def test_a_change_of_an_earlier_finding_is_none_of_the_newest() -> None:
    change = event(CHANGED, "finding_changed", finding_id=uuid_text(first_uuid_at(START - 9)), state="closed")

    [view] = page(MemoryInbox([GROUP]), event(FOUND, "finding"), change).groups

    assert view.newest is not None
    assert view.newest.state is FindingState.OPEN


def test_a_group_whose_event_is_gone_is_still_listed() -> None:
    [view] = page(MemoryInbox([GROUP])).groups

    assert (view.group, view.newest) == (GROUP, None)


def test_a_page_s_cursor_is_the_place_of_its_last_group() -> None:
    inbox = MemoryInbox([GROUP, replace(GROUP, subject="bob", severity=Severity.LOW), GROUP])

    first = page(inbox, limit=2)
    page(inbox, cursor=first.next_cursor, state="closed", rule="far_apart")

    assert len(first.groups) == 2
    assert inbox.asked[1] == (
        GroupSelection(FindingState.CLOSED, Rule.FAR_APART),
        GroupPlace(Severity.LOW.rank, FOUND),
    )
    assert page(MemoryInbox([GROUP])).next_cursor is None


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"state": "done"}, "open, acknowledged, closed"),
        ({"rule": "x"}, "stuffing_from_one_source"),
        ({"severity": "x"}, "low, medium, high"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": MAX_GROUPS + 1}, f"1 to {MAX_GROUPS}"),
    ],
    ids=str,
)
def test_a_mistyped_filter_is_refused_with_what_there_is(wanted: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        page(MemoryInbox([]), **wanted)
