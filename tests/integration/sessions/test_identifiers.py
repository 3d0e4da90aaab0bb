"""Ids as others write them: UUIDs in either case, and users' ids of any visible character in an operator's path."""

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from tests.contract.visitor import Case, Values, Visitor, Who, of_browser

ALICE, BOB = USERS[0], USERS[1]
VISIBLE = [chr(code) for code in range(0x21, 0x7F)]
NO_PATH = ["a/b", "/", "a?b", "?", ".", ".."]
# Beside each character on its own: escapes that must not be undone twice, dots that are no segments.
SPELLED = ["%2F", "a%2fb", "%25", "%252F", "%00", "%", "...", ".a", "a..", "%2e%2e", "a+b&c=d;e"]


class Operators:
    """An operator with a key of IAM and a session in a browser, and users to look after."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.signed = Visitor(stack.base_url)
        login = {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"}
        reply = Client(stack.base_url).post("/auth/login", login)
        self.browser = Visitor(stack.base_url, Values(of_browser(reply)))

    def user(self, user_id: str) -> str:
        """A user of this id; answers the user name."""
        username = f"{uuid.uuid4().hex}@example.com"
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
                " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
                (user_id, username, BOB.id),
            )
        return username

    def session(self, user_id: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.stack.invoke("issue", {"user_id": user_id, "amr": ["pwd"], **options})
        return answer

    def sessions_of(self, user_id: str) -> int:
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM auth_user_tokens WHERE user_id = %s", (user_id,))
            [count] = cursor.fetchone() or (0,)
            return int(count)


@pytest.fixture(scope="module")
def operators(stack: LocalStack) -> Iterator[Operators]:
    yield Operators(stack)


@pytest.fixture
def own(stack: LocalStack, operators: Operators) -> dict[str, Any]:
    """A user's session, with what was issued."""
    user_id = str(uuid.uuid4())
    return {"username": operators.user(user_id), "user_id": user_id, **operators.session(user_id)}


@pytest.mark.parametrize("spell", [str.upper, str.title], ids=["upper case", "both cases"])
def test_ids_in_paths_are_taken_in_either_case(stack: LocalStack, own: dict[str, Any], spell: Any) -> None:
    client, bearer = Client(stack.base_url), own["access_token"]
    device, session = spell(own["device_id"]), spell(own["session_id"])

    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    renamed = client.request("PATCH", f"/auth/devices/{device}", b'{"name": "mine"}', headers=headers)
    ended = client.delete(f"/auth/sessions/{session}", bearer=bearer)

    assert (renamed.status, renamed.json["device_id"]) == (200, own["device_id"])
    assert ended.status == 204
    assert client.get("/auth/session", bearer=bearer).status == 401


def test_the_own_device_is_known_in_upper_case_too(stack: LocalStack, own: dict[str, Any]) -> None:
    body = {"username": own["username"], "password": PASSWORD, "device": {"id": own["device_id"].upper()}}

    again = Client(stack.base_url).post("/auth/login", body).json

    assert again["device_id"] == own["device_id"]


def test_a_device_is_forgotten_in_upper_case(stack: LocalStack, own: dict[str, Any]) -> None:
    client = Client(stack.base_url)

    forgotten = client.delete(f"/auth/devices/{own['device_id'].upper()}", bearer=own["access_token"])

    assert forgotten.status == 204
    assert client.get("/auth/session", bearer=own["access_token"]).status == 401


@pytest.mark.parametrize("kind", ["session", "device"])
def test_an_operator_ends_one_in_upper_case(operators: Operators, own: dict[str, Any], kind: str) -> None:
    route, path = f"POST /console/{kind}s/{{row_id}}/revoke", {"row_id": own[f"{kind}_id"].upper()}

    reply = operators.browser.send(Case(route, "", 200, who=Who.COOKIE, path=path, body={"reason": "leaver"}))

    assert reply.json["user_id"] == own["user_id"]
    assert Client(operators.stack.base_url).get("/auth/session", bearer=own["access_token"]).status == 401


def test_an_event_s_exception_is_known_in_upper_case(stack: LocalStack, own: dict[str, Any]) -> None:
    detail = {"user_id": own["user_id"], "except_session_id": own["session_id"].upper()}
    event = {"source": "portal.users", "detail-type": "PasswordChanged", "detail": detail}

    stack.invoke("revoke", event)

    assert Client(stack.base_url).get("/auth/session", bearer=own["access_token"]).status == 200


@pytest.mark.parametrize("text", ["{%s}", "urn:uuid:%s", "%s ", "", "x"])
def test_another_spelling_is_no_id(stack: LocalStack, own: dict[str, Any], text: str) -> None:
    wrong = text % own["session_id"] if "%s" in text else text or own["session_id"].replace("-", "")

    reply = Client(stack.base_url).delete(f"/auth/sessions/{quote(wrong)}", bearer=own["access_token"])

    assert reply.status == 404


@pytest.mark.parametrize("user_id", [*(f"u{c}7" for c in VISIBLE if c not in "/?"), *SPELLED])
def test_a_user_s_id_is_addressed_on_every_operator_route(operators: Operators, user_id: str) -> None:
    operators.user(user_id)
    first, second = operators.session(user_id), operators.session(user_id)
    path = {"user_id": quote(user_id, safe="").replace("$", "$$")}

    def signed(route: str, **fields: Any) -> Any:
        return operators.signed.send(Case(route, "", 200, who=Who.SIGNED, **fields)).json

    def browsed(route: str, **fields: Any) -> Any:
        return operators.browser.send(Case(route, "", 200, who=Who.COOKIE, path=path, **fields)).json

    listed = signed("GET /admin/users/{user_id}/sessions", path=path)["sessions"]
    events = signed("GET /admin/security/events", query={"user_id": user_id.replace("$", "$$")})["events"]
    shown = browsed("GET /console/users/{user_id}")["sessions"]
    ended = browsed("POST /console/users/{user_id}/revoke", body={"reason": "leaver"})
    operators.session(user_id)
    revoked = signed("POST /admin/users/{user_id}/revoke", path=path, body={"reason": "leaver"})

    both = {first["session_id"], second["session_id"]}
    assert {session["session_id"] for session in listed} == both
    assert {event["session_id"] for event in events} >= both
    assert {session["session_id"] for session in shown} == both
    assert (ended["revoked"], revoked["revoked"]) == (4, 2)  # each with its device


@pytest.mark.parametrize("user_id", NO_PATH)
def test_a_user_whose_id_has_no_path_is_refused_at_sign_in(operators: Operators, user_id: str) -> None:
    username = operators.user(user_id)

    login = Client(operators.stack.base_url).post("/auth/login", {"username": username, "password": PASSWORD})
    issued = operators.session(user_id)

    assert (login.status, login.json["error"]) == (403, "access_denied")
    assert (issued["error"], "user_id" in issued["error_description"]) == ("invalid_request", True)
    assert operators.sessions_of(user_id) == 0


@pytest.mark.parametrize("user_id", ["c/d", "c?d"])
def test_only_who_knows_the_password_learns_of_that(operators: Operators, user_id: str) -> None:
    username = operators.user(user_id)

    login = Client(operators.stack.base_url).post("/auth/login", {"username": username, "password": "wrong"})

    assert (login.status, login.json["error"]) == (401, "invalid_credentials")
