"""PutEvents: ten entries and 256 KB a request, and what becomes of each entry."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from auth_tokens.adapters.event_bus import MAX_BYTES, MAX_ENTRIES, EventBridgeBus
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.events import RecordedEvent


class FakeEvents:
    """The client of EventBridge. Refuses the events of `refused`; fails while `error` is set."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, Any]]] = []
        self.refused: set[str] = set()
        self.error: Exception | None = None

    def put_events(self, **request: list[dict[str, Any]]) -> dict[str, Any]:
        entries = request["Entries"]
        self.requests.append(entries)
        if self.error:
            raise self.error
        answers = [
            {"ErrorCode": "InternalFailure"} if self._is_refused(entry) else {"EventId": "e"}
            for entry in entries
        ]
        return {"FailedEntryCount": sum("ErrorCode" in a for a in answers), "Entries": answers}

    def _is_refused(self, entry: dict[str, Any]) -> bool:
        return any(number in entry["Detail"] for number in self.refused)


def event(number: int, note: str = "") -> RecordedEvent:
    return RecordedEvent(
        number.to_bytes(16, "big"), "user_revoked", 1, f"u{number}", None, None, {"note": note}
    )


@pytest.fixture
def client() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def bus(client: FakeEvents) -> EventBridgeBus:
    return EventBridgeBus("security", lambda: client)


def test_a_request_has_no_more_entries_than_the_bus_takes(bus: EventBridgeBus, client: FakeEvents) -> None:
    bus.publish([event(n) for n in range(2 * MAX_ENTRIES + 1)])

    assert [len(request) for request in client.requests] == [MAX_ENTRIES, MAX_ENTRIES, 1]


def test_a_request_has_no_more_bytes_than_the_bus_takes(bus: EventBridgeBus, client: FakeEvents) -> None:
    third = "x" * (MAX_BYTES // 3)

    bus.publish([event(n, third) for n in range(5)])

    assert [len(request) for request in client.requests] == [2, 2, 1]


def test_entries_that_were_refused_are_named_and_no_others(bus: EventBridgeBus, client: FakeEvents) -> None:
    client.refused = {'"u1"', '"u12"'}

    refused = bus.publish([event(n) for n in range(14)])

    assert refused == {event(1).id, event(12).id}


def test_everything_goes_to_the_bus_that_was_named(bus: EventBridgeBus, client: FakeEvents) -> None:
    bus.publish([event(1)])

    assert client.requests[0][0]["EventBusName"] == "security"


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events.test"),
    ],
    ids=["refused", "out of reach"],
)
def test_a_bus_that_does_not_answer_is_unavailable(
    bus: EventBridgeBus, client: FakeEvents, error: Exception
) -> None:
    client.error = error

    with pytest.raises(Unavailable):
        bus.publish([event(1)])


def test_nothing_is_asked_for_nothing(bus: EventBridgeBus, client: FakeEvents) -> None:
    assert bus.publish([]) == frozenset()
    assert client.requests == []
