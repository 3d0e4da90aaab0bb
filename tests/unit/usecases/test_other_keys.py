"""Sessions and devices that are bound to a key (RFC 9449 §5): by login, issue and exchange, for good."""

from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import InvalidGrant, InvalidProof, InvalidRequest
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.limits import KEY_MISMATCH_PER_TOKEN
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from tests.support.cases import REMEMBERED, Case, Cases, is_live, row
from tests.support.memory_world import memory_world
from tests.support.world import CALLER, PASSWORD, World

case = Cases()
JKT, OTHER = "j" * 42 + "A", "o" * 42 + "A"


def exchanged(world: World, token: str | None, jkt: str | None) -> TokenAnswer:
    request = ExchangeRequest(token or "", SessionOptions(jkt=jkt), None, jkt)
    return exchange_device_token(request, CALLER, world.issuing)


def refused(world: World, token: str, *keys: str | None) -> None:
    for jkt in keys:
        with pytest.raises(InvalidGrant, match="other_key"):
            world.refresh(token, jkt=jkt)


@case
def a_session_is_bound_at_login_and_only_its_key_refreshes_it(world: World) -> None:
    answer = world.login(world.user(), jkt=JKT)

    assert answer.is_bound and row(world, answer.session_id).jkt == JKT
    refused(world, answer.token, None, OTHER)
    following = world.refresh(answer.token, jkt=JKT)
    assert following.is_bound and row(world, answer.session_id).jkt == JKT
    assert is_live(world, answer.session_id) == [True]


@case
def without_a_key_a_session_is_a_bearer_s(world: World) -> None:
    answer = world.login(world.user())

    assert not answer.is_bound
    assert row(world, answer.session_id).jkt is None
    assert not world.refresh(answer.token).is_bound


@case
def a_proof_at_the_refresh_of_an_unbound_session_binds_nothing(world: World) -> None:
    """A thief could else bind it to their own key, and its owner would be refused without an alarm."""
    answer = world.login(world.user())

    following = world.refresh(answer.token, jkt=OTHER)

    assert not following.is_bound
    assert world.refresh(following.token).session_id == answer.session_id


@case
def the_owner_of_the_key_gets_a_lost_answer_again_at_any_time(world: World) -> None:
    answer = world.login(world.user(), jkt=JKT)
    following = world.refresh(answer.token, jkt=JKT)
    world.clock.now += 3600

    again = world.refresh(answer.token, jkt=JKT)

    assert (again.token, again.is_repeat) == (following.token, True)
    refused(world, answer.token, None, OTHER)


@case
def an_older_token_with_its_key_is_reuse_and_without_it_is_not(world: World) -> None:
    name = world.user()
    answer = world.login(name, jkt=JKT)
    world.refresh(world.refresh(answer.token, jkt=JKT).token, jkt=JKT)

    refused(world, answer.token, None, OTHER)
    assert is_live(world, answer.session_id) == [True]
    with pytest.raises(InvalidGrant, match="reuse"):
        world.refresh(answer.token, jkt=JKT)
    assert is_live(world, answer.session_id) == [False]


@case
def a_token_without_its_key_is_recorded_once_an_hour_and_ends_nothing(world: World) -> None:
    name = world.user()
    answer = world.login(name, jkt=JKT)
    refused(world, answer.token, OTHER, None, OTHER)

    assert world.events(name).count("token_key_mismatch") == 1
    world.clock.now += KEY_MISMATCH_PER_TOKEN.interval_ms // 1000 - 1
    refused(world, answer.token, OTHER)
    assert world.events(name).count("token_key_mismatch") == 1
    world.clock.now += 1
    refused(world, answer.token, OTHER)
    assert world.events(name).count("token_key_mismatch") == 2
    assert is_live(world, answer.session_id) == [True]


@case
def a_remembered_device_is_bound_with_its_session(world: World) -> None:
    first = world.login(world.user(), REMEMBERED, jkt=JKT)

    for jkt in (None, OTHER):
        with pytest.raises(InvalidGrant, match="other_key"):
            exchanged(world, first.device_token, jkt)
    opened = exchanged(world, first.device_token, JKT)
    assert opened.is_bound
    assert (row(world, opened.session_id).jkt, row(world, opened.device_id).jkt) == (JKT, JKT)
    refused(world, opened.token, None, OTHER)


@case
def a_bound_device_binds_its_sessions_even_where_none_is_bound_any_more(world: World) -> None:
    """The setting was switched off: what is bound stays bound."""
    first = world.login(world.user(), REMEMBERED, jkt=JKT)

    request = ExchangeRequest(first.device_token or "", SessionOptions(), None, JKT)
    opened = exchange_device_token(request, CALLER, world.issuing)

    assert row(world, opened.session_id).jkt == JKT


@case
def an_unbound_device_opens_a_bound_session_and_stays_unbound(world: World) -> None:
    first = world.login(world.user(), REMEMBERED)

    opened = exchanged(world, first.device_token, JKT)

    assert (row(world, opened.session_id).jkt, row(world, opened.device_id).jkt) == (JKT, None)
    assert not exchanged(world, opened.device_token, None).is_bound


@case
def a_repeated_exchange_gives_a_bound_session_to_its_key_alone(world: World) -> None:
    first = world.login(world.user(), REMEMBERED)
    opened = exchanged(world, first.device_token, JKT)

    for jkt in (None, OTHER):
        with pytest.raises(InvalidGrant, match="other_key"):
            exchanged(world, first.device_token, jkt)
    assert exchanged(world, first.device_token, JKT).token == opened.token


@case
def a_device_that_is_remembered_anew_is_bound_as_this_sign_in_is(world: World) -> None:
    name = world.user()
    first = world.login(name, REMEMBERED, jkt=JKT)
    known = DeviceRequest(id=first.device_id, remember=True)

    world.login(name, known, jkt=OTHER)
    assert row(world, first.device_id).jkt == OTHER
    second = world.login(name, known)
    assert row(world, first.device_id).jkt is None
    assert not exchanged(world, second.device_token, None).is_bound


@case
def a_sign_in_that_does_not_remember_leaves_the_device_s_key(world: World) -> None:
    name = world.user()
    first = world.login(name, REMEMBERED, jkt=JKT)

    world.login(name, DeviceRequest(id=first.device_id))

    assert row(world, first.device_id).jkt == JKT
    assert exchanged(world, first.device_token, JKT).is_bound


@case
def a_trusted_backend_names_the_key_and_its_key_is_part_of_what_is_repeated(world: World) -> None:
    user_id = world.user_id(world.user())
    deps = replace(world.issuing, policy=replace(world.issuing.policy, binds_keys=True))

    def issued(jkt: str | None) -> TokenAnswer:
        request = IssueRequest(user_id, ("mfa",), options=SessionOptions(jkt=jkt), retry_key="once")
        return issue(request, CALLER, deps)

    first = issued(JKT)
    assert first.is_bound and row(world, first.session_id).jkt == JKT
    assert issued(JKT).token == first.token
    for jkt in (OTHER, None):
        with pytest.raises(InvalidRequest, match="another request"):
            issued(jkt)


@case
def a_backend_that_names_a_key_where_none_is_bound_is_told(world: World) -> None:
    deps = replace(world.issuing, policy=replace(world.issuing.policy, binds_keys=False))
    request = IssueRequest(world.user_id(world.user()), ("mfa",), options=SessionOptions(jkt=JKT))

    with pytest.raises(InvalidRequest, match="dpop_jkt"):
        issue(request, CALLER, deps)


@case
def a_client_that_needs_a_key_gets_no_token_without_one(world: World) -> None:
    name = world.user()
    unbound, device = world.login(name), world.login(name, REMEMBERED)
    bound_clients = frozenset({"portal-web"})
    deps = replace(world.issuing, policy=replace(world.issuing.policy, bound_clients=bound_clients))

    def signed_in(**options: Any) -> TokenAnswer:
        return login(LoginRequest(name, PASSWORD, SessionOptions(**options)), CALLER, deps)

    for kind in (TokenKind.REFRESH, TokenKind.SESSION):
        with pytest.raises(InvalidProof):
            signed_in(kind=kind)
    with pytest.raises(InvalidProof):
        exchange_device_token(ExchangeRequest(device.device_token or ""), CALLER, deps)
    with pytest.raises(InvalidProof):
        issue(IssueRequest(world.user_id(name), ("mfa",)), CALLER, deps)
    with pytest.raises(InvalidGrant, match="bound to no key"):
        refresh(RefreshRequest(unbound.token), CALLER, deps)
    with pytest.raises(InvalidGrant, match="bound to no key"):
        refresh(RefreshRequest(unbound.token, jkt=JKT), CALLER, deps)
    assert signed_in(jkt=JKT).is_bound
    assert signed_in(client_id="portal-app").is_bound is False
    opened = ExchangeRequest(device.device_token or "", SessionOptions(jkt=JKT), None, JKT)
    assert exchange_device_token(opened, CALLER, deps).is_bound


@case
def a_step_up_needs_the_key_before_the_password_is_looked_at(world: World) -> None:
    answer = world.login(world.user(), jkt=JKT)

    for jkt in (None, OTHER):
        with pytest.raises(InvalidGrant, match="other_key"):
            step_up(StepUpRequest(answer.token, "wrong", jkt=jkt), CALLER, world.issuing)
    raised = step_up(StepUpRequest(answer.token, PASSWORD, jkt=JKT), CALLER, world.issuing)
    assert raised.is_bound and row(world, answer.session_id).jkt == JKT


@case
def revocation_asks_for_no_key(world: World) -> None:
    """Who wants to sign out must not need what they may have lost."""
    answer = world.login(world.user(), jkt=JKT)

    revoke_token(answer.token, None, CALLER, world.sessions)

    assert is_live(world, answer.session_id) == [False]


@case
def introspection_says_what_a_token_is_bound_to_and_asks_for_no_key(world: World) -> None:
    answer = world.login(world.user(), REMEMBERED, jkt=JKT)

    for text in (answer.token, answer.device_token, answer.access_token):
        shown = introspect(text or "", world.sessions)
        assert (shown["active"], shown["cnf"]) == (True, {"jkt": JKT})
    assert "cnf" not in introspect(world.login(world.user()).token, world.sessions)
    world.refresh(answer.token, jkt=JKT)
    assert introspect(answer.token, world.sessions) == INACTIVE


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_other_keys(checked: Case) -> None:
    checked(memory_world())
