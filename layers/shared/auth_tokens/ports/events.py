"""Security events: written, read back, and sent on."""

from collections.abc import Sequence
from typing import Protocol

from auth_tokens.domain.events import EventType, RecordedEvent, SecurityEvent


class EventLog(Protocol):
    def record(self, event: SecurityEvent) -> None:
        """Write an event that belongs to no other write."""


class EventQuery(Protocol):
    def page(
        self, before: bytes, since: int, user_id: str | None, kind: EventType | None, limit: int
    ) -> list[RecordedEvent]:
        """Newest first, ids below `before`."""


class Outbox(Protocol):
    """The events that have yet to go to the bus."""

    def pending(self, after: bytes, before: int, limit: int) -> list[RecordedEvent]:
        """In order, ids above `after`, older than the instant `before`."""

    def mark_published(self, ids: Sequence[bytes], at: int) -> None:
        """They have gone."""

    def oldest_pending_at(self) -> int | None:
        """When the oldest was recorded; None where none is pending."""


class EventBus(Protocol):
    def publish(self, events: Sequence[RecordedEvent]) -> frozenset[bytes]:
        """The ids of those that the bus did not take. Raises Unavailable: it may have taken some or none."""
