"""Findings for operators: a filtered page of them, one with its evidence, and what has become of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auth_tokens.domain.analytics.detections import read_since
from auth_tokens.domain.analytics.finding_states import FindingState, state_of
from auth_tokens.domain.analytics.findings import EVIDENCE_TYPES, Rule, Severity
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.event_kinds import finding_changed
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent
from auth_tokens.domain.ids import MAX_UUID, parse_uuid, uuid_text
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventQuery, FindingInbox
from auth_tokens.usecases.event_scan import CHUNK, scan
from auth_tokens.usecases.list_events import (
    MAX_PAGE,
    MAX_SPAN_S,
    chosen,
    position_before,
    refuse_empty_span,
)


@dataclass(frozen=True, slots=True)
class FindingsDeps:
    events: EventQuery
    inbox: FindingInbox
    clock: Clock


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """None: whatever. since, until: epoch seconds, the first included; cursor: the id of the last one seen."""

    state: str | None = None
    rule: str | None = None
    severity: str | None = None
    user_id: str | None = None
    since: int | None = None
    until: int | None = None
    cursor: str | None = None
    limit: int = MAX_PAGE


@dataclass(frozen=True, slots=True)
class FindingView:
    """event: that reports it; changes: of its state, newest first."""

    event: RecordedEvent
    changes: Sequence[RecordedEvent]

    @property
    def state(self) -> FindingState:
        return state_of(self.changes)


@dataclass(frozen=True, slots=True)
class FindingPage:
    findings: list[FindingView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FindingEvidence:
    """evidence: the events that it names; search: a filter of the list of events that shows all of them. That of one
    source begins with the hour that the rule had read, as sign-ins before the first failure count."""

    finding: FindingView
    evidence: list[RecordedEvent]
    search: Mapping[str, str | int]


def list_findings(wanted: FindingFilter, deps: FindingsDeps) -> FindingPage:
    """One page, newest first. Raises InvalidRequest naming the parameter, Unavailable."""
    if not 1 <= wanted.limit <= MAX_PAGE:
        raise InvalidRequest(f"limit must be from 1 to {MAX_PAGE}.")
    refuse_empty_span(wanted.since, wanted.until)
    state = chosen(FindingState, "state", wanted.state)
    members = {
        "rule": chosen(Rule, "rule", wanted.rule),
        "severity": chosen(Severity, "severity", wanted.severity),
    }
    since = max(wanted.since or 0, deps.clock() - MAX_SPAN_S)
    changes = _changes(since, deps)

    def is_wanted(event: RecordedEvent) -> bool:
        is_in_state = state is None or state_of(changes.of(event)) is state
        return is_in_state and all(v is None or event.detail.get(m) == v.value for m, v in members.items())

    selection = EventSelection(since, user_id=wanted.user_id, kinds=(EventType.FINDING,))
    before = position_before(wanted.cursor, wanted.until)
    found, after = scan(lambda at, n: deps.events.search(selection, at, n), is_wanted, before, wanted.limit)
    views = [FindingView(event, changes.of(event)) for event in found]
    return FindingPage(views, uuid_text(after) if after is not None else None)


def get_finding(finding_id: str, deps: FindingsDeps) -> FindingEvidence:
    """One with its evidence, as far as that is still kept. Raises NotFound, Unavailable."""
    view = _finding(finding_id, deps)
    named = [parse_uuid(text) for text in str(view.event.detail.get("evidence", "")).split()]
    evidence = deps.events.of_ids([event_id for event_id in named if event_id is not None])
    return FindingEvidence(view, evidence, _search(view.event))


def change_finding(
    finding_id: str, state: FindingState, note: str, caller: Caller, deps: FindingsDeps
) -> FindingView:
    """Say what has become of it, and of the earlier ones of its rule and subject. The last word counts, and all stay.
    Raises NotFound, Unavailable."""
    finding = finding_event(finding_id, deps.events)
    deps.inbox.change(finding, state, finding_changed(finding, state, note, caller, deps.clock()))
    return _finding(finding_id, deps)


def finding_event(finding_id: str, events: EventQuery) -> RecordedEvent:
    """The event that reports a finding. Raises NotFound, Unavailable."""
    identifier = parse_uuid(finding_id)
    found = events.of_ids([identifier]) if identifier else []
    if not found or found[0].type != EventType.FINDING.value:
        raise NotFound()
    return found[0]


def _finding(finding_id: str, deps: FindingsDeps) -> FindingView:
    event = finding_event(finding_id, deps.events)
    return FindingView(event, _changes(event.at, deps).of(event))


class _Changes:
    """Changes of states, newest first, by what they are about."""

    def __init__(self) -> None:
        self._of_finding: dict[str, list[RecordedEvent]] = defaultdict(list)
        self._of_group: dict[tuple[object, object], list[RecordedEvent]] = defaultdict(list)

    def add(self, change: RecordedEvent) -> None:
        rule, subject = change.detail.get("rule"), change.detail.get("subject")
        if rule is None or subject is None:  # of an earlier release
            self._of_finding[str(change.detail.get("finding_id"))].append(change)
        else:
            self._of_group[rule, subject].append(change)

    def of(self, finding: RecordedEvent) -> list[RecordedEvent]:
        """Those of this finding, or of a later one of its rule and subject."""
        finding_id = uuid_text(finding.id)
        group = self._of_group[finding.detail.get("rule"), finding.detail.get("subject")]
        later = [change for change in group if str(change.detail.get("finding_id")) >= finding_id]
        return [*later, *self._of_finding[finding_id]]


def _changes(since: int, deps: FindingsDeps) -> _Changes:
    """All since an instant: no more than operators made."""
    selection = EventSelection(since, kinds=(EventType.FINDING_CHANGED,))
    changes, before = _Changes(), MAX_UUID
    while True:
        chunk = deps.events.search(selection, before, CHUNK)
        for event in chunk:
            changes.add(event)
        if len(chunk) < CHUNK:
            return changes
        before = chunk[-1].id


def _search(event: RecordedEvent) -> dict[str, str | int]:
    detail = event.detail
    kind = EVIDENCE_TYPES.get(str(detail.get("rule")))
    # That of several networks is of their site, which no single event has for its source.
    is_of_one = event.source_hash is not None and detail.get("sources") == 1
    search: dict[str, str | int | None] = {
        "type": kind.value if kind else None,
        "user_id": event.user_id,
        "session_id": uuid_text(event.session_id) if event.session_id else None,
        "source": event.source_hash.hex() if event.source_hash and is_of_one else None,
        "since": read_since(event) if is_of_one else int(detail.get("first_at", event.at)),
        "until": int(detail.get("last_at", event.at)) + 1,
    }
    return {name: value for name, value in search.items() if value is not None}
