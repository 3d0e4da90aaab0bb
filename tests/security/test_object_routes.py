"""Every route to an object crossed with everybody who may ask: only its owner gets it, and nobody else learns of it."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

BOB = USERS[1]
# route → the status that its owner gets
ROUTES = {
    "DELETE /auth/sessions/{session_id}": 204,
    "PATCH /auth/devices/{device_id}": 200,
    "DELETE /auth/devices/{device_id}": 204,
}


@dataclass(frozen=True)
class Person:
    """A user with a session on a device."""

    username: str
    user_id: str
    session: dict[str, Any]

    @property
    def bearer(self) -> str:
        return str(self.session["access_token"])


class Neighbourhood:
    """Makes users of these tests alone, with the password of the seeded ones."""

    def __init__(self, stack: LocalStack) -> None:
        self.client = Client(stack.base_url)
        self.stack = stack

    def person(self, client_id: str = "portal-web") -> Person:
        user_id, username = str(uuid.uuid4()), f"matrix-{uuid.uuid4().hex[:12]}@example.com"
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
                " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
                (user_id, username, BOB.id),
            )
        return Person(username, user_id, self.issued(user_id, client_id))

    def issued(self, user_id: str, client_id: str = "portal-web") -> dict[str, Any]:
        """By direct invocation, so that no login of a source is counted."""
        body = {"user_id": user_id, "amr": ["pwd"], "client_id": client_id, "device": {"name": "theirs"}}
        answer: dict[str, Any] = self.stack.invoke("issue", body)
        return answer

    def ask(self, route: str, ids: dict[str, str], bearer: str | None) -> Reply:
        method, path = route.split(" ")
        body = b'{"name": "taken over"}' if method == "PATCH" else b""
        headers = {"Content-Type": "application/json"} if body else {}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        return self.client.request(method, path.format_map(ids), body, headers=headers)

    def untouched(self, owner: Person) -> bool:
        seen = self.client.get("/auth/devices", bearer=owner.bearer)
        names = {device["device_id"]: device["name"] for device in seen.json.get("devices", ())}
        return seen.status == 200 and names.get(owner.session["device_id"]) == "theirs"


@pytest.fixture(scope="module")
def around(stack: LocalStack) -> Iterator[Neighbourhood]:
    yield Neighbourhood(stack)


def ids_of(person: Person) -> dict[str, str]:
    return {name: str(person.session[name]) for name in ("session_id", "device_id")}


@pytest.mark.parametrize("route", ROUTES)
def test_its_owner_gets_it(around: Neighbourhood, route: str) -> None:
    owner = around.person()

    assert around.ask(route, ids_of(owner), owner.bearer).status == ROUTES[route]


@pytest.mark.parametrize("route", ROUTES)
def test_its_owner_gets_it_from_another_session_of_theirs(around: Neighbourhood, route: str) -> None:
    owner = around.person()
    elsewhere = around.issued(owner.user_id, "portal-app")

    assert around.ask(route, ids_of(owner), str(elsewhere["access_token"])).status == ROUTES[route]


@pytest.mark.parametrize("route", ROUTES)
def test_another_user_gets_the_answer_of_an_unknown_id_to_the_byte(around: Neighbourhood, route: str) -> None:
    owner, other = around.person(), around.person()
    unknown = {name: str(uuid.uuid4()) for name in ids_of(owner)}

    theirs = around.ask(route, ids_of(owner), other.bearer)
    nobodys = around.ask(route, unknown, other.bearer)

    assert (theirs.status, theirs.json["error"]) == (404, "not_found")
    assert theirs.body == nobodys.body
    assert theirs.headers.keys() == nobodys.headers.keys()
    assert around.untouched(owner)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("who", ["anonymous", "revoked", "garbled", "a refresh token", "expired"])
def test_nobody_without_a_session_in_force_gets_it(around: Neighbourhood, route: str, who: str) -> None:
    owner = around.person()
    bearer: str | None = None
    if who == "revoked":
        bearer = str(around.issued(owner.user_id)["access_token"])
        around.client.post("/auth/logout", {}, bearer=bearer)
    elif who == "garbled":
        bearer = owner.bearer[:-6] + "AAAAAA"
    elif who == "a refresh token":
        bearer = str(owner.session["refresh_token"])
    elif who == "expired":
        bearer = expired(around, owner)

    reply = around.ask(route, ids_of(owner), bearer)

    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer realm=")
    assert ("error=" in reply.headers["www-authenticate"]) == (who != "anonymous")
    assert around.untouched(owner)


def expired(around: Neighbourhood, owner: Person) -> str:
    """The access token of a session of the owner's whose end the database has seen."""
    session = around.issued(owner.user_id)
    with contextlib.closing(around.stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_tokens SET expires_at = '2001-01-01' WHERE id = %s",
            (uuid.UUID(str(session["session_id"])).bytes,),
        )
        connection.commit()
    return str(session["access_token"])


MUTATIONS = {
    "without hyphens": lambda text: text.replace("-", ""),
    "in braces": lambda text: f"{{{text}}}",
    "as a URN": lambda text: f"urn:uuid:{text}",
    "a blank more": lambda text: f"{text}%20",
    "NUL": lambda text: f"{text}%00",
    "a wildcard": lambda text: text[:-1] + "%25",
    "one digit off": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    "cut": lambda text: text[:-1],
    "SQL": lambda text: f"{text}'%20OR%20'1'='1",
    "very long": lambda text: text * 100,
    "emoji": lambda text: "%F0%9F%98%80",
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_an_id_in_any_other_spelling_is_nobodys(around: Neighbourhood, route: str, mutation: str) -> None:
    owner = around.person()
    ids = {name: MUTATIONS[mutation](value) for name, value in ids_of(owner).items()}

    reply = around.ask(route, ids, owner.bearer)

    assert reply.status in (400, 404), reply.shortened()
    assert around.untouched(owner)


@pytest.mark.parametrize("route", ROUTES)
def test_another_case_of_an_id_makes_it_nobody_else_s(around: Neighbourhood, route: str) -> None:
    owner, neighbour = around.person(), around.person()
    ids = {name: value.upper() for name, value in ids_of(owner).items()}

    assert around.ask(route, ids, neighbour.bearer).status == 404
    assert around.untouched(owner)
    assert around.ask(route, ids, owner.bearer).status == ROUTES[route]


def test_a_session_id_is_no_device_id_and_the_other_way_round(around: Neighbourhood) -> None:
    owner = around.person()
    swapped = {"session_id": ids_of(owner)["device_id"], "device_id": ids_of(owner)["session_id"]}

    for route in ROUTES:
        assert around.ask(route, swapped, owner.bearer).status == 404
    assert around.untouched(owner)


@pytest.mark.parametrize("path", ["/auth/session", "/auth/sessions", "/auth/devices", "/auth/events"])
def test_a_list_is_the_callers_own_whoever_is_named_in_the_query(around: Neighbourhood, path: str) -> None:
    owner, other = around.person(), around.person()

    reply = around.client.get(
        f"{path}?user_id={owner.user_id}&sub={owner.user_id}&sort=1%3BDROP", bearer=other.bearer
    )

    assert reply.status == 200
    for text in (owner.user_id, *ids_of(owner).values()):
        assert text not in reply.body.decode()


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1e9", "1;2", "x"])
def test_a_page_length_out_of_bounds_is_refused(around: Neighbourhood, limit: str) -> None:
    owner = around.person()

    assert around.client.get(f"/auth/sessions?limit={limit}", bearer=owner.bearer).status == 400


def test_login_takes_no_id_claim_or_right_from_its_body(around: Neighbourhood) -> None:
    victim, caller = around.person(), around.person()
    claimed = {
        "user_id": victim.user_id,
        "sub": victim.user_id,
        "session_id": victim.session["session_id"],
        "sid": victim.session["session_id"],
        "jti": victim.session["session_id"],
        "labels": ["admin"],
        "amr": ["mfa"],
        "acr": "high",
        "auth_time": 1,
        "role": "admin",
    }

    reply = around.client.post("/auth/login", {"username": caller.username, "password": PASSWORD, **claimed})

    seen = around.client.get("/auth/session", bearer=reply.json["access_token"]).json
    assert (seen["sub"], seen["labels"], seen["amr"]) == (caller.user_id, [], ["pwd"])
    assert seen["session_id"] != victim.session["session_id"]
    assert seen["acr"] != "high"
    assert seen["auth_time"] != 1
