"""The cases of tests/unit/usecases/test_refresh.py on the database: the store in memory is held true by them."""

import pytest

from auth_tokens.domain.tokens import TokenKind
from tests.support.refresh_stage import MySqlStage
from tests.support.world import World
from tests.unit.usecases.test_refresh import (
    CASES,
    Case,
    a_browser_session_gets_a_csrf_token_and_no_access_token,
)


@pytest.mark.parametrize("checked", CASES.values(), ids=CASES)
def test_the_database_does_what_the_store_in_memory_does(world: World, checked: Case) -> None:
    checked(MySqlStage(world))


def test_so_it_does_for_a_browser_session(world: World) -> None:
    a_browser_session_gets_a_csrf_token_and_no_access_token(MySqlStage(world, TokenKind.SESSION))
