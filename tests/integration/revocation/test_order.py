"""Ends of a part of what a user has, beside sign-ins: what ended stays ended, what was to stay stays.

Both orders are forced once each, by another transaction that is begun inside; and fifty rounds start at a barrier.
The ends of everything are in test_sign_in_order.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.ends import UserChange
from auth_tokens.domain.errors import InvalidGrant, TokenServiceError
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.domain.ids import parse_uuid
from auth_tokens.usecases.end_session import SessionEnd, end_session, forget_device
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.issue_deps import IssueDeps
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke_user import end_what_began_before
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.validate import validate
from tests.integration.sign_in.test_order import BeforeTheTransaction, beside_the_commit, environment
from tests.support import wiring
from tests.support.world import CALLER, World

ROUNDS = 50
REMEMBERED = SessionOptions(device=DeviceRequest(remember=True))


@dataclass
class Person:
    """A user at one device, with a phone elsewhere; both are remembered."""

    world: World
    user_id: str
    here: TokenAnswer
    phone: TokenAnswer

    @property
    def stray(self) -> list[dict[str, Any]]:
        """Live sessions on devices that have ended."""
        return self.world.sql(
            "SELECT s.id FROM auth_user_tokens AS s JOIN auth_user_tokens AS d ON d.id = s.device_id"
            " WHERE s.user_id = %s AND s.type <> 'device' AND s.revoked_at IS NULL AND d.revoked_at IS NOT NULL",
            self.user_id,
        )

    @property
    def live(self) -> set[bytes]:
        """The devices that have a live session."""
        rows = self.world.sql(
            "SELECT device_id FROM auth_user_tokens"
            " WHERE user_id = %s AND type <> 'device' AND revoked_at IS NULL",
            self.user_id,
        )
        return {row["device_id"] for row in rows}

    def has_token(self, answer: TokenAnswer) -> bool:
        row = self.world.row(answer.device_id)
        return row["revoked_at"] is None and row["token_hash"] is not None


def person(world: World) -> Person:
    user_id = world.user_id(world.user())
    request = IssueRequest(user_id, ("sso",), options=REMEMBERED)
    here, phone = (issue(request, CALLER, world.issuing) for _ in range(2))
    return Person(world, user_id, here, phone)


# --- the phone signs in


def exchanges(someone: Person, deps: IssueDeps) -> object:
    return exchange_device_token(ExchangeRequest(someone.phone.device_token or ""), CALLER, deps)


def signs_in_again(someone: Person, deps: IssueDeps) -> object:
    options = SessionOptions(device=DeviceRequest(id=someone.phone.device_id, remember=True))
    return issue(IssueRequest(someone.user_id, ("sso",), options=options), CALLER, deps)


SIGN_INS: dict[str, Callable[[Person, IssueDeps], object]] = {
    "exchange": exchanges,
    "sign-in": signs_in_again,
}


# --- and is ended from here


def forgotten(someone: Person, deps: SessionDeps) -> object:
    return forget_device(someone.phone.device_id, someone.user_id, CALLER, deps)


def ended(someone: Person, deps: SessionDeps) -> object:
    own = someone.here.device_id
    return end_session(someone.phone.session_id, someone.user_id, CALLER, deps, SessionEnd(own_device=own))


def others_logged_out(someone: Person, deps: SessionDeps) -> object:
    credential = Credential(Transport.BEARER, someone.here.access_token or "")
    return logout(LogoutScope.OTHERS, validate(credential, deps.validation).claims, CALLER, deps)


def password_changed_here(someone: Person, deps: SessionDeps) -> object:
    keep, now = parse_uuid(someone.here.session_id), deps.clock()
    return end_what_began_before(UserChange(someone.user_id, RevokeReason.PASSWORD_CHANGED, now, keep), deps)


OF_THE_PHONE: dict[str, Callable[[Person, SessionDeps], object]] = {"forget": forgotten, "end": ended}
OF_ALL_OTHERS: dict[str, Callable[[Person, SessionDeps], object]] = {
    "logout of others": others_logged_out,
    "password changed": password_changed_here,
}
ENDS = OF_THE_PHONE | OF_ALL_OTHERS

each_end = pytest.mark.parametrize("end", ENDS)
each_sign_in = pytest.mark.parametrize("sign_in", SIGN_INS)


def sessions(world: World) -> SessionDeps:
    return wiring.sessions(world.environment())


def check(someone: Person, end: str, *, began_before: bool) -> None:
    """began_before: the sign-in began before the end did, so it may not outlive an end of all others."""
    here, phone = parse_uuid(someone.here.device_id), parse_uuid(someone.phone.device_id)
    assert someone.stray == []
    assert here in someone.live
    assert phone not in someone.live
    assert someone.has_token(someone.here)
    assert not someone.has_token(someone.phone)
    if end in OF_ALL_OTHERS and began_before:
        assert someone.live == {here}


@each_end
@each_sign_in
def test_an_end_just_before_a_sign_in_commits_anything_is_seen_by_it(
    world: World, sign_in: str, end: str
) -> None:
    """Of the phone's own end a sign-in without its token is no part: it gets a device of its own."""
    someone, deps = person(world), environment(world)
    ending = sessions(world)

    def a_moment_later() -> None:
        world.clock.now += 1
        ENDS[end](someone, ending)

    store = BeforeTheTransaction(deps.store, a_moment_later)

    if sign_in == "sign-in" and end in OF_THE_PHONE:
        SIGN_INS[sign_in](someone, replace(deps, store=store))
    else:
        with pytest.raises(TokenServiceError):
            SIGN_INS[sign_in](someone, replace(deps, store=store))

    check(someone, end, began_before=True)


@each_end
@each_sign_in
def test_an_end_beside_a_commit_waits_for_it_and_ends_what_it_brought(
    world: World, monkeypatch: pytest.MonkeyPatch, sign_in: str, end: str
) -> None:
    someone, deps, ending = person(world), environment(world), sessions(world)

    with beside_the_commit(monkeypatch, lambda: ENDS[end](someone, ending)) as is_waiting:
        SIGN_INS[sign_in](someone, deps)

    assert is_waiting == [True]
    check(someone, end, began_before=True)


@each_end
@each_sign_in
def test_of_an_end_and_a_sign_in_at_once_nothing_is_left_on_what_ended(
    world: World, sign_in: str, end: str
) -> None:
    deps, ending = environment(world), sessions(world)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            someone, barrier = person(world), Barrier(2)

            def begin(someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                try:
                    SIGN_INS[sign_in](someone, deps)
                except TokenServiceError:
                    return

            def finish(someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                ENDS[end](someone, ending)

            for future in [pool.submit(begin), pool.submit(finish)]:
                future.result()
            check(someone, end, began_before=False)


@pytest.mark.parametrize("keep_devices", [False, True])
def test_a_sign_in_that_runs_while_others_are_logged_out_is_stopped_devices_kept_or_not(
    world: World, keep_devices: bool
) -> None:
    someone, deps = person(world), environment(world)
    ending = sessions(world)
    claims = validate(Credential(Transport.BEARER, someone.here.access_token or ""), ending.validation).claims

    def log_out() -> None:
        logout(LogoutScope.OTHERS, claims, CALLER, ending, keep_devices=keep_devices)

    with pytest.raises(InvalidGrant):
        exchanges(someone, replace(deps, store=BeforeTheTransaction(deps.store, log_out)))

    assert someone.live == {parse_uuid(someone.here.device_id)}
    assert someone.has_token(someone.phone) == keep_devices


def test_an_old_event_stops_no_sign_in_that_began_after_it(world: World) -> None:
    someone, deps = person(world), environment(world)
    ending, instant = sessions(world), world.clock.now
    world.clock.now += 60

    def redriven() -> None:
        end_what_began_before(UserChange(someone.user_id, RevokeReason.USER_DISABLED, instant), ending)

    running = replace(deps, store=BeforeTheTransaction(deps.store, redriven))
    answer = issue(IssueRequest(someone.user_id, ("sso",)), CALLER, running)

    assert someone.live == {parse_uuid(answer.device_id)}


def test_an_old_event_after_a_new_end_does_not_let_a_stopped_sign_in_through(world: World) -> None:
    someone, deps = person(world), environment(world)
    ending, instant = sessions(world), world.clock.now
    world.clock.now += 60

    def ends() -> None:
        others_logged_out(someone, ending)
        end_what_began_before(UserChange(someone.user_id, RevokeReason.USER_DISABLED, instant), ending)

    running = replace(deps, store=BeforeTheTransaction(deps.store, ends))
    with pytest.raises(TokenServiceError):
        issue(IssueRequest(someone.user_id, ("sso",)), CALLER, running)

    assert someone.live == set()


@pytest.mark.parametrize("end", OF_THE_PHONE)
def test_ends_of_one_phone_at_once_tell_it_once(world: World, end: str) -> None:
    environments = [sessions(world) for _ in range(4)]
    with ThreadPoolExecutor(len(environments)) as pool:
        for _ in range(10):
            someone, barrier = person(world), Barrier(len(environments))

            def finish(deps: SessionDeps, someone: Person = someone, barrier: Barrier = barrier) -> None:
                barrier.wait()
                ENDS[end](someone, deps)

            for future in [pool.submit(finish, deps) for deps in environments]:
                future.result()
            told = world.sql(
                "SELECT type FROM auth_token_events WHERE user_id = %s AND type = 'device_revoked'",
                someone.user_id,
            )
            assert len(told) == 1
