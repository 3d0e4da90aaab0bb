"""docs/reference/database-faults.md: the numbers of connection.py, all of them and no others."""

import re
from pathlib import Path

import pytest

from auth_tokens.adapters.mysql import connection

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "database-faults.md"
SETS = {
    "the connection is lost": connection._LOST,
    "contention": connection._CONTENTION,
    "a user name does not fit": connection._DOES_NOT_FIT,
    "ours": connection._OURS,
}


def numbers_of(row: str) -> list[int]:
    [line] = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {row}")]
    return [int(number) for number in re.findall(r"\d+", line.split("|")[2])]


@pytest.mark.parametrize("row", SETS)
def test_a_row_has_the_numbers_of_the_code_in_order_each_once(row: str) -> None:
    assert numbers_of(row) == sorted(SETS[row])


def test_no_number_is_treated_in_two_ways_but_for_the_look_up_by_name() -> None:
    assert not connection._LOST & connection._CONTENTION
    assert not (connection._LOST | connection._CONTENTION) & connection._OURS
    in_both = connection._DOES_NOT_FIT & connection._OURS
    assert in_both == {1267}


def test_the_numbers_named_as_anything_else_are_in_no_list() -> None:
    [line] = [line for line in PAGE.read_text().splitlines() if line.startswith("| anything else")]
    named = {int(number) for number in re.findall(r"\d+", line.split("|")[1])}

    assert named
    assert not named & set().union(*SETS.values())
