"""What of the log is read and kept, its rows in the test's hand."""

import pytest

from auth_tokens.adapters.revocation_log import WINDOW, RevocationLog
from auth_tokens.domain.bounds import SETTLED_AFTER_S
from auth_tokens.domain.cutoffs import Cutoff
from auth_tokens.domain.errors import Unavailable
from tests.support.fakes import FakeRevocationLog
from tests.support.world import START


def an_id(number: int) -> bytes:
    return bytes(8) + number.to_bytes(8, "big")


class Reader:
    def __init__(self) -> None:
        self.source = FakeRevocationLog()
        self.log = RevocationLog(self.source)

    def read(self, now: int = START) -> list[tuple[int, int, list[int]]]:
        """What this read asked for."""
        self.source.reads = []
        assert self.log.read(now)
        return self.source.reads

    def write(self, *numbers: int, now: int = START) -> None:
        for number in numbers:
            self.source.write(an_id(number), now=now)

    def knows(self, *numbers: int) -> list[int]:
        return [number for number in numbers if an_id(number) in self.log]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_a_read_starts_at_the_highest_number_seen(reader: Reader) -> None:
    reader.write(1, 2, 3)
    reader.read()
    reader.write(4)

    assert reader.read() == [(3, 3 + WINDOW, [])]
    assert reader.knows(1, 2, 3, 4, 5) == [1, 2, 3, 4]


def test_a_number_that_is_committed_late_is_not_missed(reader: Reader) -> None:
    reader.write(1)
    late = reader.source.take_number()
    reader.write(3)
    reader.read()
    reader.write(4)
    assert reader.read() == [(3, 3 + WINDOW, [late])]
    assert reader.knows(1, 2, 3, 4) == [1, 3, 4]

    reader.source.write(an_id(2), number=late)
    reader.read()

    assert reader.knows(1, 2, 3, 4) == [1, 2, 3, 4]
    assert reader.read() == [(4, 4 + WINDOW, [])]


def test_one_below_the_first_of_all_is_not_missed(reader: Reader) -> None:
    late = reader.source.take_number()
    reader.write(2)
    reader.read()

    reader.source.write(an_id(1), number=late)
    reader.read()

    assert reader.knows(1, 2) == [1, 2]


@pytest.mark.parametrize(("after_s", "asked"), [(SETTLED_AFTER_S, [2]), (SETTLED_AFTER_S + 1, [])])
def test_a_number_that_was_rolled_back_is_asked_for_until_it_is_settled(
    reader: Reader, after_s: int, asked: list[int]
) -> None:
    reader.write(1)
    reader.source.take_number()
    reader.write(3)
    reader.read()

    reader.source.now_s = START + after_s
    reader.read()

    assert reader.read() == [(3, 3 + WINDOW, asked)]


def test_many_missing_numbers_are_read_by_a_range(reader: Reader) -> None:
    reader.write(1)
    reader.source.numbers += 5000
    reader.write(2)
    reader.read()
    reader.source.write(an_id(3), number=77)

    assert reader.read() == [(2, 2 + WINDOW, [])]
    assert reader.knows(1, 2, 3) == [1, 2, 3]


def test_numbers_may_jump_by_any_width(reader: Reader) -> None:
    reader.write(1)
    reader.read()
    reader.source.numbers += 10**12
    reader.write(2)

    reader.read()

    assert reader.knows(1, 2) == [1, 2]


def test_a_crowd_is_read_by_windows_each_number_once(reader: Reader) -> None:
    reader.write(*range(3 * WINDOW))

    reads = reader.read()

    assert [end - start for start, end, _ in reads] == [WINDOW] * len(reads)
    assert len(reads) == 4
    assert len(reader.knows(*range(0, 3 * WINDOW, 7))) == len(range(0, 3 * WINDOW, 7))


@pytest.mark.parametrize("lost", [1, 2, 60])
def test_after_a_restore_that_lost_the_last_rows_nothing_is_missed_or_forgotten(
    reader: Reader, lost: int
) -> None:
    reader.write(*range(100))
    reader.read()

    for _ in range(lost):
        del reader.source.rows[max(reader.source.rows)]
    reader.source.numbers = max(reader.source.rows)
    reader.write(*range(1000, 1120))
    reader.read()

    assert reader.knows(*range(100)) == list(range(100))
    assert reader.knows(*range(1000, 1120)) == list(range(1000, 1120))


def test_a_restore_that_lost_the_last_rows_is_noticed_before_others_are_written(reader: Reader) -> None:
    reader.write(*range(10))
    reader.read()
    del reader.source.rows[10]

    reader.read()
    reader.source.write(an_id(500), number=10)
    reader.read()

    assert reader.knows(*range(10), 500) == [*range(10), 500]


def test_another_history_is_noticed_also_by_a_read_that_fails_half_way(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.write(*range(100))
    reader.read()
    reader.source.rows = {n: row for n, row in reader.source.rows.items() if n <= 50}
    reader.source.numbers = 50
    reader.write(*range(1000, 1000 + 2 * WINDOW))
    read, calls = reader.source.read, []

    def fails_at_the_second(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise Unavailable("away")
        return read(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as failing:
        failing.setattr(reader.source, "read", fails_at_the_second)
        with pytest.raises(Unavailable):
            reader.log.read(START)
    reader.read()

    assert len(reader.knows(*range(1000, 1000 + 2 * WINDOW))) == 2 * WINDOW


def test_cleanup_of_all_that_was_seen_is_no_loss(reader: Reader) -> None:
    reader.write(1, 2, 3)
    reader.read()
    reader.write(4, now=START + 800)
    reader.source.rows = {4: reader.source.rows[4]}

    reader.read(START + 600)

    assert reader.knows(1, 2, 3, 4) == [1, 2, 3, 4]


def test_a_row_of_many_ids_counts_as_one_number(reader: Reader) -> None:
    reader.write(1)
    reader.source.write(*[an_id(number) for number in range(100, 200)])
    reader.write(2)

    reader.read()

    assert reader.knows(1, 2, 150, 199, 200) == [1, 2, 150, 199]
    assert reader.read() == [(3, 3 + WINDOW, [])]


def test_a_clock_that_was_set_back_reads_the_whole_log_again(reader: Reader) -> None:
    reader.write(1)
    reader.read(START + 100_000)
    assert reader.knows(1) == []

    reader.read(START)

    assert reader.knows(1) == [1]


def test_cutoffs_are_those_of_the_last_read(reader: Reader) -> None:
    reader.source.cutoffs = [Cutoff("", START, START)]
    reader.read()
    assert reader.log.cutoffs == [Cutoff("", START, START)]

    reader.source.cutoffs = []
    reader.read()
    assert reader.log.cutoffs == []
