"""Everywhere means everywhere: a session that is ended takes its device along, and what is to stay stays."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.ends import Cause
from auth_tokens.domain.errors import InvalidGrant, NotFound
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.end_session import SessionEnd, end_session
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.list_events import EventFilter, list_events
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.revoke import revoke_token
from auth_tokens.usecases.revoke_user import revoke_user
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World

REMEMBERED = DeviceRequest(remember=True)


def claims_of(world: World, answer: TokenAnswer) -> AccessClaims:
    credential = Credential(Transport.BEARER, answer.access_token or "")
    if answer.access_token is None:
        credential = Credential(Transport.COOKIE, answer.token)
    return validate(credential, world.sessions.validation).claims


def opens(world: World, answer: TokenAnswer) -> bool:
    """Does its device token still open a session?"""
    try:
        exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)
    except InvalidGrant:
        return False
    return True


def lives(world: World, answer: TokenAnswer) -> bool:
    kind = TokenKind.REFRESH if answer.access_token else TokenKind.SESSION
    try:
        world.refresh(answer.token, kind=kind)
    except InvalidGrant:
        return False
    return True


def end(world: World, name: str, answer: TokenAnswer, **options: Any) -> None:
    end_session(answer.session_id, world.user_id(name), CALLER, world.sessions, SessionEnd(**options))


def told(world: World, name: str) -> list[dict[str, Any]]:
    """The ends among a user's events, oldest first."""
    found = list_events(EventFilter(user_id=world.user_id(name)), wiring.listing_events(world.shared))
    return [event.public_view() for event in reversed(found.events) if "revoked" in event.type]


# --- one session


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_who_ends_a_lost_phones_session_has_ended_the_phone(world: World, kind: TokenKind) -> None:
    name = world.user()
    here = world.login(name, REMEMBERED)
    phone = world.login(name, REMEMBERED, kind=kind)
    device_token = world.login(name, DeviceRequest(id=phone.device_id, remember=True), kind=kind)

    end(world, name, device_token, own_device=here.device_id)

    assert not lives(world, device_token)
    assert not opens(world, device_token)
    assert world.row(phone.device_id)["revoke_reason"] == "revoked"
    assert lives(world, here)
    assert opens(world, here)


def test_a_device_that_is_to_be_kept_is_kept(world: World) -> None:
    name = world.user()
    phone = world.login(name, REMEMBERED)

    end(world, name, phone, keep_device=True)

    assert not lives(world, phone)
    assert opens(world, phone)


def test_ending_ones_own_session_keeps_ones_own_device(world: World) -> None:
    name = world.user()
    here = world.login(name, REMEMBERED)

    end(world, name, here, own_device=here.device_id)

    assert not lives(world, here)
    assert opens(world, here)


def test_ending_another_session_on_ones_own_device_keeps_the_device_and_ones_session(world: World) -> None:
    name = world.user()
    here = world.login(name, REMEMBERED)
    beside = world.login(name)
    world.sql(
        "UPDATE auth_user_tokens SET device_id = %s WHERE id = %s",
        uuid.UUID(here.device_id).bytes,
        uuid.UUID(beside.session_id).bytes,
    )

    end(world, name, beside, own_device=here.device_id)

    assert not lives(world, beside)
    assert lives(world, here)
    assert opens(world, here)


def test_ending_a_session_again_is_harmless_and_ends_the_device_that_the_first_call_kept(
    world: World,
) -> None:
    name = world.user()
    phone = world.login(name, REMEMBERED)

    end(world, name, phone, keep_device=True)
    end(world, name, phone)
    after = world.row(phone.device_id)
    end(world, name, phone)
    end(world, name, phone, keep_device=True)

    assert not opens(world, phone)
    assert world.row(phone.device_id) == after
    assert sorted((event["type"], event["session_id"]) for event in told(world, name)) == [
        ("device_revoked", phone.session_id),
        ("session_revoked", phone.session_id),
    ]


def test_a_session_that_was_replaced_still_stands_for_its_device(world: World) -> None:
    """A list that is some minutes old names it; the phone is what its owner means."""
    name = world.user()
    listed = world.login(name, REMEMBERED)
    now = world.login(name, DeviceRequest(id=listed.device_id, remember=True))

    end(world, name, listed)

    assert not lives(world, now)
    assert not opens(world, now)


def test_the_events_say_what_ended(world: World) -> None:
    name = world.user()
    phone = world.login(name, REMEMBERED)

    end(world, name, phone, cause=Cause(RevokeReason.ADMIN))

    session, device = told(world, name)
    assert (session["type"], session["session_id"]) == ("session_revoked", phone.session_id)
    assert session["detail"] == {"reason": "admin"}
    assert (device["type"], device["session_id"]) == ("device_revoked", phone.session_id)
    assert device["detail"] == {"reason": "admin", "device_id": phone.device_id}


@pytest.mark.parametrize("keep_device", [False, True])
def test_another_users_session_is_not_found_and_keeps_its_device(world: World, keep_device: bool) -> None:
    theirs, me = world.login(world.user(), REMEMBERED), world.user()

    for session_id in (theirs.session_id, theirs.device_id):
        with pytest.raises(NotFound):
            end_session(
                session_id, world.user_id(me), CALLER, world.sessions, SessionEnd(keep_device=keep_device)
            )

    assert lives(world, theirs)
    assert opens(world, theirs)


# --- all others, and all


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
def test_signing_out_everywhere_else_ends_the_other_devices_and_what_else_is_on_ones_own(
    world: World, kind: TokenKind
) -> None:
    name = world.user()
    remembered = world.login(name, REMEMBERED)
    here = world.login(name, DeviceRequest(id=remembered.device_id), kind=kind)
    phone, browser = world.login(name, REMEMBERED), world.login(name, kind=TokenKind.SESSION)
    beside = world.login(name)
    world.sql(
        "UPDATE auth_user_tokens SET device_id = %s WHERE id = %s",
        uuid.UUID(here.device_id).bytes,
        uuid.UUID(beside.session_id).bytes,
    )

    ended = logout(LogoutScope.OTHERS, claims_of(world, here), CALLER, world.sessions)
    again = logout(LogoutScope.OTHERS, claims_of(world, here), CALLER, world.sessions)

    assert (ended, again) == (6, 0)
    assert not any(lives(world, other) for other in (phone, browser, beside))
    assert not opens(world, phone)
    assert lives(world, here)
    assert opens(world, remembered)
    [event] = told(world, name)
    assert event["detail"] == {"reason": "logout", "scope": "others", "devices": "ended"}


def test_signing_out_everywhere_else_keeps_the_devices_that_are_to_be_kept(world: World) -> None:
    name = world.user()
    here, phone = world.login(name), world.login(name, REMEMBERED)

    ended = logout(LogoutScope.OTHERS, claims_of(world, here), CALLER, world.sessions, keep_devices=True)

    assert ended == 1
    assert not lives(world, phone)
    assert opens(world, phone)
    assert told(world, name)[0]["detail"]["devices"] == "kept"


@pytest.mark.parametrize("keep_devices", [False, True])
def test_signing_out_everywhere_ends_every_session_and_all_devices_but_those_to_be_kept(
    world: World, keep_devices: bool
) -> None:
    name = world.user()
    here, phone = world.login(name, REMEMBERED), world.login(name, REMEMBERED)

    logout(LogoutScope.ALL, claims_of(world, here), CALLER, world.sessions, keep_devices=keep_devices)

    assert not lives(world, here)
    assert not lives(world, phone)
    assert opens(world, here) == opens(world, phone) == keep_devices


@pytest.mark.parametrize("keep_devices", [False, True])
def test_signing_out_here_keeps_the_own_device_in_any_case(world: World, keep_devices: bool) -> None:
    name = world.user()
    here, phone = world.login(name, REMEMBERED), world.login(name, REMEMBERED)

    ended = logout(
        LogoutScope.CURRENT, claims_of(world, here), CALLER, world.sessions, keep_devices=keep_devices
    )

    assert ended == 1
    assert opens(world, here)
    assert lives(world, phone)


def test_a_sessions_own_token_ends_the_session_and_keeps_the_device(world: World) -> None:
    """RFC 7009 by who holds the token: their own device."""
    answer = world.login(world.user(), REMEMBERED)

    revoke_token(answer.token, None, CALLER, world.sessions)

    assert not lives(world, answer)
    assert opens(world, answer)


# --- by an operator


def _delete(world: World, name: str) -> None:
    world.sql("DELETE FROM auth_users WHERE username = %s", name)


def _nothing(world: World, name: str) -> None:
    pass


KNOWN: dict[str, tuple[Callable[[World, str], object], bool]] = {
    "active": (_nothing, True),
    "disabled": (World.disable, True),
    "deleted with rows left": (_delete, True),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_user_who_is_known_or_has_rows_here_is_revoked_and_again(world: World, case: str) -> None:
    name = world.user()
    world.login(name)
    user_id = world.user_id(name)
    KNOWN[case][0](world, name)

    assert revoke_user(user_id, RevokeReason.ADMIN, "", world.sessions) == 2
    assert revoke_user(user_id, RevokeReason.ADMIN, "", world.sessions) == 0


def test_a_user_without_any_session_is_revoked(world: World) -> None:
    assert revoke_user(world.user_id(world.user()), RevokeReason.ADMIN, "", world.sessions) == 0


@pytest.mark.parametrize("user_id", ["nobody", "0", str(uuid.UUID(int=7))])
def test_the_revoke_of_an_unknown_user_is_not_found_and_leaves_no_row(world: World, user_id: str) -> None:
    before = rows(world)

    with pytest.raises(NotFound):
        revoke_user(user_id, RevokeReason.ADMIN, "a mistyped id", world.sessions)

    assert rows(world) == before


def test_another_spelling_of_a_user_id_is_an_unknown_user(world: World) -> None:
    name = world.user()
    answer = world.login(name)
    user_id = world.user_id(name)

    for other in (user_id.upper(), user_id[:-1], f"{user_id[:-1]}%"):
        if other != user_id:
            with pytest.raises(NotFound):
                revoke_user(other, RevokeReason.ADMIN, "", world.sessions)

    assert lives(world, answer)


def rows(world: World) -> list[dict[str, Any]]:
    tables = ("auth_token_users", "auth_token_events", "auth_user_tokens")
    return [world.sql(f"SELECT COUNT(*) AS n FROM {table}")[0] for table in tables]


def test_what_everything_means_is_nothing_left(world: World) -> None:
    name = world.user()
    for kind in (TokenKind.REFRESH, TokenKind.SESSION):
        world.login(name, REMEMBERED, kind=kind)

    assert revoke_user(world.user_id(name), RevokeReason.ADMIN, "", world.sessions) == 4
    assert list_devices(world.user_id(name), None, None, world.sessions).devices == []
