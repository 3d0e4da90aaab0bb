"""Security events: written, read back, and sent on."""

from collections.abc import Sequence
from typing import Protocol

from auth_tokens.domain.analytics.finding_groups import FindingGroup, GroupPlace, GroupSelection
from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Finding
from auth_tokens.domain.events import EventSelection, EventType, RecordedEvent, SecurityEvent


class EventLog(Protocol):
    def record(self, event: SecurityEvent) -> None:
        """Write an event that belongs to no other write."""


class EventQuery(Protocol):
    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        """Newest first, ids below `before`."""

    def search(self, wanted: EventSelection, before: bytes, limit: int) -> list[RecordedEvent]:
        """The same by more filters."""

    def of_ids(self, ids: Sequence[bytes]) -> list[RecordedEvent]:
        """Those of at most 100 ids that are there, newest first."""


class FindingInbox(Protocol):
    """Findings by rule and subject. Raises Unavailable."""

    def report(self, finding: Finding, now: int) -> None:
        """Write the event of a new finding, which opens its group: both or neither."""

    def change(self, finding: RecordedEvent, state: FindingState, event: SecurityEvent) -> None:
        """Write the event that gives a finding a state, and give it to its group as well, unless there is a later
        finding: both or neither."""

    def groups(self, wanted: GroupSelection, after: GroupPlace, limit: int) -> list[FindingGroup]:
        """The worst first, then the newest; those behind a place."""

    def counts(self) -> dict[FindingState, int]:
        """How many groups are in each state, each up to 10,000."""


class Outbox(Protocol):
    """The events that have yet to go to the bus."""

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        """In order, ids above `after`, older than the instant `before`."""

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        """They have gone."""

    def oldest_pending_at(self) -> int | None:
        """When the oldest was recorded; None where none is pending."""


class Replays(Protocol):
    """The outbox in an operator's hands. Raises Unavailable."""

    def count_pending(self) -> int:
        """Up to 10,000."""

    def count(self, after: bytes, before: bytes) -> int:
        """Events from an id on and before another, up to 1,000,000."""

    def replay(self, after: bytes, before: bytes, limit: int) -> bytes | None:
        """Have the first so many of them sent again; where to go on, None at their end."""

    def skip(self, event_id: bytes, at: int) -> bool:
        """Have one that is pending not sent; False where there is no such event, or it is not pending."""


class EventBus(Protocol):
    def publish(self, events: Sequence[RecordedEvent]) -> frozenset[bytes]:
        """The ids of those that the bus did not take. Raises Unavailable: it may have taken some or none."""
