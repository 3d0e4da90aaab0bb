"""Someone who can write the table spoils metadata: the answer goes without it, and it is counted; never garbage."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.usecases.devices import list_devices, rename_device
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.row_metadata import Metadata
from tests.support import wiring
from tests.support.world import CALLER, World


def metadata_of(world: World, answer: TokenAnswer) -> bytes:
    return bytes(world.row(answer.session_id)["metadata"])


def put(world: World, answer: TokenAnswer, metadata: bytes) -> None:
    world.sql(
        "UPDATE auth_user_tokens SET metadata = %s WHERE id = %s", metadata, UUID(answer.session_id).bytes
    )


def seen(world: World, name: str) -> Metadata:
    [view] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions
    return view.metadata


def failures(world: World) -> float:
    return world.telemetry.counts.get("DecryptFailed", 0)


def another_rows(mine: bytes, others: bytes) -> bytes:
    return others


SPOILT: dict[str, Callable[[bytes, bytes], bytes]] = {
    "another row's": another_rows,
    "a bit flipped in the text": lambda mine, _: mine[:20] + bytes([mine[20] ^ 1]) + mine[21:],
    "a bit flipped in the tag": lambda mine, _: mine[:-1] + bytes([mine[-1] ^ 1]),
    "a bit flipped in the nonce": lambda mine, _: mine[:5] + bytes([mine[5] ^ 1]) + mine[6:],
    "the tag cut off": lambda mine, _: mine[:-16],
    "a byte cut off": lambda mine, _: mine[:-1],
    "another version": lambda mine, _: b"\x02" + mine[1:],
    "an epoch that does not exist": lambda mine, _: mine[:1] + b"\x00\x09" + mine[3:],
    "plain text": lambda mine, _: b'["192.0.2.1", "", "", "", ""]',
    "nothing": lambda mine, _: b"",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_spoilt_metadata_is_left_out_and_counted_and_the_session_goes_on(
    world: World, spoil: Callable[[bytes, bytes], bytes]
) -> None:
    name = world.user()
    answer, other = world.login(name), world.login(world.user())
    put(world, answer, spoil(metadata_of(world, answer), metadata_of(world, other)))
    before = failures(world)

    assert seen(world, name) == Metadata()
    assert failures(world) == before + 1
    world.refresh(answer.token)

    assert seen(world, name).address == CALLER.address


def test_an_older_value_of_the_same_row_does_not_open_once_the_token_has_rotated(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    older = metadata_of(world, answer)
    world.refresh(answer.token)
    put(world, answer, older)
    before = failures(world)

    assert seen(world, name) == Metadata()
    assert failures(world) == before + 1


def test_the_whole_row_put_back_ends_with_the_clients_next_refresh(world: World) -> None:
    """Generation, hash and metadata together: it opens, but the client's token is then from the future."""
    answer = world.login(world.user())
    columns = ("generation", "token_hash", "key_epoch", "metadata")
    older: dict[str, Any] = world.row(answer.session_id)
    following = world.refresh(answer.token)
    places = ", ".join(f"{column} = %s" for column in columns)
    values = [older[column] for column in columns]
    world.sql(f"UPDATE auth_user_tokens SET {places} WHERE id = %s", *values, UUID(answer.session_id).bytes)

    with pytest.raises(InvalidGrant):
        world.refresh(following.token)


def test_a_detail_of_an_event_put_into_another_does_not_open(fresh_world: World) -> None:
    world = fresh_world
    world.login(world.user())
    world.login(world.user())
    rows = world.sql("SELECT id, detail FROM auth_token_events WHERE detail IS NOT NULL ORDER BY id")
    world.sql("UPDATE auth_token_events SET detail = %s WHERE id = %s", rows[0]["detail"], rows[-1]["id"])
    log = world.shared.event_log

    events = {event.id: event for event in log.page(b"\xff" * 16, 0, None, None, 100)}

    assert events[rows[0]["id"]].detail
    assert events[rows[-1]["id"]].detail == {}
    assert failures(world) == 1


def test_a_device_renamed_while_it_is_used_keeps_its_name_and_opens(world: World) -> None:
    name = world.user()
    user_id = world.user_id(name)
    device_id = world.login(name, DeviceRequest(name="phone", remember=True)).device_id
    sessions = [wiring.sessions(world.environment()) for _ in range(2)]
    before = failures(world)
    barrier = Barrier(3)

    def rename(index: int) -> None:
        barrier.wait()
        for round_ in range(10):
            rename_device(device_id, user_id, f"name {index} {round_}", sessions[index])

    def use() -> None:
        barrier.wait()
        for _ in range(5):
            world.login(name, DeviceRequest(id=device_id, remember=True))

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(rename, 0), pool.submit(rename, 1), pool.submit(use)]:
            done.result()

    [view] = list_devices(user_id, None, None, world.sessions).devices
    assert view.metadata.name.startswith("name ")
    assert failures(world) == before
