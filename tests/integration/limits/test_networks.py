"""An IPv6 caller counts by its /64, and more loosely by its /48, wherever an address is a key."""

from typing import Any

import pytest

from auth_tokens.domain.analytics.detections import findings_in
from auth_tokens.domain.analytics.findings import Rule
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidCredentials, InvalidGrant
from auth_tokens.domain.events import EventType
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from tests.support.world import PASSWORD, World

HOME = "2001:db8:1:2:3:4:5:6"
NEIGHBOUR = "2001:db8:1:2:ffff::1"
NEXT_NETWORK = "2001:db8:1:3::1"
ELSEWHERE = "2001:db8:2::1"


def signed_in(world: World, address: str, name: str | None = None) -> Any:
    return login(LoginRequest(name or world.user(), PASSWORD), Caller(address), world.issuing)


def source_of_sign_in(world: World, address: str) -> bytes:
    name = world.user()
    signed_in(world, address, name)
    rows = world.sql(
        "SELECT source_hash FROM auth_token_events WHERE user_id = %s AND type = 'login_succeeded'",
        world.user_id(name),
    )
    return bytes(rows[0]["source_hash"])


def told(world: World, kind: EventType) -> list[dict[str, str | int]]:
    log = world.shared.event_log
    return [event.detail for event in log.page(b"\xff" * 16, 0, None, kind, 100)]


def test_the_source_of_an_event_is_the_same_all_over_a_64_and_not_beyond(world: World) -> None:
    assert source_of_sign_in(world, HOME) == source_of_sign_in(world, NEIGHBOUR)
    assert source_of_sign_in(world, HOME) != source_of_sign_in(world, NEXT_NETWORK)


def test_ipv4_in_the_clothes_of_ipv6_is_the_same_source(world: World) -> None:
    assert source_of_sign_in(world, "::ffff:192.0.2.7") == source_of_sign_in(world, "192.0.2.7")


def test_the_source_of_an_ipv4_address_is_what_it_was_before_networks_counted(world: World) -> None:
    assert source_of_sign_in(world, "192.0.2.7") == world.issuing.keys.pseudonym("address", "192.0.2.7")


@pytest.mark.parametrize("address", ["", "unknown"])
def test_what_is_no_address_is_no_source(world: World, address: str) -> None:
    name = world.user()
    signed_in(world, address, name)

    rows = world.sql("SELECT source_hash FROM auth_token_events WHERE user_id = %s", world.user_id(name))

    assert {row["source_hash"] for row in rows} == {None}


def test_the_two_sides_of_a_reuse_in_one_network_have_one_fingerprint(fresh_world: World) -> None:
    answer = signed_in(fresh_world, HOME)
    refresh(RefreshRequest(answer.token), Caller(NEIGHBOUR), fresh_world.issuing)
    fresh_world.clock.now += 60
    with pytest.raises(InvalidGrant):
        refresh(RefreshRequest(answer.token), Caller(HOME), fresh_world.issuing)

    [detail] = told(fresh_world, EventType.TOKEN_REUSE_DETECTED)

    assert detail["presented_by_address"] == detail["rotated_by_address"]


def test_the_owner_s_list_has_the_whole_address(world: World) -> None:
    name = world.user()
    signed_in(world, HOME, name)

    [session] = list_sessions(world.user_id(name), 10, None, world.sessions).sessions

    assert session.metadata.address == HOME


def test_a_site_that_stuffs_from_ever_new_networks_is_found(fresh_world: World) -> None:
    for number in range(30):
        caller = Caller(f"2001:db8:7:{number:x}::1")
        with pytest.raises(InvalidCredentials):
            login(LoginRequest(f"nobody-{number}@example.com", "wrong"), caller, fresh_world.issuing)

    log = fresh_world.shared.event_log
    found = findings_in(log.page(b"\xff" * 16, 0, None, None, 100), {})

    [finding] = [one for one in found if one.rule is Rule.STUFFING_FROM_ONE_SOURCE]
    assert (finding.accounts, finding.sources) == (30, 30)
    assert finding.source == fresh_world.issuing.keys.pseudonym("address", "2001:db8:7::/48")


def test_an_event_of_an_ipv4_caller_has_no_site(fresh_world: World) -> None:
    signed_in(fresh_world, "192.0.2.7")
    fresh_world.clock.now += 1  # events of one instant have no order
    signed_in(fresh_world, ELSEWHERE)

    assert ["site" in detail for detail in told(fresh_world, EventType.LOGIN_SUCCEEDED)] == [True, False]
