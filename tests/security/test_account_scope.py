"""An access token that was handed to another API sees and ends nothing of its user but its own session."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

BOB = USERS[1]
NARROW = "portal:read"
ALL = "portal:read portal:write account"
# What reaches beyond the own session → the status with the scope.
ROUTES: dict[str, tuple[str, str, Any, int]] = {
    "list sessions": ("GET", "/auth/sessions", None, 200),
    "list devices": ("GET", "/auth/devices", None, 200),
    "list events": ("GET", "/auth/events", None, 200),
    "end another session": ("DELETE", "/auth/sessions/{session_id}", None, 204),
    "end no session": ("DELETE", f"/auth/sessions/{uuid.UUID(int=7)}", None, 404),
    "rename a device": ("PATCH", "/auth/devices/{device_id}", {"name": "theirs"}, 200),
    "forget a device": ("DELETE", "/auth/devices/{device_id}", None, 204),
    "end the others": ("POST", "/auth/logout", {"scope": "others"}, 204),
    "end all": ("POST", "/auth/logout", {"scope": "all"}, 204),
}
EACH = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)


def issued(stack: LocalStack, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stack.invoke("issue", {"user_id": BOB.id, "amr": ["pwd"], **options})
    assert "session_id" in answer, answer
    return answer


def ask(stack: LocalStack, route: tuple[str, str, Any, int], ids: dict[str, Any], **who: Any) -> Reply:
    method, path, body, _ = route
    client = Client(stack.base_url)
    if body is None:
        return client.request(method, path.format_map(ids), **who)
    return client.request(method, path.format_map(ids), json.dumps(body).encode(), "application/json", **who)


def is_live(stack: LocalStack, session: dict[str, Any]) -> bool:
    return Client(stack.base_url).get("/auth/session", bearer=session["access_token"]).status == 200


@EACH
@pytest.mark.parametrize("scope", [NARROW, "portal:read portal:write"])
def test_a_token_without_the_scope_is_refused_and_changes_nothing(
    stack: LocalStack, route: tuple[str, str, Any, int], scope: str
) -> None:
    victim, handed_on = issued(stack, device={"name": "mine"}), issued(stack, scope=scope)

    reply = ask(stack, route, victim, bearer=handed_on["access_token"])

    assert (reply.status, reply.json["error"]) == (403, "insufficient_scope")
    assert reply.headers["www-authenticate"].endswith('error="insufficient_scope", scope="account"')
    assert is_live(stack, victim)
    assert is_live(stack, handed_on)
    devices = (
        Client(stack.base_url).get("/auth/devices", bearer=issued(stack)["access_token"]).json["devices"]
    )
    names = {device["device_id"]: device["name"] for device in devices}
    assert names[victim["device_id"]] == "mine"


@EACH
@pytest.mark.parametrize("scope", [None, "account", ALL])
def test_a_token_with_the_scope_is_let_in(
    stack: LocalStack, route: tuple[str, str, Any, int], scope: str | None
) -> None:
    victim = issued(stack)
    own = issued(stack, **({"scope": scope} if scope else {}))

    assert ask(stack, route, victim, bearer=own["access_token"]).status == route[3]


@EACH
def test_a_browser_session_needs_no_scope(stack: LocalStack, route: tuple[str, str, Any, int]) -> None:
    client, victim = Client(stack.base_url), issued(stack)
    body = {"username": BOB.username, "password": PASSWORD, "mode": "cookie", "scope": NARROW}
    reply = client.post("/auth/login", body)
    cookie, headers = reply.cookies[0].split(";")[0], {"X-CSRF-Token": reply.json["csrf_token"]}

    assert ask(stack, route, victim, cookie=cookie, headers=headers).status == route[3]


def test_a_token_narrowed_at_a_refresh_has_lost_it_and_the_next_one_has_it(stack: LocalStack) -> None:
    client, session = Client(stack.base_url), issued(stack)
    fields = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    handed_on = client.form("/auth/token", {**fields, "scope": NARROW}).json
    again = {"grant_type": "refresh_token", "refresh_token": handed_on["refresh_token"], "scope": "account"}
    own = client.form("/auth/token", again).json

    assert client.get("/auth/sessions", bearer=handed_on["access_token"]).status == 403
    assert client.get("/auth/sessions", bearer=own["access_token"]).status == 200


def test_a_narrow_token_reads_and_ends_its_own_session(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    by_logout, by_id = issued(stack, scope=NARROW), issued(stack, scope=NARROW)

    assert client.get("/auth/session", bearer=by_logout["access_token"]).json["scope"] == NARROW
    assert client.post("/auth/logout", {}, bearer=by_logout["access_token"]).status == 204
    own = f"/auth/sessions/{by_id['session_id'].upper()}"
    assert client.delete(own, bearer=by_id["access_token"]).status == 204
    assert not is_live(stack, by_logout)
    assert not is_live(stack, by_id)


@pytest.fixture(scope="module")
def others(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    """A deployment as the template has it by itself: no client has the scope."""
    clients = '{"portal-web": ["portal:read", "portal:write", "accounts"]}'
    with new_stack(database, administrator, aws, "inprocess", {"Clients": clients}) as started:
        yield started


@EACH
def test_where_no_client_has_the_scope_no_token_is_let_in(
    others: LocalStack, route: tuple[str, str, Any, int]
) -> None:
    victim, widest = issued(others), issued(others)

    assert ask(others, route, victim, bearer=widest["access_token"]).json["error"] == "insufficient_scope"
    assert is_live(others, victim)


@pytest.fixture(scope="module")
def lax(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    with new_stack(database, administrator, aws, "inprocess", {"AccountScope": ""}) as started:
        yield started


@EACH
def test_switched_off_any_token_is_let_in(lax: LocalStack, route: tuple[str, str, Any, int]) -> None:
    victim, narrow = issued(lax), issued(lax, scope=NARROW)

    assert ask(lax, route, victim, bearer=narrow["access_token"]).status == route[3]
