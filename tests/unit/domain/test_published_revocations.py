"""The cursor of the revocations that are published for verifiers: nothing that is committed late is passed over."""

import pytest

from auth_tokens.domain.bounds import SETTLED_AFTER_S
from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.published_revocations import Entry, Place, place_of, published_ids, statement
from tests.support.world import START

YOUNG, OLD = START - SETTLED_AFTER_S, START - SETTLED_AFTER_S - 1


def anchor(number: int) -> bytes:
    return number.to_bytes(8, "big")


def entries(*numbers: int, at: int = YOUNG) -> list[Entry]:
    return [Entry(number, at, anchor(number), anchor(number)) for number in numbers]


def place(settled: int, read_to: int | None = None) -> Place:
    return Place(settled, anchor(settled), settled if read_to is None else read_to)


@pytest.mark.parametrize(
    ("before", "found", "after"),
    [
        (place(4), entries(5, 6, 7), place(7)),
        (place(4), [], place(4)),
        (place(4), entries(5, 7), place(5)),
        (place(4), entries(6, 7), place(4)),
        (place(4), entries(5) + entries(7, at=OLD), place(7)),
        (place(4), entries(6, at=OLD) + entries(8), place(6)),
        (place(4), entries(6, at=OLD) + entries(7, 9), place(7)),
        (place(4, read_to=9), entries(10, 11, at=OLD), place(4)),
    ],
    ids=[
        "numbers in a row",
        "nothing new",
        "a gap is awaited",
        "at once, too",
        "a gap below an old number is settled",
        "of two gaps the young one is awaited",
        "numbers in a row behind a settled gap",
        "what an earlier part awaits, the last part does not settle",
    ],
)
def test_a_reading_that_is_complete_goes_on_where_nothing_is_awaited(
    before: Place, found: list[Entry], after: Place
) -> None:
    assert before.after(found, START, is_complete=True) == after


def test_a_reading_in_parts_goes_on_behind_the_last_part() -> None:
    first = Place().after(entries(1, 2, 4, 5), START, is_complete=False)
    assert first == place(2, read_to=5)

    second = first.after(entries(6, 7), START, is_complete=False)
    assert second == place(2, read_to=7)
    assert second.after(entries(8), START, is_complete=True) == place(2)


def test_a_number_that_comes_late_is_told_by_the_next_reading() -> None:
    awaiting = Place().after(entries(1, 3), START, is_complete=True)

    assert awaiting.read_to == 1
    assert awaiting.after(entries(2, 3), START + 1, is_complete=True) == place(3)


@pytest.mark.parametrize(
    "at", [Place(), place(3), place(3, read_to=9), Place(2**63 - 1, b"\xff" * 8, 2**63 - 1)]
)
def test_a_cursor_is_read_as_it_was_written(at: Place) -> None:
    assert place_of(at.cursor) == at


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "1.2",
        "-1..1",
        "1.0a.1",
        "1.0A0A0A0A0A0A0A0A.1",
        "1..1 ",
        "1..1\n",
        "١..1",
        "1..1.1",
        "9" * 20 + "..1",
    ],
    ids=ascii,
)
def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="after"):
        place_of(cursor)


def test_the_statement_has_the_hash_of_the_ids_and_not_the_ids() -> None:
    ids = published_ids([Entry(1, START, anchor(1), anchor(1) + anchor(2)), Entry(2, START, anchor(3), b"")])

    assert ids == "AAAAAAAAAAEAAAAAAAAAAg"
    assert statement(ids, {"iss": "x"}) == {
        "iss": "x",
        "ids_sha256": "xH09ZTU9tpnhq9T4GHwjPTNeXzT2suCj3X3dUpv0KWo",
        "memory_s": 3660,
    }
