"""No page of elsewhere signs its visitor in, on or out: an answer that sets a cookie is refused, and spends nothing."""

import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

BOB = USERS[1]
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:auth-user-tokens:token-type:device",
    "mode": "cookie",
}
ELSEWHERE = {
    "a foreign origin": {"Origin": "https://evil.example"},
    "no origin to speak of": {"Origin": "null"},
    "an origin that begins like ours": {"Origin": "{own}.evil.example"},
    "our host by another port": {"Origin": "http://127.0.0.1:1"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another page of our site": {"Sec-Fetch-Site": "same-site"},
    "our origin from another site": {"Origin": "{own}", "Sec-Fetch-Site": "cross-site"},
    "a foreign origin that claims to be ours": {
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "same-origin",
    },
}
AT_HOME = {
    "no browser": {},
    "our own page": {"Origin": "{own}", "Sec-Fetch-Site": "same-origin"},
    "an old browser": {"Origin": "{own}"},
    "the user's own act": {"Sec-Fetch-Site": "none"},
}


class Victim:
    """A user of these tests alone: a device token, a browser session, and a browser that sends some headers."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.user_id, self.username = str(uuid.uuid4()), f"site-{uuid.uuid4().hex[:12]}@example.com"
        # An address of its own: the logins of one are counted.
        self.source = f"127.0.{uuid.uuid4().int % 256}.{uuid.uuid4().int % 254 + 1}"
        with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
                " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
                (self.user_id, self.username, BOB.id),
            )
        remembered = {"user_id": self.user_id, "amr": ["pwd"], "device": {"remember": True}}
        self.device_token = stack.invoke("issue", remembered)["device_token"]
        browser = Client(stack.base_url).signed("POST", "/auth/issue", {**self._vouch(), "mode": "cookie"})
        self.cookie = browser.cookies[0].split(";")[0]
        self.csrf_token = browser.json["csrf_token"]

    def send(self, action: str, headers: dict[str, str], mode: str = "cookie") -> Reply:
        sent = {name: value.replace("{own}", self.stack.base_url) for name, value in headers.items()}
        client = Client(self.stack.base_url, self.source, headers=sent)
        login = {"username": self.username, "password": PASSWORD, "mode": mode}
        exchange = {**EXCHANGE, "subject_token": self.device_token, "mode": mode}
        own = {"X-CSRF-Token": self.csrf_token}
        actions: dict[str, Callable[[], Reply]] = {
            "login": lambda: client.post("/auth/login", login),
            "issue": lambda: client.signed("POST", "/auth/issue", {**self._vouch(), "mode": mode}),
            "exchange by a form": lambda: client.form("/auth/token", exchange),
            "exchange by JSON": lambda: client.post("/auth/token", exchange),
            "refresh": lambda: client.form(
                "/auth/token", {"grant_type": "refresh_token"}, cookie=self.cookie, headers=own
            ),
        }
        return actions[action]()

    def stored(self) -> list[Any]:
        """All that a sign-in of the user could write."""
        statements = (
            "SELECT id, generation, token_hash, last_used_at, revoked_at FROM auth_user_tokens WHERE user_id = %s",
            "SELECT id FROM auth_token_events WHERE user_id = %s ORDER BY id",
            "SELECT bucket, tat_ms FROM auth_token_limits WHERE %s <> '' ORDER BY bucket",
        )
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            rows = []
            for statement in statements:
                cursor.execute(statement, (self.user_id,))
                rows.append(cursor.fetchall())
            return rows

    def _vouch(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "amr": ["pwd"]}


ACTIONS = ("login", "issue", "exchange by a form", "exchange by JSON", "refresh")


@pytest.fixture
def victim(stack: LocalStack) -> Victim:
    return Victim(stack)


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_cookie_for_a_page_of_elsewhere_is_refused_and_spends_nothing(
    victim: Victim, action: str, headers: dict[str, str]
) -> None:
    before = victim.stored()

    reply = victim.send(action, headers)

    assert (reply.status, reply.json["error"]) == (403, "access_denied")
    assert reply.cookies == ()
    assert "access-control-allow-origin" not in reply.headers or "{own}" in headers.get("Origin", "")
    # IAM routes count their principal before they look at a request.
    assert victim.stored()[:2] == before[:2]
    assert action == "issue" or victim.stored() == before
    assert victim.send(action, {}).status == 200


@pytest.mark.parametrize("headers", AT_HOME.values(), ids=AT_HOME)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_of_ours_and_who_is_no_browser_get_their_cookie(
    victim: Victim, action: str, headers: dict[str, str]
) -> None:
    reply = victim.send(action, headers)

    assert reply.status == 200, reply.shortened()
    [cookie] = reply.cookies
    assert cookie.startswith("__Host-session=aut_st_")


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("action", ["login", "issue", "exchange by a form", "exchange by JSON"])
def test_who_gets_no_cookie_may_be_anywhere(victim: Victim, action: str, headers: dict[str, str]) -> None:
    reply = victim.send(action, headers, mode="bearer")

    assert reply.status == 200, reply.shortened()
    assert reply.cookies == ()


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
@pytest.mark.parametrize("path", ["/auth/login", "/auth/token"])
def test_a_form_of_another_type_with_json_or_a_form_inside_is_refused(
    victim: Victim, path: str, content_type: str
) -> None:
    login = {"username": victim.username, "password": PASSWORD, "mode": "cookie"}
    exchange = {**EXCHANGE, "subject_token": victim.device_token}
    before = victim.stored()

    for body in (json.dumps(login), json.dumps(exchange), urlencode(exchange)):
        reply = Client(victim.stack.base_url).request("POST", path, body.encode(), content_type)
        assert reply.status == 415
        assert reply.cookies == ()

    assert victim.stored() == before


def test_a_login_by_a_plain_form_is_refused(victim: Victim) -> None:
    login = {"username": victim.username, "password": PASSWORD, "mode": "cookie"}

    assert Client(victim.stack.base_url).form("/auth/login", login).status == 415
