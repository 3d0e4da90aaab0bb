"""Events chosen by what is encrypted in them: read in order and looked at one by one, within a bound."""

from collections.abc import Callable

from auth_tokens.domain.events import RecordedEvent

CHUNK = 500
# Of one call: some tenths of a second. Where it did not suffice, the page is short and its cursor leads on.
MAX_READ = 5000

# The events before an id, newest first, at most so many.
Read = Callable[[bytes, int], list[RecordedEvent]]


def scan(
    read: Read, is_wanted: Callable[[RecordedEvent], bool], before: bytes, limit: int
) -> tuple[list[RecordedEvent], bytes | None]:
    """At most `limit` of the wanted events, and where to go on: None where there are no more."""
    found: list[RecordedEvent] = []
    for _ in range(MAX_READ // CHUNK):
        chunk = read(before, CHUNK)
        for event in filter(is_wanted, chunk):
            if len(found) == limit:
                return found, found[-1].id
            found.append(event)
        if len(chunk) < CHUNK:
            return found, None
        before = chunk[-1].id
    return found, before
