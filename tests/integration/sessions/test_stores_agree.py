"""The cases of tests/unit/usecases on the database: the store in memory is held true by them."""

from types import ModuleType

import pytest

from tests.support.cases import Case
from tests.support.world import World
from tests.unit.usecases import (
    test_begin,
    test_devices,
    test_end_session,
    test_exchange,
    test_introspect,
    test_issue,
    test_list_sessions,
    test_login,
    test_logout,
    test_revoke,
    test_revoke_user,
    test_validate,
)

OF: tuple[ModuleType, ...] = (
    test_begin,
    test_devices,
    test_end_session,
    test_exchange,
    test_introspect,
    test_issue,
    test_list_sessions,
    test_login,
    test_logout,
    test_revoke,
    test_revoke_user,
    test_validate,
)
CASES = {
    f"{module.__name__.rpartition('.')[2]}: {name}": case
    for module in OF
    for name, case in module.case.items()
}


@pytest.mark.parametrize("checked", CASES.values(), ids=CASES)
def test_the_database_does_what_the_store_in_memory_does(world: World, checked: Case) -> None:
    world.clock.now += 600  # what earlier cases counted for their network is forgotten

    checked(world)
