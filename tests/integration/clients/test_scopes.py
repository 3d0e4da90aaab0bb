"""What is taken away from a client in CLIENTS is gone from the sessions that it has, and a client that is taken out
of it has none any more."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidClient, InvalidGrant, InvalidScope
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World

BOTH = "portal:read portal:write"
REMEMBER = DeviceRequest(remember=True)


def redeployed(world: World, clients: Mapping[str, str]) -> World:
    """The same service at the same moment, after CLIENTS was changed."""
    other = World(replace(world.settings, clients=clients))
    other.clock.now = world.clock.now
    return other


@pytest.fixture
def reading_only(world: World) -> World:
    return redeployed(world, {"portal-app": "portal:read", "portal-web": "portal:read"})


@pytest.fixture
def without_client(world: World) -> World:
    return redeployed(world, {"portal-app": "portal:read"})


def own_routes(world: World, transport: Transport, text: str) -> AccessClaims:
    return validate(Credential(transport, text), world.sessions.validation).claims


def authorizer(world: World, transport: Transport, text: str) -> AccessClaims:
    return validate(Credential(transport, text), wiring.authorizing(world.environment())).claims


def test_a_scope_taken_away_is_gone_at_the_next_refresh(world: World, reading_only: World) -> None:
    first = world.login(world.user())

    second = reading_only.refresh(first.token)

    assert (first.scope, second.scope) == (BOTH, "portal:read")
    assert own_routes(world, Transport.BEARER, second.access_token or "").scope == "portal:read"


def test_a_repeat_does_not_hand_it_out_either(world: World, reading_only: World) -> None:
    first = world.login(world.user())
    world.refresh(first.token)

    assert reading_only.refresh(first.token).scope == "portal:read"


def test_asking_for_a_scope_taken_away_spends_nothing(world: World, reading_only: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidScope):
        reading_only.refresh(first.token, scope="portal:write")

    assert world.row(first.session_id)["generation"] == 0


def test_a_scope_given_back_is_the_session_s_again_and_a_new_one_is_not(
    world: World, reading_only: World
) -> None:
    first = world.login(world.user())
    second = reading_only.refresh(first.token)

    wider = redeployed(world, {"portal-web": f"{BOTH} portal:more"})

    assert wider.refresh(second.token).scope == BOTH


@pytest.mark.parametrize("verify", [own_routes, authorizer])
def test_a_cookie_has_it_no_more(
    world: World, reading_only: World, verify: Callable[[World, Transport, str], AccessClaims]
) -> None:
    cookie = world.login(world.user(), kind=TokenKind.SESSION)

    claims = verify(reading_only, Transport.COOKIE, cookie.token)

    assert claims.scope == "portal:read"


def test_an_access_token_on_own_routes_has_it_no_more(world: World, reading_only: World) -> None:
    first = world.login(world.user())

    assert own_routes(reading_only, Transport.BEARER, first.access_token or "").scope == "portal:read"


@pytest.mark.parametrize("kind", ["refresh", "access", "session"])
def test_introspection_names_it_no_more(world: World, reading_only: World, kind: str) -> None:
    tokens = tokens_of(world)

    before, after = introspect(tokens[kind], world.sessions), introspect(tokens[kind], reading_only.sessions)

    assert (before["scope"], after["scope"]) == (BOTH, "portal:read")


def test_a_narrowed_access_token_is_not_widened_by_introspection(world: World) -> None:
    first = world.login(world.user())
    narrow = world.refresh(first.token, scope="portal:read")

    assert introspect(narrow.access_token or "", world.sessions)["scope"] == "portal:read"


def test_a_device_token_opens_no_session_with_it(world: World, reading_only: World) -> None:
    device_token = world.login(world.user(), REMEMBER).device_token or ""

    opened = exchange_device_token(ExchangeRequest(device_token), CALLER, reading_only.issuing)

    assert opened.scope == "portal:read"


@pytest.mark.parametrize("asked", ["portal:write", "portal:read portal:write"])
def test_asking_a_device_token_for_it_spends_nothing(world: World, reading_only: World, asked: str) -> None:
    login = world.login(world.user(), REMEMBER)

    with pytest.raises(InvalidScope):
        request = ExchangeRequest(login.device_token or "", SessionOptions(scope=asked))
        exchange_device_token(request, CALLER, reading_only.issuing)

    assert world.row(login.device_id)["generation"] == 0


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_an_exchange_without_a_client_is_for_the_device_token_s_own(world: World, kind: TokenKind) -> None:
    login = world.login(world.user(), REMEMBER, client_id="portal-app")

    request = ExchangeRequest(login.device_token or "", SessionOptions(kind=kind))
    opened = exchange_device_token(request, CALLER, world.issuing)

    assert world.row(opened.session_id)["client_id"] == "portal-app"
    assert opened.scope == "portal:read"


@pytest.mark.parametrize(("client_id", "error"), [("portal-web", InvalidGrant), ("nobody", InvalidClient)])
def test_another_client_s_exchange_spends_nothing(
    world: World, client_id: str, error: type[Exception]
) -> None:
    login = world.login(world.user(), REMEMBER, client_id="portal-app")

    with pytest.raises(error):
        request = ExchangeRequest(login.device_token or "", SessionOptions(client_id=client_id))
        exchange_device_token(request, CALLER, world.issuing)

    assert world.row(login.device_id)["generation"] == 0


def test_a_removed_client_s_token_is_refused_and_kept(world: World, without_client: World) -> None:
    first = world.login(world.user())
    world.refresh(first.token)
    world.clock.now += 60
    without_client.clock.now = world.clock.now

    with pytest.raises(InvalidGrant):
        without_client.refresh(first.token)  # spent, and yet no alarm

    assert world.row(first.session_id)["revoked_at"] is None


def test_a_removed_client_that_names_itself_is_unknown(world: World, without_client: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidClient):
        without_client.refresh(first.token, client_id="portal-web")


@pytest.mark.parametrize("verify", [own_routes, authorizer])
def test_a_removed_client_s_cookie_is_refused(
    world: World, without_client: World, verify: Callable[[World, Transport, str], AccessClaims]
) -> None:
    cookie = world.login(world.user(), kind=TokenKind.SESSION)

    with pytest.raises(InvalidAccessToken):
        verify(without_client, Transport.COOKIE, cookie.token)


def test_a_removed_client_s_access_token_is_refused_on_own_routes(
    world: World, without_client: World
) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidAccessToken):
        own_routes(without_client, Transport.BEARER, first.access_token or "")


@pytest.mark.parametrize("kind", ["refresh", "access", "session", "device"])
def test_a_removed_client_s_token_is_not_active(world: World, without_client: World, kind: str) -> None:
    tokens = tokens_of(world)

    assert introspect(tokens[kind], world.sessions)["active"] is True
    assert introspect(tokens[kind], without_client.sessions) == {"active": False}


def test_a_removed_client_s_device_token_opens_nothing(world: World, without_client: World) -> None:
    device_token = world.login(world.user(), REMEMBER).device_token or ""

    with pytest.raises(InvalidGrant):
        exchange_device_token(ExchangeRequest(device_token), CALLER, without_client.issuing)


def test_a_removed_client_s_token_can_still_be_revoked(world: World, without_client: World) -> None:
    first = world.login(world.user())

    revoke_token(first.token, None, CALLER, without_client.sessions)

    assert world.row(first.session_id)["revoke_reason"] == "revoked"


def test_an_unknown_client_revokes_nothing(world: World) -> None:
    first = world.login(world.user())

    with pytest.raises(InvalidClient):
        revoke_token(first.token, "nobody", CALLER, world.sessions)

    assert world.row(first.session_id)["revoked_at"] is None


def tokens_of(world: World) -> dict[str, Any]:
    """One token of each kind, all of a new user."""
    name = world.user()
    bearer = world.login(name, REMEMBER)
    cookie = world.login(name, kind=TokenKind.SESSION)
    return {
        "refresh": bearer.token,
        "access": bearer.access_token,
        "device": bearer.device_token,
        "session": cookie.token,
    }
