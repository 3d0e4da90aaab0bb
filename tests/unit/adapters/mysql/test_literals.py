"""Values in statements: the driver's own literals, made faster."""

from datetime import datetime
from enum import IntEnum

import pymysql
import pytest

from auth_tokens.adapters.mysql import connection


class Number(IntEnum):
    ONE = 1


OPEN = pymysql.Connection(defer_connect=True)
OURS = connection._Connection(3, defer_connect=True)
VALUES = [
    *(0, -1, 2**63, True, False, 1.5, 1e300, None, Number.ONE),
    *(b"", b"\0\xff'", "", "a'b\\c\n\0\x1a\"%é\U0001f600"),
    datetime(2026, 12, 1, 10, 0, 0),
    datetime(2026, 12, 1, 10, 0, 0, 1),
    datetime(1, 1, 1),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    ["a", 1, b"\1"],
    ((1, None), (2, "x")),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("status", [0, 512], ids=["backslash escapes", "NO_BACKSLASH_ESCAPES"])
def test_a_literal_is_that_of_the_driver(value: object, status: int) -> None:
    OPEN.server_status = OURS.server_status = status

    assert OURS.escape(value) == OPEN.escape(value)


def test_an_insert_of_several_rows_differs_from_that_of_one_in_its_rows_alone() -> None:
    one = "INSERT INTO t (a, b)\nVALUES (%s, 1)\nON DUPLICATE KEY UPDATE a = VALUES(a)"

    assert connection._for_rows(one, 1) == one
    assert connection._for_rows(one, 2) == one.replace("(%s, 1)", "(%s, 1), (%s, 1)")
