"""The list of a user's devices: all of them, in pages, those that can sign in without a password first."""

import base64
import struct
import uuid

import pytest

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.usecases.devices import MAX_DEVICES, DevicePage, list_devices
from auth_tokens.usecases.end_session import forget_device
from auth_tokens.usecases.list_sessions import list_sessions
from tests.support.world import CALLER, World


def page_of(world: World, name: str, limit: int | None = None, cursor: str | None = None) -> DevicePage:
    return list_devices(world.user_id(name), limit, cursor, world.sessions)


def ids_of(page: DevicePage) -> list[str]:
    return [str(uuid.UUID(bytes=view.record.id)) for view in page.devices]


def all_ids(world: World, name: str, limit: int) -> list[str]:
    """Every page's devices, one after the other."""
    page = page_of(world, name, limit)
    found = ids_of(page)
    while page.next_cursor is not None:
        page = page_of(world, name, limit, page.next_cursor)
        found += ids_of(page)
    return found


def copies_of(world: World, device_id: str, count: int) -> None:
    """So many more devices of its user, used a second later each, and none of them remembered."""
    [row] = world.sql("SELECT * FROM auth_user_tokens WHERE id = %s", uuid.UUID(device_id).bytes)
    columns = ", ".join(name for name in row if name not in ("id", "device_id", "last_used_at", "token_hash"))
    for second in range(1, count + 1):
        copy = uuid.uuid4().bytes
        world.sql(
            f"INSERT INTO auth_user_tokens (id, device_id, last_used_at, token_hash, {columns})"
            f" SELECT %s, %s, last_used_at + INTERVAL %s SECOND, NULL, {columns}"
            " FROM auth_user_tokens WHERE id = %s",
            copy,
            copy,
            second,
            row["id"],
        )


def test_a_remembered_device_beyond_the_newest_hundred_is_listed_first_and_can_be_ended(world: World) -> None:
    name = world.user()
    remembered = world.login(name, DeviceRequest(remember=True)).device_id
    copies_of(world, remembered, MAX_DEVICES + 5)

    first = page_of(world, name)

    assert len(first.devices) == MAX_DEVICES
    assert ids_of(first)[0] == remembered
    assert len(set(all_ids(world, name, MAX_DEVICES))) == MAX_DEVICES + 6
    forget_device(remembered, world.user_id(name), CALLER, world.sessions)
    assert remembered not in all_ids(world, name, MAX_DEVICES)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
def test_pages_of_any_length_show_each_device_once_in_one_order(world: World, limit: int) -> None:
    """Two kinds, and some used in the same second: the order is total."""
    name = world.user()
    wishes = (True, False, True, False, False, True)
    made = []
    for index, wish in enumerate(wishes):
        made.append((world.login(name, DeviceRequest(remember=wish)).device_id, wish))
        world.clock.now += index % 2
    rank = {device_id: index for index, (device_id, _) in enumerate(made)}

    found = all_ids(world, name, limit)

    assert sorted(found) == sorted(rank)
    assert [wish for device_id in found for one, wish in made if one == device_id] == [True] * 3 + [False] * 3
    for part in (found[:3], found[3:]):
        assert [rank[device_id] for device_id in part] == sorted((rank[d] for d in part), reverse=True)


def test_the_last_page_has_no_cursor_also_where_it_is_full(world: World) -> None:
    name = world.user()
    for _ in range(4):
        world.login(name)

    first = page_of(world, name, 2)
    second = page_of(world, name, 2, first.next_cursor)

    assert first.next_cursor is not None
    assert (len(second.devices), second.next_cursor) == (2, None)
    assert page_of(world, world.user(), 2).next_cursor is None


def test_devices_that_ended_or_ran_out_are_not_listed(world: World) -> None:
    name = world.user(device_idle_ttl_s=100)
    world.login(name)
    world.clock.now += 99
    assert len(page_of(world, name).devices) == 1
    world.clock.now += 1

    assert page_of(world, name).devices == []


@pytest.mark.parametrize("limit", [0, -1, MAX_DEVICES + 1])
def test_a_page_length_out_of_bounds_is_refused_by_name(world: World, limit: int) -> None:
    with pytest.raises(InvalidRequest, match="limit"):
        page_of(world, world.user(), limit)


def packed(remembered: int, last_used_at: int) -> str:
    return base64.urlsafe_b64encode(struct.pack(">Bq16s", remembered, last_used_at, bytes(16))).decode()


MADE_UP = ["", "x", "AAAA", "é", "A" * 10_000, packed(1, -1), packed(0, 2**34), packed(1, -(2**63))]


@pytest.mark.parametrize("cursor", MADE_UP)
def test_a_made_up_cursor_is_refused_by_name(world: World, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        page_of(world, world.user(), 10, cursor)


def test_a_cursor_of_the_other_list_is_refused(world: World) -> None:
    name = world.user()
    for _ in range(2):
        world.login(name)
    user_id = world.user_id(name)
    of_sessions = list_sessions(user_id, 1, None, world.sessions).next_cursor
    of_devices = page_of(world, name, 1).next_cursor

    with pytest.raises(InvalidRequest, match="cursor"):
        page_of(world, name, 1, of_sessions)
    with pytest.raises(InvalidRequest, match="cursor"):
        list_sessions(user_id, 1, of_devices, world.sessions)


def test_a_cursor_of_one_user_shows_nothing_of_them_to_another(world: World) -> None:
    owner = world.user()
    for _ in range(3):
        world.login(owner, DeviceRequest(remember=True))
    cursor = page_of(world, owner, 1).next_cursor

    assert page_of(world, world.user(), 10, cursor).devices == []
