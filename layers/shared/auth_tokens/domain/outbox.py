"""Which events go to the event bus next: in order for each user, also where the bus refuses some."""

from collections.abc import Collection, Iterable

from auth_tokens.domain.events import RecordedEvent

# What EventBridge takes in one request.
BATCH_EVENTS = 10


def next_batch(waiting: Iterable[RecordedEvent], held: Collection[str]) -> list[RecordedEvent]:
    """The first events that may go together, at most BATCH_EVENTS; empty if none may.

    waiting: in order; held: users with a refused event; their later events wait for it. A batch has at most
    one event of a user, since the bus may take the second and refuse the first. Events without a user have no order.
    """
    batch: list[RecordedEvent] = []
    passed = set(held)
    for event in waiting:
        if event.user_id is not None:
            if event.user_id in passed:
                continue
            passed.add(event.user_id)
        batch.append(event)
        if len(batch) == BATCH_EVENTS:
            break
    return batch
