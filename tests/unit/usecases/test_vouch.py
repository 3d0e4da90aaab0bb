"""A trusted backend vouches for a new authentication in a live session."""

from typing import Any

import pytest

from auth_tokens.domain.acr import DEVICE_ACR, PASSWORD_ACR
from auth_tokens.domain.claims import IAT_LEEWAY_S
from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.sessions import TokenRecord
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.vouch import VouchRequest, vouch
from tests.support.cases import REMEMBERED, Case, Cases, claims_of, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, World

case = Cases()
AMR = ("pwd", "otp")


def vouched(world: World, session_id: str, name: str, acr: str = PASSWORD_ACR, **fields: Any) -> TokenRecord:
    request = VouchRequest(session_id, world.user_id(name), AMR, acr, **fields)
    return vouch(request, CALLER, world.issuing)


@case
def the_client_has_the_new_claims_by_its_next_refresh(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100

    said = vouched(world, begun.session_id, name, auth_time=world.clock() - 3)

    claims = claims_of(world, world.refresh(begun.token))
    assert (claims.auth_time, claims.acr, claims.amr) == (world.clock() - 3, PASSWORD_ACR, AMR)
    assert (said.auth_time, said.acr, said.amr) == (claims.auth_time, claims.acr, claims.amr)
    assert claims_of(world, begun).amr == ("pwd",)
    assert world.events(name).count("step_up_succeeded") == 1


@case
def no_token_is_spent(world: World) -> None:
    name = world.user()
    begun = world.login(name)

    vouched(world, begun.session_id, name)

    assert row(world, begun.session_id).generation == 0


@case
def the_same_request_may_be_repeated(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100
    at = world.clock()

    first = vouched(world, begun.session_id, name, auth_time=at)
    world.clock.now += 100

    assert vouched(world, begun.session_id.upper(), name, auth_time=at) == first
    assert world.events(name).count("step_up_succeeded") == 1


@case
def a_session_that_is_not_there_or_not_theirs_is_not_found(world: World) -> None:
    name, other = world.user(), world.user()
    begun = world.login(name, device=REMEMBERED)
    ended = world.login(name)
    revoke_token(ended.token, None, CALLER, world.sessions)

    last = begun.session_id[-1]
    unknown = begun.session_id[:-1] + ("1" if last == "0" else "0")

    for session_id in (begun.device_id, ended.session_id, "", "x", unknown):
        with pytest.raises(NotFound):
            vouched(world, session_id, name)
    with pytest.raises(NotFound):
        vouched(world, begun.session_id, other)
    assert row(world, begun.session_id).amr == ("pwd",)


@case
def a_disabled_user_is_not_raised(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.disable(name)

    with pytest.raises(NotFound):
        vouched(world, begun.session_id, name)


@case
def an_authentication_before_the_session_s_own_is_refused(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    own = world.clock()
    world.clock.now += 100

    with pytest.raises(InvalidRequest, match="before"):
        vouched(world, begun.session_id, name, auth_time=own - IAT_LEEWAY_S - 1)
    assert vouched(world, begun.session_id, name, auth_time=own - IAT_LEEWAY_S).auth_time == own


@case
def an_authentication_in_the_future_is_refused(world: World) -> None:
    name = world.user()
    begun = world.login(name)

    with pytest.raises(InvalidRequest, match="future"):
        vouched(world, begun.session_id, name, auth_time=world.clock() + IAT_LEEWAY_S + 1)
    said = vouched(world, begun.session_id, name, auth_time=world.clock() + IAT_LEEWAY_S)
    assert said.auth_time == world.clock()


@case
def a_weaker_class_and_one_of_unknown_strength_are_refused(world: World) -> None:
    name = world.user()
    begun = world.login(name)

    for acr in ("", DEVICE_ACR, "urn:unheard-of"):
        with pytest.raises(InvalidRequest, match="acr"):
            vouched(world, begun.session_id, name, acr)
    assert row(world, begun.session_id).amr == ("pwd",)


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_vouch(checked: Case) -> None:
    checked(memory_world())
