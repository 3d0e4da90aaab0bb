"""What an owner and an operator see of sessions and devices; and that introspection and authorizer agree on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant, InvalidRequest
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.places import place_of
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.list_sessions import REUSE_SHOWN_S, SessionPage, list_sessions
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import validate
from auth_tokens.web.views import coarse_address, session_page_view
from tests.support import wiring
from tests.support.world import CALLER, PASSWORD, World


def page_of(world: World, name: str, limit: int = 10, cursor: str | None = None) -> SessionPage:
    return list_sessions(world.user_id(name), limit, cursor, world.sessions)


def replay(world: World, token: str) -> None:
    world.clock.now += 60
    with pytest.raises(InvalidGrant):
        world.refresh(token)


def test_a_session_is_listed_with_its_device_place_and_methods(world: World) -> None:
    name = world.user()
    dublin = Caller("192.0.2.7", "Firefox", place_of("IE", "53.3", "-6.3"))
    options = SessionOptions(device=DeviceRequest(name="Álf's phone"))
    answer = login(LoginRequest(name, PASSWORD, options), dublin, world.issuing)

    [seen] = session_page_view(page_of(world, name), answer.session_id)["sessions"]

    assert (seen["device_name"], seen["device_id"]) == ("Álf's phone", answer.device_id)
    assert (seen["address"], seen["user_agent"], seen["place"]) == ("192.0.2.7", "Firefox", "IE 53.3 -6.3")
    assert (seen["amr"], seen["current"]) == (["pwd"], True)
    assert seen["created_at"] == seen["last_used_at"] == world.clock.now


def test_an_operator_sees_networks_and_no_address(world: World) -> None:
    name = world.user()
    world.login(name)

    [seen] = session_page_view(page_of(world, name), None)["sessions"]

    assert seen["address"] == "192.0.2.0/24"
    assert CALLER.address not in str(seen)
    assert seen["current"] is False


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
        ("no address", ""),
    ],
)
def test_a_coarse_address_is_a_network(address: str, network: str) -> None:
    assert coarse_address(address) == network


def test_a_session_ended_by_reuse_is_shown_for_a_week_with_where_it_was_used(world: World) -> None:
    name = world.user()
    first = world.login(name, DeviceRequest(name="laptop"))
    world.refresh(first.token)
    replay(world, first.token)
    ended_at = world.clock.now

    shown = session_page_view(page_of(world, name), "of another session")
    world.clock.now += REUSE_SHOWN_S
    at_the_end = page_of(world, name).reused
    world.clock.now += 1

    assert shown["sessions"] == []
    [evidence] = shown["reused"]
    assert (evidence["session_id"], evidence["ended_at"]) == (first.session_id, ended_at)
    assert (evidence["device_name"], evidence["address"]) == ("laptop", CALLER.address)
    assert len(at_the_end) == 1
    assert page_of(world, name).reused == []


def test_only_reuse_is_evidence_and_only_on_the_first_page(world: World) -> None:
    name = world.user()
    stolen, ended = world.login(name), world.login(name)
    world.refresh(stolen.token)
    replay(world, stolen.token)
    revoke_token(ended.token, None, CALLER, world.sessions)
    for _ in range(3):
        world.login(name)

    first = page_of(world, name, 2)
    second = page_of(world, name, 2, first.next_cursor)

    assert [len(first.sessions), len(first.reused)] == [2, 1]
    assert [len(second.sessions), len(second.reused)] == [1, 0]
    assert second.next_cursor is None


def test_a_session_ended_by_reuse_is_never_another_users_to_see(world: World) -> None:
    first = world.login(world.user())
    world.refresh(first.token)
    replay(world, first.token)

    assert page_of(world, world.user()).reused == []


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "A" * 32, "é", "A" * 10_000, "____" * 8])
def test_a_made_up_cursor_is_refused_or_shows_the_callers_own(world: World, cursor: str) -> None:
    name, other = world.user(), world.user()
    world.login(other)
    mine = world.login(name).session_id

    try:
        page = page_of(world, name, 10, cursor)
    except InvalidRequest:
        return

    assert {view.record.user_id for view in page.sessions} <= {world.user_id(name)}, mine


# --- introspection and the authorizer


@dataclass(frozen=True)
class Held:
    """What a client holds of one session."""

    name: str
    session_id: str
    access_token: str
    refresh_token: str
    session_token: str
    device_token: str


def hold(world: World) -> Held:
    name = world.user()
    bearer = world.login(name, DeviceRequest(remember=True))
    browser = world.login(name, kind=TokenKind.SESSION)
    return Held(
        name,
        bearer.session_id,
        bearer.access_token or "",
        bearer.token,
        browser.token,
        bearer.device_token or "",
    )


def _end(world: World, held: Held, reason: RevokeReason) -> None:
    revoke_user(world.user_id(held.name), reason, "", world.sessions)


def _delete_user(world: World, held: Held) -> None:
    _end(world, held, RevokeReason.USER_DELETED)
    world.sql("DELETE FROM auth_users WHERE username = %s", held.name)


def _revoke(*tokens: str) -> Callable[[World, Held], None]:
    def change(world: World, held: Held) -> None:
        for token in tokens:
            revoke_token(getattr(held, token), None, CALLER, world.sessions)

    return change


def _wait(seconds: Callable[[World], int]) -> Callable[[World, Held], None]:
    def change(world: World, held: Held) -> None:
        world.clock.now += seconds(world)

    return change


def _evict(world: World, held: Held) -> None:
    world.sql("INSERT INTO user_config (user_id, max_sessions) VALUES (%s, 1)", world.user_id(held.name))
    world.login(held.name)


def _disable(world: World, held: Held) -> None:
    world.disable(held.name)
    _end(world, held, RevokeReason.USER_DISABLED)


ALL = {"access_token", "refresh_token", "session_token", "device_token"}
# state → what is still good in it
STATES: dict[str, tuple[Callable[[World, Held], None], set[str]]] = {
    "live": (lambda world, held: None, ALL),
    "a second before the access token's end": (_wait(lambda w: w.settings.access_ttl_s - 1), ALL),
    "at the access token's end": (_wait(lambda w: w.settings.access_ttl_s), ALL - {"access_token"}),
    "at the browser session's idle end": (
        _wait(lambda w: w.settings.session_idle_ttl_s),
        {"refresh_token", "device_token"},
    ),
    "at the bearer session's idle end": (_wait(lambda w: w.settings.refresh_idle_ttl_s), {"device_token"}),
    "at the device's idle end": (_wait(lambda w: w.settings.device_idle_ttl_s), set()),
    "access token revoked": (_revoke("access_token"), ALL - {"access_token"}),
    "refresh token revoked": (_revoke("refresh_token"), {"session_token", "device_token"}),
    "session token revoked": (_revoke("session_token"), ALL - {"session_token"}),
    "device token revoked": (_revoke("device_token"), {"session_token"}),
    "all revoked": (_revoke("refresh_token", "session_token", "device_token"), set()),
    "evicted": (_evict, {"device_token"}),
    "user disabled, event handled": (_disable, set()),
    "user deleted, event handled": (_delete_user, set()),
    "password changed, event handled": (
        lambda world, held: _end(world, held, RevokeReason.PASSWORD_CHANGED),
        set(),
    ),
}


def _admitted(world: World, held: Held) -> set[str]:
    """What an authorizer of its own, which has just started, lets in."""
    deps = wiring.authorizing(world.environment())
    good = set()
    for token, transport in (("access_token", Transport.BEARER), ("session_token", Transport.COOKIE)):
        try:
            validate(Credential(transport, getattr(held, token)), deps)
            good.add(token)
        except InvalidAccessToken:
            pass
    return good


@pytest.mark.parametrize("state", STATES)
def test_introspection_and_the_authorizer_agree_in_every_state(world: World, state: str) -> None:
    change, good = STATES[state]
    held = hold(world)
    change(world, held)

    told: dict[str, Any] = {token: introspect(getattr(held, token), world.sessions) for token in ALL}

    assert {token for token, answer in told.items() if answer["active"]} == good
    assert all(answer == INACTIVE for token, answer in told.items() if token not in good)
    assert _admitted(world, held) == good & {"access_token", "session_token"}


@pytest.mark.parametrize("after_s", [0, 9, 10])
def test_they_agree_on_the_cookie_before_a_rotation(world: World, after_s: int) -> None:
    held = hold(world)
    world.refresh(held.session_token, kind=TokenKind.SESSION)
    world.clock.now += after_s

    is_active = introspect(held.session_token, world.sessions)["active"]

    assert (
        is_active == ("session_token" in _admitted(world, held)) == (after_s < world.settings.retry_window_s)
    )


def test_introspection_extends_no_session(world: World) -> None:
    held = hold(world)
    world.clock.now += 120
    before = world.sql("SELECT id, last_used_at, expires_at FROM auth_user_tokens ORDER BY id")

    for token in ALL:
        assert introspect(getattr(held, token), world.sessions)["active"]

    assert world.sql("SELECT id, last_used_at, expires_at FROM auth_user_tokens ORDER BY id") == before


def test_a_user_just_disabled_is_inactive_before_the_portals_event(world: World) -> None:
    """The one difference: introspection asks the Portal's table, the authorizer waits for the revocation."""
    held = hold(world)

    world.disable(held.name)

    assert all(introspect(getattr(held, token), world.sessions) == INACTIVE for token in ALL)
