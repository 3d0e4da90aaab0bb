"""What goes to the event bus next: in order for each user, whatever the bus refuses."""

from collections.abc import Collection, Iterable

from auth_tokens.domain.events import RecordedEvent

# What EventBridge takes in one request.
BATCH_EVENTS = 10


def next_batch(waiting: Iterable[RecordedEvent], held: Collection[str]) -> list[RecordedEvent]:
    """The first events that may go together, at most BATCH_EVENTS; empty if none may.

    waiting: in order; held: users with an event that was refused: what follows it waits for it. One event of a
    user is enough in a batch, since the bus may take the second and refuse the first. Events of nobody are
    tied to none.
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
