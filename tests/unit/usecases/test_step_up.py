"""A session's user authenticates anew by password: on a store in memory, and on the database by
tests/integration/sessions/test_stores_agree.py."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from auth_tokens.domain.acr import DEVICE_ACR, PASSWORD_ACR
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.errors import (
    InvalidClient,
    InvalidCredentials,
    InvalidGrant,
    RateLimited,
    Unavailable,
    UnmetAuthenticationRequirements,
)
from auth_tokens.domain.limits import STEP_UP_PER_USER
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.presentation import MAX_RACES
from auth_tokens.usecases.step_up import StepUpRequest, step_up
from auth_tokens.usecases.vouch import VouchRequest, vouch
from tests.support.cases import REMEMBERED, Case, Cases, claims_of, is_live, row
from tests.support.memory_world import POLICY, memory_world
from tests.support.refresh_stage import Contended
from tests.support.world import CALLER, PASSWORD, World

case = Cases()
MFA = "urn:mfa"


def raised(world: World, token: str, password: str = PASSWORD, **fields: Any) -> TokenAnswer:
    return step_up(StepUpRequest(token, password, **fields), CALLER, world.issuing)


def contended(world: World, *meanwhile: Callable[[], object], refused: int = 0) -> World:
    """The same world, in which others act between the read and the write of a step-up."""
    store = Contended(world.issuing.store)
    store.meanwhile, store.refused = list(meanwhile), refused
    world.issuing = replace(world.issuing, store=cast(Any, store), pause=lambda attempt: None)
    return world


def unchanged(world: World, session_id: str, token: str) -> bool:
    """Is the session what its sign-in made of it, and the token still good for a refresh?"""
    session = row(world, session_id)
    is_as_begun = (session.generation, session.auth_time) == (0, session.created_at)
    return is_as_begun and world.refresh(token).session_id == session_id


@case
def the_token_is_spent_for_a_successor_with_the_new_claims(world: World) -> None:
    begun = world.login(world.user(), device=REMEMBERED)
    before = row(world, begun.session_id)
    world.clock.now += 100

    answer = raised(world, begun.token)

    session, claims = row(world, begun.session_id), claims_of(world, answer)
    assert session.generation == 1
    assert (session.auth_time, session.acr, session.amr) == (world.clock(), PASSWORD_ACR, ("pwd",))
    assert (claims.auth_time, claims.acr, claims.amr) == (world.clock(), PASSWORD_ACR, ("pwd",))
    kept = ("id", "device_id", "client_id", "scope", "created_at", "absolute_expires_at", "user_id")
    assert [getattr(session, name) for name in kept] == [getattr(before, name) for name in kept]
    assert claims_of(world, world.refresh(answer.token)).auth_time == claims.auth_time


@case
def its_event_is_written_with_it(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100

    raised(world, begun.token)

    assert world.events(name).count("step_up_succeeded") == 1
    assert "step_up_failed" not in world.events(name)


@case
def a_browser_session_keeps_its_csrf_token(world: World) -> None:
    begun = world.login(world.user(), kind=TokenKind.SESSION)
    world.clock.now += 100

    answer = raised(world, begun.token, kind=TokenKind.SESSION)

    assert answer.csrf_token == begun.csrf_token
    assert (answer.token != begun.token, answer.access_token) == (True, None)
    assert row(world, begun.session_id).auth_time == world.clock()


@case
def a_session_that_a_device_token_opened_is_raised_and_its_device_is_not(world: World) -> None:
    begun = world.login(world.user(), device=REMEMBERED)
    world.clock.now += 100
    opened = exchange_device_token(ExchangeRequest(begun.device_token or ""), CALLER, world.issuing)
    device = row(world, opened.device_id)
    assert row(world, opened.session_id).acr == DEVICE_ACR
    world.clock.now += 100

    raised(world, opened.token)

    assert row(world, opened.session_id).acr == PASSWORD_ACR
    assert row(world, opened.device_id) == device


@case
def a_wrong_password_spends_nothing_and_is_told(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100

    with pytest.raises(InvalidCredentials):
        raised(world, begun.token, "wrong")

    assert world.events(name).count("step_up_failed") == 1
    assert unchanged(world, begun.session_id, begun.token)


@case
def a_user_whose_password_was_changed_is_refused_with_the_old_one(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    _change_password(world, name)

    with pytest.raises(InvalidCredentials):
        raised(world, begun.token)

    assert unchanged(world, begun.session_id, begun.token)


@case
def a_password_that_changes_meanwhile_raises_nothing(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100
    contended(world, lambda: _change_password(world, name))

    with pytest.raises(Unavailable):
        raised(world, begun.token)
    with pytest.raises(InvalidCredentials):
        raised(world, begun.token)

    assert unchanged(world, begun.session_id, begun.token)


@case
def what_a_password_does_not_reach_is_refused_and_no_attempt_is_counted(world: World) -> None:
    begun = world.login(world.user())

    for _ in range(STEP_UP_PER_USER.burst + 1):
        with pytest.raises(UnmetAuthenticationRequirements):
            raised(world, begun.token, "wrong", acr_values=(MFA, DEVICE_ACR))

    assert unchanged(world, begun.session_id, begun.token)


@case
def one_of_the_wanted_classes_is_enough(world: World) -> None:
    begun = world.login(world.user())

    assert raised(world, begun.token, acr_values=(MFA, PASSWORD_ACR))


@case
def a_password_does_not_take_the_place_of_a_stronger_authentication(world: World) -> None:
    user_id = world.user_id(world.user())
    begun = issue(IssueRequest(user_id, ("mfa",), acr=MFA), CALLER, world.issuing)

    with pytest.raises(UnmetAuthenticationRequirements):
        raised(world, begun.token)

    assert row(world, begun.session_id).acr == MFA
    assert unchanged(world, begun.session_id, begun.token)


@case
def a_session_without_a_class_is_raised(world: World) -> None:
    begun = world.login(world.user())
    issued = issue(IssueRequest(row(world, begun.session_id).user_id, ("sso",)), CALLER, world.issuing)

    raised(world, issued.token)

    assert row(world, issued.session_id).amr == ("pwd",)


@case
def a_stronger_authentication_that_comes_meanwhile_stays(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100
    world.issuing = replace(
        world.issuing, policy=replace(world.issuing.policy, acr_order=(*POLICY.acr_order, MFA))
    )
    by_backend = VouchRequest(begun.session_id, world.user_id(name), ("mfa",), MFA)
    deps = world.issuing
    contended(world, lambda: vouch(by_backend, CALLER, deps))

    with pytest.raises(UnmetAuthenticationRequirements):
        raised(world, begun.token)

    session = row(world, begun.session_id)
    assert (session.acr, session.amr, session.generation) == (MFA, ("mfa",), 0)


@case
def guesses_end_after_a_few_and_a_success_clears_them(world: World) -> None:
    token = world.login(world.user()).token
    for _ in range(STEP_UP_PER_USER.burst - 1):
        with pytest.raises(InvalidCredentials):
            raised(world, token, "wrong")

    token = raised(world, token).token

    for _ in range(STEP_UP_PER_USER.burst):
        with pytest.raises(InvalidCredentials):
            raised(world, token, "wrong")
    with pytest.raises(RateLimited) as refused:
        raised(world, token)
    assert refused.value.retry_after_s == STEP_UP_PER_USER.interval_ms // 1000
    world.clock.now += refused.value.retry_after_s
    assert raised(world, token)


@case
def guesses_count_for_all_sessions_of_the_user_and_for_nobody_else(world: World) -> None:
    name, other = world.user(), world.user()
    first, second, theirs = world.login(name), world.login(name), world.login(other)
    for token in [first.token, second.token] * STEP_UP_PER_USER.burst:
        with pytest.raises((InvalidCredentials, RateLimited)):
            raised(world, token, "wrong")

    with pytest.raises(RateLimited):
        raised(world, second.token)
    assert raised(world, theirs.token)


@case
def guesses_leave_the_sign_in_open(world: World) -> None:
    name = world.user()
    token = world.login(name).token
    for _ in range(3 * STEP_UP_PER_USER.burst):
        with pytest.raises((InvalidCredentials, RateLimited)):
            raised(world, token, "wrong")

    assert world.login(name)


@case
def a_lost_answer_is_repeated_with_the_same_successor(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100
    first = raised(world, begun.token, retry_key="k")
    world.clock.now += 3600

    again = raised(world, begun.token, retry_key="k")

    assert (again.token, again.is_repeat) == (first.token, True)
    assert claims_of(world, again).auth_time == row(world, begun.session_id).auth_time == world.clock()
    assert row(world, begun.session_id).generation == 1


@case
def a_repeat_within_a_second_writes_nothing(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    world.clock.now += 100
    first = raised(world, begun.token)
    before = row(world, begun.session_id)

    assert raised(world, begun.token).token == first.token

    assert row(world, begun.session_id) == before
    assert world.events(name).count("step_up_succeeded") == 1


@case
def a_repeat_with_a_wrong_password_gets_nothing(world: World) -> None:
    begun = world.login(world.user())
    raised(world, begun.token)

    with pytest.raises(InvalidCredentials):
        raised(world, begun.token, "wrong")

    assert is_live(world, begun.session_id) == [True]


@case
def a_refresh_that_was_first_does_not_stop_it(world: World) -> None:
    begun = world.login(world.user())
    world.clock.now += 100
    refreshed = world.refresh(begun.token)

    answer = raised(world, begun.token)

    assert answer.token == refreshed.token
    assert claims_of(world, answer).auth_time == world.clock()
    assert row(world, begun.session_id).generation == 1


@case
def a_refresh_meanwhile_does_not_stop_it_either(world: World) -> None:
    begun = world.login(world.user())
    world.clock.now += 100
    refreshed: list[str] = []
    contended(world, lambda: refreshed.append(world.refresh(begun.token).token))

    answer = raised(world, begun.token)

    assert refreshed == [answer.token]
    assert row(world, begun.session_id).auth_time == world.clock()


@case
def two_refreshes_meanwhile_leave_the_outcome_to_another_call(world: World) -> None:
    begun = world.login(world.user())
    contended(world, lambda: world.refresh(world.refresh(begun.token).token))

    with pytest.raises(Unavailable):
        raised(world, begun.token)

    assert is_live(world, begun.session_id) == [True]


@case
def an_end_meanwhile_leaves_no_token(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    claims = claims_of(world, begun)
    contended(world, lambda: logout(LogoutScope.CURRENT, claims, CALLER, world.sessions))

    with pytest.raises(InvalidGrant):
        raised(world, begun.token)

    assert "step_up_succeeded" not in world.events(name)


@case
def a_user_who_is_disabled_meanwhile_is_not_raised(world: World) -> None:
    name = world.user()
    begun = world.login(name)
    contended(world, lambda: world.disable(name))

    with pytest.raises(InvalidGrant):
        raised(world, begun.token)

    assert row(world, begun.session_id).generation == 0


@case
def endless_contention_is_unavailable_within_a_bound(world: World) -> None:
    begun = world.login(world.user())
    contended(world, refused=MAX_RACES)

    with pytest.raises(Unavailable):
        raised(world, begun.token)


@case
def a_thief_s_copy_from_before_is_found_as_reuse(world: World) -> None:
    name = world.user()
    stolen = world.login(name)
    owner = raised(world, stolen.token)
    world.clock.now += POLICY.retry_window_s

    with pytest.raises(InvalidGrant):
        world.refresh(stolen.token)

    assert world.events(name).count("token_reuse_detected") == 1
    with pytest.raises(InvalidGrant):
        world.refresh(owner.token)


@case
def a_thief_who_steps_up_with_a_spent_token_ends_the_session_whatever_the_password(world: World) -> None:
    name = world.user()
    stolen = world.login(name)
    world.refresh(stolen.token)
    world.clock.now += POLICY.retry_window_s

    with pytest.raises(InvalidGrant):
        raised(world, stolen.token, "wrong")

    assert is_live(world, stolen.session_id) == [False]
    assert "step_up_failed" not in world.events(name)


@case
def another_client_spends_nothing(world: World) -> None:
    begun = world.login(world.user())

    with pytest.raises(InvalidGrant):
        raised(world, begun.token, client_id="portal-app")
    with pytest.raises(InvalidClient):
        raised(world, begun.token, client_id="nobody")

    assert unchanged(world, begun.session_id, begun.token)


@case
def a_device_token_is_no_session_s(world: World) -> None:
    device_token = world.login(world.user(), device=REMEMBERED).device_token or ""

    for kind in (TokenKind.REFRESH, TokenKind.SESSION):
        with pytest.raises(InvalidGrant):
            raised(world, device_token, kind=kind)


@case
def the_session_s_time_of_authentication_never_goes_back(world: World) -> None:
    """The clock of the environment that signed in was ahead."""
    begun = world.login(world.user())
    signed_in_at = world.clock()
    world.clock.now -= 2

    answer = raised(world, begun.token)

    assert row(world, begun.session_id).auth_time == signed_in_at
    assert claims_of(world, answer).auth_time <= world.clock()
    world.clock.now += 2


def _change_password(world: World, name: str) -> None:
    account = world.issuing.portal.account_by_name(name)
    assert account is not None
    changed = world.issuing.passwords.upgraded("another password", "")
    assert changed
    is_changed = world.issuing.portal.upgrade_password_hash(
        account.user.id, account.password_hash or "", changed
    )
    assert is_changed


@pytest.mark.parametrize("checked", case.values(), ids=case)
def test_step_up(checked: Case) -> None:
    checked(memory_world())
