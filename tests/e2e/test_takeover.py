"""The Portal's own tokens at the token endpoint, over HTTP: its packages beside the whole service."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.client import Client
from local.http.sigv4 import LOCAL_KEY
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.templates.arns import REGION
from tests.adoption.served import COOKIE, ORIGIN, Served, document_of, portal_at, served
from tests.conftest import new_world, schema
from tests.support.database_users import DatabaseUsers

FROM_HERE, FROM_ELSEWHERE = {"Origin": ORIGIN}, {"Origin": "https://elsewhere.test"}


@pytest.fixture(scope="module")
def beside(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws, run_dir: Path
) -> Iterator[Served]:
    """Each function as its own database user, with the rights that follow from the mapping."""
    with new_world(database, aws) as world, schema(database) as theirs, portal_at(theirs) as portal:
        own = replace(theirs, name=world.settings.db_name)
        with (
            DatabaseUsers(administrator, own, document_of(portal)) as users,
            served(portal, own, aws, run_dir, passwords=users.passwords, parameters=users.parameters) as made,
        ):
            yield made


def test_a_token_of_the_portal_gets_a_session_whose_access_token_is_good(beside: Served) -> None:
    token = beside.token()

    reply = beside.refresh(token)

    assert reply.status == 200, reply.shortened()
    session = beside.client.get("/auth/session", bearer=reply.json["access_token"])
    assert session.json["acr"] == "urn:auth-user-tokens:acr:legacy"
    assert beside.refresh(token).json["refresh_token"] == reply.json["refresh_token"]
    assert beside.refresh(reply.json["refresh_token"]).status == 200
    assert not beside.portal.is_in_force(token)


def test_each_refusal_is_the_answer_to_an_unknown_token(beside: Served) -> None:
    ended, unknown, shapeless = beside.token(), "0" * 80, "no token"
    beside.portal.call("end", token=ended)

    replies = [beside.refresh(token) for token in (ended, unknown, shapeless)]

    assert {(reply.status, reply.body) for reply in replies} == {(400, replies[0].body)}
    assert replies[0].json["error"] == "invalid_grant"


def test_a_device_token_is_exchanged(beside: Served) -> None:
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:auth-user-tokens:token-type:device",
    }

    reply = beside.client.form("/auth/token", {**fields, "subject_token": beside.token(type="device")})

    assert reply.status == 200, reply.shortened()
    assert reply.json["issued_token_type"].endswith(":access_token")
    assert (
        beside.client.form("/auth/token", {**fields, "subject_token": reply.json["device_token"]}).status
        == 200
    )


def test_a_browser_gets_a_cookie_for_its_token_from_a_known_origin_alone(beside: Served) -> None:
    token = beside.token()

    assert beside.refresh(token, FROM_ELSEWHERE, mode="cookie").status == 403
    assert beside.portal.is_in_force(token)
    reply = beside.refresh(token, FROM_HERE, mode="cookie")

    assert reply.status == 200, reply.shortened()
    assert reply.cookies[0].startswith("__Host-session=aut_st_")
    assert "refresh_token" not in reply.json


def test_the_portals_cookie_becomes_ours_from_a_known_origin_alone(beside: Served) -> None:
    fields, headers = (
        {"grant_type": "refresh_token", "mode": "cookie"},
        {"Cookie": f"{COOKIE}={beside.token()}"},
    )

    for origin in ({}, FROM_ELSEWHERE):
        assert beside.client.form("/auth/token", fields, headers={**headers, **origin}).status == 403
    as_bearer = beside.client.form(
        "/auth/token", {"grant_type": "refresh_token"}, headers={**headers, **FROM_HERE}
    )
    assert (as_bearer.status, as_bearer.json["error"]) == (400, "invalid_request")
    reply = beside.client.form("/auth/token", fields, headers={**headers, **FROM_HERE})

    assert reply.status == 200, reply.shortened()
    assert reply.cookies[0].startswith("__Host-session=aut_st_")


def test_client_authentication_and_an_unknown_client_spend_nothing(beside: Served) -> None:
    token = beside.token()

    assert beside.refresh(token, {"Authorization": "Basic eDp5"}).status == 401
    assert beside.refresh(token, client_id="nobody").status == 401
    assert beside.refresh(token, {"Idempotency-Key": ""}).status == 400

    assert beside.refresh(token).status == 200


@pytest.mark.parametrize("by", ["operator", "event"])
def test_no_token_moves_after_everything_of_its_user_ended(beside: Served, by: str) -> None:
    [user] = beside.portal.people(1)
    token = beside.token(user)

    end_everything(beside, user, by)

    assert beside.refresh(token).json["error"] == "invalid_grant"


@pytest.mark.parametrize(("by", "address"), [("operator", "127.0.0.3"), ("event", "127.0.0.4")])
def test_no_session_outlives_an_end_of_everything_that_comes_at_the_same_time(
    beside: Served, by: str, address: str
) -> None:
    """From an address of its own, as so many tokens that are not in force reach its limit."""
    beside = replace(beside, client=Client(beside.stack.base_url, address))
    users = beside.portal.people(20)
    tokens = {user: beside.token(user) for user in users}
    with ThreadPoolExecutor(4) as pool:
        for user in users:
            both = threading.Barrier(2)

            def move(token: str, both: threading.Barrier = both) -> None:
                both.wait()
                beside.refresh(token)

            def end(user: str, both: threading.Barrier = both) -> None:
                both.wait()
                end_everything(beside, user, by)

            for begun in [pool.submit(move, tokens[user]), pool.submit(end, user)]:
                begun.result()
            beside.refresh(tokens[user])

    assert [user for user in users if beside.live_sessions(user)] == []


def test_a_sign_out_by_a_token_of_the_portal_is_true_here_and_there_whether_it_has_moved_or_not(
    beside: Served,
) -> None:
    users = beside.portal.people(2)
    moved, unmoved = [beside.token(user) for user in users]
    device = beside.token(users[1], type="device")
    session = beside.refresh(moved).json

    replies = [
        beside.revoke(token) for token in (moved, unmoved, device, moved, unmoved, "0" * 80, "no token")
    ]

    assert {(reply.status, reply.body) for reply in replies} == {(200, b"")}
    assert [beside.live_sessions(user) for user in users] == [0, 0]
    assert not any(beside.portal.is_in_force(token) for token in (moved, unmoved, device))
    for token in (moved, unmoved, session["refresh_token"]):
        assert beside.refresh(token).json["error"] == "invalid_grant"


def test_an_access_token_and_ours_are_revoked_as_ever(beside: Served) -> None:
    session = beside.refresh(beside.token()).json

    assert beside.revoke(session["access_token"]).status == 200
    assert beside.client.get("/auth/session", bearer=session["access_token"]).status == 401
    assert beside.revoke(session["refresh_token"]).status == 200
    assert beside.refresh(session["refresh_token"]).json["error"] == "invalid_grant"


def test_a_revocation_by_an_unknown_client_or_with_client_authentication_ends_nothing(beside: Served) -> None:
    token = beside.token()

    assert beside.revoke(token, {"Authorization": "Basic eDp5"}).status == 401
    assert beside.revoke(token, client_id="nobody").status == 401

    assert beside.portal.is_in_force(token)


def test_a_token_that_the_portal_verifies_itself_moves_by_the_bridge_and_a_repeat_is_the_same_session(
    beside: Served,
) -> None:
    token = beside.token(lives_s=3600)
    iam = {
        "accessKeyId": LOCAL_KEY.access_key,
        "secretAccessKey": LOCAL_KEY.secret_key,
        "region": REGION,
    }
    bridge = {"token": token, "url": f"{beside.stack.base_url}/auth/issue", "iam": iam}

    lost = beside.portal.call("move", **bridge, loses=True)
    assert beside.portal.is_in_force(token)  # the stated weakness: at both sides until the repeat
    moved = beside.portal.call("move", **bridge)

    assert (moved["session_id"], moved["refresh_token"]) == (lost["session_id"], lost["refresh_token"])
    assert 3500 < moved["refresh_expires_in"] <= 3600
    assert not beside.portal.is_in_force(token)
    assert beside.portal.call("move", **bridge) is None
    assert beside.refresh(moved["refresh_token"]).status == 200


def test_the_schedules_count_who_is_still_to_come_and_clean(beside: Served) -> None:
    beside.refresh(beside.token())

    assert beside.stack.invoke("analytics", {})["ran"]
    assert beside.stack.invoke("cleanup", {})


def end_everything(beside: Served, user: str, by: str) -> None:
    if by == "operator":
        reply = beside.client.signed("POST", f"/admin/users/{user}/revoke", {"reason": "lost"})
        assert reply.status == 200, reply.shortened()
    else:
        event = {"source": "portal.users", "detail-type": "PasswordChanged", "detail": {"user_id": user}}
        beside.stack.invoke("revoke", event)
