"""The operators' page is off until a label is named: nobody, an admin included, gets anything from it."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.client import Client
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

ALICE = USERS[0]  # has the label admin


@pytest.fixture(scope="module")
def without_label(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    with new_stack(database, administrator, aws, "inprocess", {"AdminLabel": ""}) as started:
        yield started


@pytest.mark.parametrize("path", ["/console/summary", "/console/events", f"/console/users/{ALICE.id}"])
def test_without_an_admin_label_the_console_is_not_there(without_label: LocalStack, path: str) -> None:
    client = Client(without_label.base_url)
    signed_in = client.post(
        "/auth/login", {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"}
    )

    reply = client.get(path, cookie=signed_in.cookies[0].split(";")[0])

    assert (reply.status, reply.json["error"]) == (404, "not_found")
    assert client.get(path).status == 404


def test_a_session_cannot_be_ended_through_it_either(without_label: LocalStack) -> None:
    client = Client(without_label.base_url)
    reply = client.post("/auth/login", {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"})
    headers = {"X-CSRF-Token": reply.json["csrf_token"]}
    cookie = reply.cookies[0].split(";")[0]
    path, reason = f"/console/sessions/{reply.json['session_id']}/revoke", {"reason": "leaver"}

    assert client.post(path, reason, cookie=cookie, headers=headers).status == 404
    assert client.get("/auth/session", cookie=cookie).status == 200
