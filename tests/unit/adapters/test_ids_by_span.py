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


def test_a_hundred_thousand_ids_take_less_than_a_megabyte() -> None:
    ids = IdsBySpan()
    ids.add(array("Q", range(100_000)).tobytes(), NOW)

    [span] = ids._spans.values()
    assert span.sorted.itemsize * len(span.sorted) == 800_000
    assert not span.unsorted
