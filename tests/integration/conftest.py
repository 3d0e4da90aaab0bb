"""Fixtures of the tests on a real database."""

from collections.abc import Collection

import pymysql
import pytest

from auth_tokens.adapters.mysql.connection import Transaction
from tests.support.faults import Arrange, Faults


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Arrange:
    """Arranges faults until the end of the test."""

    def arrange(statement: str | Collection[str], error: int | BaseException, **when: object) -> Faults:
        exc = pymysql.err.OperationalError(error, "injected") if isinstance(error, int) else error
        faults = Faults(statement, exc, **{"times": 1, "after": False, **when})  # type: ignore[arg-type]
        for name in ("query", "rows", "execute", "execute_many"):
            monkeypatch.setattr(Transaction, name, faults.wrap(getattr(Transaction, name)))
        return faults

    return arrange
