"""What goes to the bus next."""

from auth_tokens.domain.events import RecordedEvent
from auth_tokens.domain.outbox import BATCH_EVENTS, next_batch


def event(number: int, user_id: str | None) -> RecordedEvent:
    return RecordedEvent(bytes([number]), "login_failed", 0, user_id, None, None, {})


def numbers(events: list[RecordedEvent]) -> list[int]:
    return [e.id[0] for e in events]


def test_a_batch_has_one_event_of_a_user_the_first() -> None:
    waiting = [event(1, "a"), event(2, "a"), event(3, "b"), event(4, "a"), event(5, "b")]

    assert numbers(next_batch(waiting, set())) == [1, 3]


def test_events_of_nobody_are_tied_to_none() -> None:
    waiting = [event(1, None), event(2, None), event(3, "a")]

    assert numbers(next_batch(waiting, set())) == [1, 2, 3]


def test_a_user_who_is_held_up_holds_up_nobody_else() -> None:
    waiting = [event(1, "a"), event(2, "b"), event(3, "a")]

    assert numbers(next_batch(waiting, {"a"})) == [2]


def test_a_batch_is_no_larger_than_the_bus_takes() -> None:
    waiting = [event(number, None) for number in range(BATCH_EVENTS + 1)]

    assert numbers(next_batch(waiting, set())) == list(range(BATCH_EVENTS))


def test_nothing_is_left_when_all_are_held_up() -> None:
    assert next_batch([event(1, "a")], {"a"}) == []
    assert next_batch([], set()) == []
