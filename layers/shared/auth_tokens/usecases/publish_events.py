"""Security events go to the event bus: at least once, in order for each user, never during a request."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.ids import NIL_UUID
from auth_tokens.domain.outbox import next_batch
from auth_tokens.ports.clock import Clock
from auth_tokens.ports.events import EventBus, Outbox

# An id is made before its transaction, and the transaction ends with its function, 10 s at most (template.yaml):
# once an event is this old, no earlier one of its user can appear any more.
SETTLE_S = 15
PAGE_EVENTS = 500
# A batch may take two tries of 5 s, and then its UPDATE.
RESERVE_MS = 12_000


@dataclass(frozen=True, slots=True)
class PublishDeps:
    """bus: None where none is configured: events then wait until there is one, or until their retention ends."""

    outbox: Outbox
    bus: EventBus | None
    clock: Clock


@dataclass(frozen=True, slots=True)
class PublishReport:
    """refused: events that the bus did not take this time; is_bus_down: it could not be asked;
    lag_s: age of the oldest pending event."""

    published: int
    refused: int
    is_bus_down: bool
    lag_s: int


def publish_events(remaining_ms: Callable[[], int], deps: PublishDeps) -> PublishReport:
    """Publish what is pending, oldest first, until nothing is left or the time is up. Resumable: an event is marked
    once the bus has it, so a run that dies in between publishes it again and loses none. One run at a time."""
    published, refused, is_down = 0, set[bytes](), False
    held: set[str] = set()
    after, waiting = NIL_UUID, list[RecordedEvent]()
    before = deps.clock() - SETTLE_S
    while deps.bus is not None and remaining_ms() >= RESERVE_MS:
        batch = next_batch(waiting, held)
        if not batch:
            waiting = deps.outbox.pending(after, before, PAGE_EVENTS)
            if not waiting:
                break
            after = waiting[-1].id
            continue
        try:
            not_taken = deps.bus.publish(batch)
        except Unavailable:
            is_down = True
            break
        taken = [event.id for event in batch if event.id not in not_taken]
        deps.outbox.mark_published(taken, deps.clock())
        held |= {event.user_id for event in batch if event.id in not_taken and event.user_id is not None}
        done = {event.id for event in batch}
        waiting = [event for event in waiting if event.id not in done]
        published, refused = published + len(taken), refused | not_taken
    return PublishReport(published, len(refused), is_down, _lag_s(deps))


def _lag_s(deps: PublishDeps) -> int:
    oldest = deps.outbox.oldest_pending_at() if deps.bus is not None else None
    return 0 if oldest is None else max(0, deps.clock() - oldest)
