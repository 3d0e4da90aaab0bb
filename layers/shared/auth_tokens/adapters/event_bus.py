"""EventBridge: security events for subscribers, such as a SIEM (docs/reference/events.md has their form)."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RecordedEvent
from auth_tokens.time_left import call_within, seconds_left

SOURCE = "auth-user-tokens"
# What EventBridge takes in one request.
MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024
# For one request with its second try. usecases.publish_events starts no batch with less than 12 s left, some of which
# are for marking the events and for the answer.
PUT_S = 9
# EventBridge counts this many bytes for the time of an entry.
_TIME_BYTES = 14


class EventBridgeBus:
    """Port ports.events.EventBus by PutEvents.

    make_client: builds the boto3 client at first need, as KmsKeyWrapper does.
    """

    def __init__(self, bus: str, make_client: Callable[[], Any]) -> None:
        self._bus = bus
        self._make_client = make_client
        self._client: Any = None

    def publish(self, events: Sequence[RecordedEvent]) -> frozenset[bytes]:
        refused: set[bytes] = set()
        for request in _requests(events):
            answers = self._put([entry_of(event, self._bus) for event in request])
            refused |= {
                event.id for event, answer in zip(request, answers, strict=True) if answer.get("ErrorCode")
            }
        return frozenset(refused)

    def _put(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError

        timeout_s = seconds_left(PUT_S)
        if timeout_s <= 0:
            raise Unavailable("no time left for the event bus")
        try:
            if self._client is None:
                self._client = self._make_client()
            put = self._client.put_events
            # botocore's own timeouts restart with each byte.
            answers: list[dict[str, Any]] = call_within(timeout_s, lambda: put(Entries=entries)["Entries"])
        except TimeoutError as exc:
            raise Unavailable("events put_events: no answer in time") from exc
        except (BotoCoreError, ClientError) as exc:
            raise Unavailable(f"events put_events: {type(exc).__name__}") from exc
        return answers


def entry_of(event: RecordedEvent, bus: str) -> dict[str, Any]:
    """An event as PutEvents takes it. An event that is published twice has the same `id` in its detail."""
    return {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": event.type,
        "Time": datetime.fromtimestamp(event.at, timezone.utc),
        "Detail": json.dumps(event.public_view()),
    }


def events_client() -> Any:
    """A client with short timeouts: the next run tries again."""
    import boto3
    from botocore.config import Config

    timeouts = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    return boto3.client("events", config=timeouts)


def _requests(events: Sequence[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    """The events in order, in as few requests as the limits allow."""
    request: list[RecordedEvent] = []
    size = 0
    for event in events:
        entry = entry_of(event, "")
        entry_bytes = _TIME_BYTES + sum(len(entry[k].encode()) for k in ("Source", "DetailType", "Detail"))
        if request and (len(request) == MAX_ENTRIES or size + entry_bytes > MAX_BYTES):
            yield request
            request, size = [], 0
        request.append(event)
        size += entry_bytes
    if request:
        yield request
