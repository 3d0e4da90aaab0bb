import random
from array import array

import pytest

from auth_tokens.adapters.ids_by_span import SPAN_S, IdsBySpan

NOW = 1_800_000_000 // SPAN_S * SPAN_S


def an_id(number: int) -> bytes:
    return bytes(8) + number.to_bytes(8, "big")


def halves(*numbers: int) -> bytes:
    return b"".join(an_id(number)[8:] for number in numbers)


def test_it_knows_what_was_added_and_nothing_else() -> None:
    ids = IdsBySpan()
    ids.add(halves(4, 2), NOW)
    ids.add(halves(3), NOW + SPAN_S)

    assert [number for number in range(7) if an_id(number) in ids] == [2, 3, 4]
    assert len(ids) == 3


@pytest.mark.parametrize("size", [5000, 20_000])
def test_it_knows_a_crowd_and_counts_each_once(size: int) -> None:
    ids, numbers = IdsBySpan(), random.Random(1).sample(range(2**62), size)
    for first in range(0, size, 700):
        ids.add(halves(*numbers[first : first + 700]), NOW)
    ids.add(halves(*numbers), NOW)

    assert len(ids) == size
    assert all(an_id(number) in ids for number in numbers)
    assert not any(an_id(number + 1) in ids for number in numbers if number + 1 not in set(numbers[:0]))


def test_ids_go_with_their_span_and_not_a_second_earlier() -> None:
    ids = IdsBySpan()
    ids.add(halves(1), NOW)
    ids.add(halves(2), NOW + SPAN_S)

    ids.drop(NOW + SPAN_S - 1)
    assert an_id(1) in ids

    ids.drop(NOW + SPAN_S)
    assert [an_id(number) in ids for number in (1, 2)] == [False, True]


def test_an_id_that_was_dropped_may_come_again() -> None:
    ids = IdsBySpan()
    ids.add(halves(1), NOW)
    ids.drop(NOW + SPAN_S)
    assert an_id(1) not in ids

    ids.add(halves(1), NOW + SPAN_S)
    assert an_id(1) in ids


def test_an_id_is_known_at_once_whether_or_not_others_have_been_put_in_order() -> None:
    ids, numbers = IdsBySpan(), random.Random(2).sample(range(2**62), 9000)
    for place, number in enumerate(numbers):
        ids.add(halves(number), NOW + place % 3 * SPAN_S)
        if place % 1000 == 0:
            assert an_id(number) in ids

    assert all(an_id(number) in ids for number in numbers)
    assert len(ids) == len(numbers)


def test_nearly_every_other_id_is_told_from_all_of_them_by_one_bit() -> None:
    """It is what makes a look-up cheap: the spans are looked into for an id in eight at most."""
    ids, others = IdsBySpan(), random.Random(3)
    for _ in range(40):
        ids.add(others.randbytes(8 * 1000), NOW)
    assert others.randbytes(16) not in ids
    looked_into: list[int] = []
    ids._spans = {0: Recorder(looked_into)}  # type: ignore[dict-item]

    for _ in range(4000):
        assert others.randbytes(16) not in ids

    assert len(looked_into) < 4000 / 8 * 1.2


class Recorder:
    """A span that has nothing, and notes who asks."""

    def __init__(self, asked: list[int]) -> None:
        self.asked = asked

    def __contains__(self, key: int) -> bool:
        self.asked.append(key)
        return False


def test_what_was_read_again_counts_once_and_the_bound_is_no_less() -> None:
    ids = IdsBySpan()
    for _ in range(3):
        ids.add(halves(*range(5000)), NOW)

    assert ids.at_most >= 5000
    assert len(ids) == ids.at_most == 5000


def test_a_hundred_thousand_ids_take_little_more_than_a_megabyte() -> None:
    ids = IdsBySpan()
    for first in range(0, 100_000, 64):
        ids.add(array("Q", range(first, first + 64)).tobytes(), NOW)
    assert len(ids) == 100_032

    [span] = ids._spans.values()
    assert span.sorted.itemsize * len(span.sorted) == 800_256
    assert not (span.unsorted or span.new)
    assert len(ids._sieve.bits) <= 500_000
