"""The clock that is read once an invocation."""

from auth_tokens.time_left import OncePerInvocation, timed
from tests.support.world import Clock


def test_within_an_invocation_the_clock_is_read_once() -> None:
    clock = Clock()
    once = OncePerInvocation(clock)

    @timed
    def handler(event: object, context: object) -> list[int]:
        first = once()
        clock.now += 60
        return [first, once()]

    first, later = handler({}, None)

    assert first == later


def test_the_next_invocation_reads_it_again() -> None:
    clock = Clock()
    once = OncePerInvocation(clock)
    handler = timed(lambda event, context: once())
    first = handler({}, None)
    clock.now += 60

    assert handler({}, None) == first + 60


def test_an_invocation_within_another_is_the_same_one() -> None:
    clock = Clock()
    once = OncePerInvocation(clock)
    inner = timed(lambda event, context: once())

    @timed
    def outer(event: object, context: object) -> list[int]:
        first = once()
        clock.now += 60
        return [first, inner({}, None)]

    first, within = outer({}, None)

    assert first == within


def test_outside_of_an_invocation_it_is_read_each_time() -> None:
    clock = Clock()
    once = OncePerInvocation(clock)
    timed(lambda event, context: once())({}, None)
    before = once()
    clock.now += 60

    assert once() == before + 60
