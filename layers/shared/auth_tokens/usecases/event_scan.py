"""Events chosen by what is encrypted in them: read in order and looked at one by one, within a bound."""

from collections.abc import Callable

from auth_tokens.domain.events import RecordedEvent

CHUNK = 500
# Of one call: some tenths of a second. Where it did not suffice, the page is short and its cursor leads on.
MAX_READ = 5000

# The events before an id, newest first, at most so many.
Read = Callable[[bytes, int], list[RecordedEvent]]


def scan(
    read: Read,
    is_wanted: Callable[[RecordedEvent], bool],
    before: bytes,
    limit: int,
    chunk: int = CHUNK,
) -> tuple[list[RecordedEvent], bytes | None]:
    """At most `limit` of the wanted events, and where to go on: None where there are no more. chunk: how many are read
    at a time."""
    found: list[RecordedEvent] = []
    for _ in range(MAX_READ // chunk):
        events = read(before, chunk)
        for event in filter(is_wanted, events):
            if len(found) == limit:
                return found, found[-1].id
            found.append(event)
        if len(events) < chunk:
            return found, None
        before = events[-1].id
    return found, before
