"""A user who is made again under an old id inherits nothing, also where no event told of the deletion."""

import uuid
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant, SessionLimitReached
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.validate import validate
from tests.support import wiring
from tests.support.world import CALLER, World

REMEMBERED = DeviceRequest(name="old owner's phone", remember=True)


def made_again(world: World, name: str) -> None:
    """The Portal deletes the user, tells nobody, and gives the id to somebody else."""
    [row] = world.sql("SELECT * FROM auth_users WHERE username = %s", name)
    world.sql("DELETE FROM auth_users WHERE id = %s", row["id"])
    world.sql(
        "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
        " VALUES (%s, %s, %s, 'active', UTC_TIMESTAMP(6))",
        row["id"],
        name,
        row["password_hash"],
    )


def moved(world: World, name: str, change: str) -> None:
    """The Portal rewrites the column of every user."""
    world.sql(f"UPDATE auth_users SET created_at = {change} WHERE username = %s", name)


def held(world: World, name: str) -> dict[str, TokenAnswer]:
    return {
        "bearer": world.login(name, REMEMBERED),
        "browser": world.login(name, kind=TokenKind.SESSION),
    }


def in_force(world: World, answers: dict[str, TokenAnswer]) -> set[str]:
    """What of it is good, by each of the ways to ask."""
    bearer, browser = answers["bearer"], answers["browser"]
    credentials = {
        "access token": Credential(Transport.BEARER, bearer.access_token or ""),
        "cookie": Credential(Transport.COOKIE, browser.token),
    }
    good = set()
    for name, credential in credentials.items():
        try:
            validate(credential, world.sessions.validation)
            good.add(name)
        except InvalidAccessToken:
            pass
    for name, token in (
        ("access token, introspected", bearer.access_token or ""),
        ("refresh token, introspected", bearer.token),
        ("cookie, introspected", browser.token),
        ("device token, introspected", bearer.device_token or ""),
    ):
        if introspect(token, world.sessions) != INACTIVE:
            good.add(name)
    return good


def refused(world: World, answers: dict[str, TokenAnswer]) -> None:
    assert in_force(world, answers) == set()
    for token, kind in (
        (answers["bearer"].token, TokenKind.REFRESH),
        (answers["browser"].token, TokenKind.SESSION),
    ):
        with pytest.raises(InvalidGrant):
            world.refresh(token, kind=kind)
    with pytest.raises(InvalidGrant):
        exchange(world, answers["bearer"])


def exchange(world: World, answer: TokenAnswer) -> TokenAnswer:
    return exchange_device_token(ExchangeRequest(answer.device_token or ""), CALLER, world.issuing)


def test_no_token_of_the_old_user_is_good_for_the_new_one(world: World) -> None:
    name = world.user()
    answers = held(world, name)
    assert len(in_force(world, answers)) == 6

    made_again(world, name)

    refused(world, answers)


def test_an_authorizer_that_starts_lets_no_cookie_of_the_old_user_in(world: World) -> None:
    name = world.user()
    browser = world.login(name, kind=TokenKind.SESSION)
    made_again(world, name)

    with pytest.raises(InvalidAccessToken):
        validate(Credential(Transport.COOKIE, browser.token), wiring.authorizing(world.environment()))


def test_the_new_users_first_sign_in_ends_what_the_old_one_left(world: World) -> None:
    name = world.user()
    old = held(world, name)
    made_again(world, name)

    new = world.login(name)

    user_id = world.user_id(name)
    sessions = list_sessions(user_id, 10, None, world.sessions)
    assert [str(uuid.UUID(bytes=view.record.id)) for view in sessions.sessions] == [new.session_id]
    devices = list_devices(user_id, None, None, world.sessions).devices
    assert [str(uuid.UUID(bytes=view.record.id)) for view in devices] == [new.device_id]
    for answer in old.values():
        assert world.row(answer.session_id)["revoke_reason"] == "user_deleted"
        assert world.row(answer.device_id)["revoke_reason"] == "user_deleted"
    assert world.events(name).count("user_revoked") == 1
    refused(world, old)
    assert world.refresh(new.token)


def test_a_device_that_the_new_user_names_is_a_new_one_without_the_old_name(world: World) -> None:
    name = world.user()
    old = world.login(name, REMEMBERED)
    made_again(world, name)

    new = world.login(name, DeviceRequest(id=old.device_id, remember=True))

    assert new.device_id != old.device_id
    [device] = list_devices(world.user_id(name), None, None, world.sessions).devices
    assert device.metadata.name == ""


def test_sessions_of_the_old_user_take_no_room_of_the_new_one(world: World) -> None:
    name = world.user(max_sessions=1)
    world.sql("UPDATE user_config SET session_limit_action = 'deny' WHERE user_id = %s", world.user_id(name))
    world.login(name)
    with pytest.raises(SessionLimitReached):
        world.login(name)
    made_again(world, name)

    assert world.login(name)


def test_an_id_given_a_third_time_ends_what_both_have_left(world: World) -> None:
    name = world.user()
    first = held(world, name)
    made_again(world, name)
    second = held(world, name)
    made_again(world, name)
    third = held(world, name)

    refused(world, first)
    refused(world, second)
    assert len(in_force(world, third)) == 6


@pytest.mark.parametrize(
    "change",
    [
        "created_at - INTERVAL 2 HOUR",
        "created_at + INTERVAL 330 MINUTE",
        "created_at + INTERVAL 14 HOUR",
        "DATE_FORMAT(created_at, '%%Y-%%m-%%d %%H:%%i:%%s')",
    ],
)
def test_a_portal_that_moves_its_column_to_another_zone_signs_nobody_out(world: World, change: str) -> None:
    name = world.user()
    answers = held(world, name)

    moved(world, name, change)

    assert len(in_force(world, answers)) == 6
    again = world.login(name, DeviceRequest(id=answers["bearer"].device_id))
    assert again.device_id == answers["bearer"].device_id
    assert world.row(answers["browser"].session_id)["revoked_at"] is None
    assert exchange(world, answers["bearer"])


@pytest.mark.parametrize("ahead", ["-12:00", "+14:00"])
def test_a_portal_in_any_zone_signs_nobody_out(world: World, ahead: str) -> None:
    """The column is compared with itself, never with a clock."""
    name = world.user()
    moved(world, name, f"UTC_TIMESTAMP(6) + INTERVAL {int(ahead[:3])} HOUR")
    answers = held(world, name)

    world.clock.now += 60

    assert len(in_force(world, answers)) == 6
    assert world.login(name)
    assert len(in_force(world, answers)) == 6


def test_a_row_from_before_the_column_stays_and_is_marked_at_the_next_sign_in_on_its_device(
    world: World,
) -> None:
    name = world.user()
    answers = held(world, name)
    world.sql("UPDATE auth_user_tokens SET user_created_at = NULL WHERE user_id = %s", world.user_id(name))

    assert len(in_force(world, answers)) == 6
    again = world.login(name, DeviceRequest(id=answers["bearer"].device_id))

    assert world.row(again.device_id)["user_created_at"] is not None


def test_a_sign_in_notes_which_account_it_was(world: World) -> None:
    name = world.user()
    answer = world.login(name, REMEMBERED)
    opened = exchange(world, answer)

    [user] = world.sql("SELECT created_at FROM auth_users WHERE username = %s", name)
    rows: list[dict[str, Any]] = [
        world.row(row_id) for row_id in (answer.session_id, opened.session_id, answer.device_id)
    ]
    assert {row["user_created_at"] for row in rows} == {user["created_at"]}


def test_a_portal_that_maps_no_created_at_compares_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `CREATED_AT = "NULL"` does: UserDeleted alone tells two users of one id apart then."""
    monkeypatch.setattr("auth_tokens.adapters.mysql.portal.clock_us_of", lambda _: None)
    name = world.user()
    answers = held(world, name)
    made_again(world, name)

    assert len(in_force(world, answers)) == 6
    assert world.row(answers["bearer"].session_id)["user_created_at"] is None
    assert world.login(name)
