"""The schedule of the faults follows from its seed, and leaves no kind out."""

from itertools import islice

from tests.soak.faults import OF_DATABASE, OF_FUNCTIONS, Kind, schedule


def test_one_seed_is_one_schedule_and_another_is_another() -> None:
    first, again, other = (list(islice(schedule(seed, OF_DATABASE), 20)) for seed in ("7", "7", "8"))

    assert first == again
    assert first != other


def test_each_kind_comes_before_any_comes_again() -> None:
    faults = list(islice(schedule("7", OF_FUNCTIONS), 3 * len(OF_FUNCTIONS)))

    for start in range(0, len(faults), len(OF_FUNCTIONS)):
        assert {fault.kind for fault in faults[start : start + len(OF_FUNCTIONS)]} == set(OF_FUNCTIONS)


def test_every_kind_is_on_one_of_the_two_schedules() -> None:
    assert {*OF_DATABASE, *OF_FUNCTIONS} == set(Kind)
    assert len(OF_DATABASE) + len(OF_FUNCTIONS) == len(Kind)
