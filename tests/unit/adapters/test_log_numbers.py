from auth_tokens.adapters.log_numbers import FIRST_GAP, LogNumbers
from auth_tokens.domain.bounds import SETTLED_AFTER_S

NOW = 1_800_000_000


def seen(*numbers: int, at: int = NOW) -> LogNumbers:
    found = LogNumbers()
    found.see([1, *numbers], at)
    return found


def test_numbers_without_gaps_leave_nothing_missing() -> None:
    numbers = seen(2, 3, 4)

    assert (numbers.top, numbers.missing(10), numbers.lowest_missing) == (4, [], None)


def test_what_lies_between_two_numbers_is_missing_until_it_is_seen() -> None:
    numbers = seen(5, 7)
    assert numbers.missing(10) == [2, 3, 4, 6]

    numbers.see([3], NOW)
    assert numbers.missing(10) == [2, 4, 6]

    numbers.see([2, 4, 6], NOW)
    assert (numbers.missing(10), numbers.top) == ([], 7)


def test_a_missing_number_is_given_up_a_stated_time_after_a_later_one_was_written() -> None:
    numbers = seen(3)

    numbers.settle(NOW + SETTLED_AFTER_S)
    assert numbers.missing(10) == [2]

    numbers.settle(NOW + SETTLED_AFTER_S + 1)
    assert numbers.missing(10) == []


def test_the_first_number_of_all_leaves_those_next_to_it_missing() -> None:
    numbers = LogNumbers()
    numbers.see([1000], NOW)

    assert numbers.missing(1000) == list(range(1000 - FIRST_GAP, 1000))


def test_too_many_missing_numbers_are_not_listed() -> None:
    numbers = seen(10**9)

    assert numbers.missing(1000) is None
    assert numbers.lowest_missing == 2


def test_a_number_that_is_read_again_changes_nothing() -> None:
    numbers = seen(2, 5)
    numbers.see([2, 5], NOW)

    assert numbers.missing(10) == [3, 4]
