"""The inbox of findings for operators: what is open first by severity, one row for each rule and subject."""

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from auth_tokens.domain.analytics.finding_groups import (
    TOP_OF_INBOX,
    FindingGroup,
    GroupPlace,
    GroupSelection,
)
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Rule, Severity
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import uuid_text
from auth_tokens.ports.events import EventQuery, FindingInbox
from auth_tokens.usecases.findings import FindingView
from auth_tokens.usecases.list_events import chosen

MAX_GROUPS = 50
_CURSOR = struct.Struct(">B16s")


@dataclass(frozen=True, slots=True)
class InboxDeps:
    inbox: FindingInbox
    events: EventQuery


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """As texts; None: whatever, and of states: open. cursor: of the page before."""

    state: str | None = None
    rule: str | None = None
    severity: str | None = None
    user_id: str | None = None
    cursor: str | None = None
    limit: int = MAX_GROUPS


@dataclass(frozen=True, slots=True)
class GroupView:
    """newest: None where its event is gone."""

    group: FindingGroup
    newest: FindingView | None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """counts: groups of each state, whatever the filter, each counted up to a bound."""

    groups: list[GroupView]
    counts: Mapping[FindingState, int]
    next_cursor: str | None


def list_inbox(wanted: InboxFilter, deps: InboxDeps) -> InboxPage:
    """One page, the worst first, then the newest; three SELECTs. Raises InvalidRequest naming the parameter,
    Unavailable."""
    if not 1 <= wanted.limit <= MAX_GROUPS:
        raise InvalidRequest(f"limit must be from 1 to {MAX_GROUPS}.")
    selection = GroupSelection(
        chosen(FindingState, "state", wanted.state) or FindingState.OPEN,
        chosen(Rule, "rule", wanted.rule),
        chosen(Severity, "severity", wanted.severity),
        wanted.user_id,
    )
    after = TOP_OF_INBOX if wanted.cursor is None else _place(wanted.cursor)
    found = deps.inbox.groups(selection, after, wanted.limit + 1)
    page = found[: wanted.limit]
    named = [each for group in page for each in (group.newest_id, group.changed_id) if each is not None]
    events = {event.id: event for event in deps.events.of_ids(named)}
    views = [GroupView(group, _newest(group, events)) for group in page]
    cursor = _cursor(page[-1].place) if len(found) > wanted.limit else None
    return InboxPage(views, deps.inbox.counts(), cursor)


def _newest(group: FindingGroup, events: Mapping[bytes, RecordedEvent]) -> FindingView | None:
    newest, change = events.get(group.newest_id), events.get(group.changed_id or b"")
    if newest is None:
        return None
    is_of_newest = change is not None and str(change.detail.get("finding_id", "")) >= uuid_text(newest.id)
    return FindingView(newest, [change] if change is not None and is_of_newest else [])


def _cursor(place: GroupPlace) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(place.rank, place.newest_id)).decode()


def _place(cursor: str) -> GroupPlace:
    try:
        return GroupPlace(*_CURSOR.unpack(base64.urlsafe_b64decode(cursor)))
    except (binascii.Error, ValueError, struct.error) as exc:
        raise InvalidRequest("cursor must be the next_cursor of the page before.") from exc
