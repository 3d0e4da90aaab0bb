from auth_tokens.adapters.recent_ids import RecentIds
from tests.support.world import START


def an_id(number: int) -> bytes:
    return bytes(8) + number.to_bytes(8, "big")


def test_a_hundred_thousand_ids_take_less_than_two_megabytes() -> None:
    ids = RecentIds()
    ids.add(((an_id(number), START) for number in range(100_000)), START)

    assert len(ids) == 100_000
    assert all(array.itemsize * len(array) <= 800_000 for array in (ids._keys, ids._instants))


def test_recent_ids_know_what_was_added_and_nothing_else() -> None:
    ids = RecentIds()
    ids.add([(an_id(4), START), (an_id(2), START + 1)], START)
    ids.add([(an_id(3), START + 9), (an_id(4), START)], START + 1)

    assert [number for number in range(7) if an_id(number) in ids] == [2, 3]
