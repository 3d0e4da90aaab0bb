"""The list of a user's devices, and their names."""

import pytest

from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.usecases.devices import MAX_DEVICES, list_devices, rename_device
from auth_tokens.usecases.end_session import forget_device
from tests.support.cases import REMEMBERED, Case, Cases
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()


def named(world: World, name: str, limit: int | None = None, cursor: str | None = None) -> list[str]:
    """The names of a page's devices, and of the pages behind it."""
    page = list_devices(world.user_id(name), limit, cursor, world.sessions)
    rest = named(world, name, limit, page.next_cursor) if page.next_cursor else []
    return [device.metadata.name for device in page.devices] + rest


@case
def remembered_devices_come_first_and_the_newest_use_first(world: World) -> None:
    name = world.user()
    for device in ("old", "older than it"):
        world.login(name, DeviceRequest(name=device))
        world.clock.now += 1
    world.login(name, DeviceRequest(name="remembered", remember=True))
    world.clock.now += 1
    world.login(name, DeviceRequest(name="new"))

    assert named(world, name) == ["remembered", "new", "older than it", "old"]


@case
def pages_have_each_device_once(world: World) -> None:
    name = world.user()
    for number in range(5):
        world.login(name, DeviceRequest(name=str(number), remember=number % 2 == 0))

    assert sorted(named(world, name, 2)) == ["0", "1", "2", "3", "4"]
    assert sorted(named(world, name, 5)) == ["0", "1", "2", "3", "4"]


@case
def a_forgotten_device_and_one_that_is_over_are_not_listed(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)
    forget_device(answer.device_id, world.user_id(name), CALLER, world.sessions)
    assert named(world, name) == []

    answer = world.login(name, REMEMBERED)
    start = world.clock.now
    world.clock.now = start + world.issuing.policy.device_idle_ttl_s - 1
    assert named(world, name) == ["phone"]
    world.clock.now += 1
    assert named(world, name) == []
    world.clock.now = start


@case
def a_new_name_keeps_where_the_device_was_seen(world: World) -> None:
    name = world.user()
    answer = world.login(name, DeviceRequest(name="phone", platform="ios"))

    view = rename_device(answer.device_id, world.user_id(name), "mine", world.sessions)

    assert (view.metadata.name, view.metadata.platform) == ("mine", "ios")
    assert (view.metadata.address, named(world, name)) == (CALLER.address, ["mine"])


@case
def another_user_s_device_a_session_and_an_unknown_id_are_not_found(world: World) -> None:
    me, other = world.user(), world.user()
    mine, theirs = world.login(me), world.login(other)

    for device_id in (theirs.device_id, mine.session_id, "01900000-0000-7000-8000-000000000000", "x"):
        with pytest.raises(NotFound):
            rename_device(device_id, world.user_id(me), "taken", world.sessions)

    assert "taken" not in named(world, other)


@case
def a_page_that_nobody_made_and_a_limit_out_of_bounds_are_no_request(world: World) -> None:
    user_id = world.user_id(world.user())

    for limit, cursor in ((0, None), (MAX_DEVICES + 1, None), (None, "x"), (None, "AAAA")):
        with pytest.raises(InvalidRequest):
            list_devices(user_id, limit, cursor, world.sessions)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_devices(checked: Case) -> None:
    checked(memory_world())
