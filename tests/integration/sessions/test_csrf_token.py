"""GET /auth/session hands out the CSRF token of a cookie session again, and to nobody else."""

import pytest

from local.client import Client, Reply
from local.stack import LocalStack
from tests.integration.sessions.test_spent_cookies import stack_user, with_csrf
from tests.security.test_cross_site import AT_HOME, ELSEWHERE


class Tab:
    """A browser session of a user of its own, and its page without the CSRF token."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.client = Client(stack.base_url)
        vouched = {"user_id": stack_user(stack), "amr": ["pwd"]}
        answer = self.client.signed("POST", "/auth/issue", {**vouched, "mode": "cookie"})
        self.given = answer.json["csrf_token"]
        self.cookie = answer.cookies[0].split(";")[0]
        self.access_token = self.client.signed("POST", "/auth/issue", vouched).json["access_token"]

    def ask(self, headers: dict[str, str] | None = None) -> Reply:
        sent = {name: value.format(own=self.stack.base_url) for name, value in (headers or {}).items()}
        return self.client.get("/auth/session", cookie=self.cookie, headers=sent)


@pytest.fixture
def tab(stack: LocalStack) -> Tab:
    return Tab(stack)


@pytest.mark.parametrize("headers", AT_HOME.values(), ids=AT_HOME)
def test_a_page_of_ours_that_lost_its_csrf_token_gets_it_again(tab: Tab, headers: dict[str, str]) -> None:
    reply = tab.ask(headers)

    assert reply.json["csrf_token"] == tab.given
    assert reply.headers["cache-control"] == "no-store"
    assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_page_of_elsewhere_gets_no_csrf_token(tab: Tab, headers: dict[str, str]) -> None:
    reply = tab.ask(headers)

    assert reply.status == 200
    assert "csrf_token" not in reply.json


def test_an_access_token_has_no_csrf_token(tab: Tab) -> None:
    reply = tab.client.get("/auth/session", bearer=tab.access_token, cookie=tab.cookie)

    assert reply.status == 200
    assert "csrf_token" not in reply.json


def test_a_dead_session_gives_none(tab: Tab) -> None:
    tab.client.post("/auth/logout", {}, cookie=tab.cookie, headers=with_csrf(tab.given))

    reply = tab.ask()

    assert reply.status == 401
    assert tab.given not in reply.body.decode()


def test_the_token_got_again_signs_out(tab: Tab) -> None:
    again = tab.ask().json["csrf_token"]

    reply = tab.client.post("/auth/logout", {}, cookie=tab.cookie, headers=with_csrf(again))

    assert reply.status == 204
    assert tab.ask().status == 401


def test_a_rotated_cookie_gets_the_same_token(tab: Tab) -> None:
    fields = {"grant_type": "refresh_token"}
    rotated = tab.client.form("/auth/token", fields, cookie=tab.cookie, headers=with_csrf(tab.given))
    tab.cookie = rotated.cookies[0].split(";")[0]

    assert tab.ask().json["csrf_token"] == tab.given


def test_no_other_route_gives_it(tab: Tab) -> None:
    for path in ("/auth/sessions", "/auth/devices"):
        assert tab.given not in tab.client.get(path, cookie=tab.cookie).body.decode()
