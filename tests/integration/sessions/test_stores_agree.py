"""The cases of tests/unit/usecases on the database: the store in memory is held true by them."""

from importlib import import_module

import pytest

from tests.support.cases import Case
from tests.support.world import World

USE_CASES = (
    "begin",
    "devices",
    "end_session",
    "exchange",
    "introspect",
    "issue",
    "list_sessions",
    "login",
    "logout",
    "other_keys",
    "revoke",
    "revoke_user",
    "step_up",
    "validate",
    "vouch",
)
CASES = {
    f"test_{use_case}: {name}": case
    for use_case in USE_CASES
    for name, case in import_module(f"tests.unit.usecases.test_{use_case}").case.items()
}


@pytest.mark.parametrize("checked", CASES.values(), ids=CASES)
def test_the_database_does_what_the_store_in_memory_does(world: World, checked: Case) -> None:
    world.clock.now += 600  # what earlier cases counted for their network is forgotten

    checked(world)
