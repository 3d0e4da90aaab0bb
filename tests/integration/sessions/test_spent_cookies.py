"""A spent session cookie on the service's own routes is reuse, as at the token endpoint."""

import contextlib
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant
from auth_tokens.domain.events import EventType
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.logout import LogoutScope, logout
from auth_tokens.usecases.validate import ValidateDeps, validate
from local.client import Client
from local.seed import USERS
from local.stack import LocalStack
from tests.integration.server.test_statement_counts import NOTHING, cost
from tests.support import wiring
from tests.support.world import CALLER, World

THIEF = Caller("203.0.113.9", "thief")


class Browser:
    """A browser session, and every cookie it ever had."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.name = world.user()
        self.session = world.login(self.name, kind=TokenKind.SESSION)
        self.cookies = [self.session.token]

    def rotate(self, **fields: Any) -> TokenAnswer:
        answer = self.world.refresh(self.cookies[-1], kind=TokenKind.SESSION, **fields)
        self.cookies.append(answer.token)
        return answer

    def is_good(self, cookie: str, deps: ValidateDeps | None = None, **fields: Any) -> bool:
        credential = Credential(Transport.COOKIE, cookie, **fields)
        try:
            validate(credential, deps or self.world.sessions.validation_for(THIEF))
        except InvalidAccessToken:
            return False
        return True

    @property
    def has_ended(self) -> bool:
        return self.world.row(self.session.session_id)["revoke_reason"] == "reuse"

    @property
    def alarms(self) -> int:
        return self.world.events(self.name).count("token_reuse_detected")


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


def test_two_generations_behind_is_reuse_at_once(browser: Browser) -> None:
    browser.rotate()
    browser.rotate()

    assert not browser.is_good(browser.cookies[0])

    assert (browser.has_ended, browser.alarms) == (True, 1)
    assert not browser.is_good(browser.cookies[-1])
    with pytest.raises(InvalidGrant):
        browser.rotate()


def test_the_predecessor_passes_until_the_retry_window_ends_and_is_reuse_from_then_on(
    world: World, browser: Browser
) -> None:
    browser.rotate()

    world.clock.now += world.settings.retry_window_s - 1
    assert browser.is_good(browser.cookies[0])
    assert (browser.has_ended, browser.alarms) == (False, 0)
    world.clock.now += 1
    assert not browser.is_good(browser.cookies[0])

    assert (browser.has_ended, browser.alarms) == (True, 1)


def test_a_request_that_was_held_up_on_its_way_is_no_reuse(world: World, browser: Browser) -> None:
    given_up_at = world.clock.now
    world.clock.now += 4
    browser.rotate()
    world.clock.now += 15
    late = world.sessions.validation_for(replace(THIEF, arrived_at=given_up_at))

    assert browser.is_good(browser.cookies[0], late)
    assert (browser.has_ended, browser.alarms) == (False, 0)

    assert not browser.is_good(browser.cookies[0])
    assert (browser.has_ended, browser.alarms) == (True, 1)


def test_a_late_predecessor_whose_rotation_can_be_repeated_by_its_key_is_refused_and_ends_nothing(
    world: World, browser: Browser
) -> None:
    lost = browser.rotate(retry_key="saved")
    world.clock.now += world.settings.retry_window_s

    assert not browser.is_good(browser.cookies[0])

    assert (browser.has_ended, browser.alarms) == (False, 0)
    repeated = world.refresh(browser.cookies[0], kind=TokenKind.SESSION, retry_key="saved")
    assert repeated.token == lost.token


def test_two_generations_behind_is_reuse_whatever_key_the_rotations_had(browser: Browser) -> None:
    browser.rotate(retry_key="saved")
    browser.rotate(retry_key="another")

    assert not browser.is_good(browser.cookies[0])

    assert (browser.has_ended, browser.alarms) == (True, 1)


def test_a_spent_cookie_without_its_csrf_token_is_reuse_all_the_same(browser: Browser) -> None:
    browser.rotate()
    browser.rotate()

    assert not browser.is_good(browser.cookies[0], changes_state=True)

    assert browser.alarms == 1


def test_the_event_tells_both_sides_as_at_the_token_endpoint(world: World, browser: Browser) -> None:
    browser.rotate()
    browser.rotate()
    browser.is_good(browser.cookies[0])
    other = Browser(world)
    other.rotate()
    other.rotate()
    with pytest.raises(InvalidGrant):
        world.refresh(other.cookies[0], kind=TokenKind.SESSION)

    here, there = (details(world, one.name) for one in (browser, other))

    assert here.keys() == there.keys()
    assert (here["reuse_kind"], here["generations_behind"], here["token_type"]) == (
        "older_generation",
        2,
        "session",
    )
    assert here["rotated_by_address"] == there["presented_by_address"]
    assert here["presented_by_address"] != here["rotated_by_address"]


def details(world: World, name: str) -> dict[str, Any]:
    kind = EventType.TOKEN_REUSE_DETECTED
    [event] = world.shared.event_log.page(b"\xff" * 16, 0, world.user_id(name), kind, 50)
    return dict(event.detail)


def test_a_cookie_of_a_dead_session_raises_no_alarm(world: World, browser: Browser) -> None:
    browser.rotate()
    browser.rotate()
    claims = validate(Credential(Transport.COOKIE, browser.cookies[-1]), world.sessions.validation).claims
    logout(LogoutScope.CURRENT, claims, CALLER, world.sessions)

    assert not browser.is_good(browser.cookies[0])

    assert (browser.has_ended, browser.alarms) == (False, 0)


@pytest.mark.parametrize("age_s", ["session_idle_ttl_s", "session_absolute_ttl_s"])
def test_a_cookie_of_an_expired_session_raises_no_alarm(world: World, browser: Browser, age_s: str) -> None:
    browser.rotate()
    browser.rotate()
    world.clock.now += getattr(world.settings, age_s)

    assert not browser.is_good(browser.cookies[0])

    assert browser.alarms == 0


def test_a_forged_cookie_raises_no_alarm(browser: Browser) -> None:
    browser.rotate()
    browser.rotate()
    forged = browser.cookies[0][:-1] + ("A" if browser.cookies[0][-1] != "A" else "B")

    assert not browser.is_good(forged)

    assert (browser.has_ended, browser.alarms) == (False, 0)


def test_the_authorizer_refuses_a_spent_cookie_and_ends_nothing(world: World, browser: Browser) -> None:
    browser.rotate()
    browser.rotate()

    assert not browser.is_good(browser.cookies[0], wiring.authorizing(world.environment()))

    assert (browser.has_ended, browser.alarms) == (False, 0)


def test_introspection_calls_a_spent_cookie_inactive_and_ends_nothing(world: World, browser: Browser) -> None:
    browser.rotate()
    browser.rotate()

    assert introspect(browser.cookies[0], world.sessions) == {"active": False}

    assert (browser.has_ended, browser.alarms) == (False, 0)


def test_reuse_costs_one_select_one_update_its_entry_for_the_feed_and_its_event_in_one_commit(
    world: World, browser: Browser
) -> None:
    browser.rotate()
    browser.rotate()

    spent = cost(world, lambda: browser.is_good(browser.cookies[0]))

    assert spent == {
        **NOTHING,
        "Com_select": 1,
        "Com_update": 1,
        "Com_insert_select": 1,
        "Com_insert": 1,
        "Com_begin": 1,
        "Com_commit": 1,
    }


def test_a_good_cookie_costs_what_it_did(world: World, browser: Browser) -> None:
    assert cost(world, lambda: browser.is_good(browser.cookies[0])) == {**NOTHING, "Com_select": 1}


def test_requests_under_way_at_a_rotation_raise_no_alarm(world: World) -> None:
    """In each round four requests with the cookie of before run into its rotation."""
    fleet = [wiring.sessions(world.environment()) for _ in range(4)]
    refused: list[int] = []
    browser = Browser(world)
    for _ in range(100):
        before, barrier = browser.cookies[-1], threading.Barrier(len(fleet) + 1)

        def use(deps: Any, cookie: str = before, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            if not browser.is_good(cookie, deps.validation_for(CALLER)):
                refused.append(1)

        threads = [threading.Thread(target=use, args=(deps,)) for deps in fleet]
        for thread in threads:
            thread.start()
        barrier.wait()
        browser.rotate()
        for thread in threads:
            thread.join()
        world.clock.now += 1

    assert (refused, browser.has_ended, browser.alarms) == ([], False, 0)


ROUTES: dict[str, Callable[[Client, str, str], int]] = {
    "GET /auth/session": lambda client, cookie, _: client.get("/auth/session", cookie=cookie).status,
    "GET /auth/sessions": lambda client, cookie, _: client.get("/auth/sessions", cookie=cookie).status,
    "GET /auth/devices": lambda client, cookie, _: client.get("/auth/devices", cookie=cookie).status,
    "GET /auth/events": lambda client, cookie, _: client.get("/auth/events", cookie=cookie).status,
    "PATCH /auth/devices": lambda client, cookie, csrf: (
        client.request(
            "PATCH",
            "/auth/devices/x",
            b'{"name": "x"}',
            "application/json",
            cookie=cookie,
            headers=with_csrf(csrf),
        ).status
    ),
    "DELETE /auth/devices": lambda client, cookie, csrf: (
        client.delete("/auth/devices/x", cookie=cookie, headers=with_csrf(csrf)).status
    ),
    "DELETE /auth/sessions": lambda client, cookie, csrf: (
        client.delete("/auth/sessions/x", cookie=cookie, headers=with_csrf(csrf)).status
    ),
    "POST /auth/logout others": lambda client, cookie, csrf: (
        client.post("/auth/logout", {"scope": "others"}, cookie=cookie, headers=with_csrf(csrf)).status
    ),
    "GET /console/summary": lambda client, cookie, _: client.get("/console/summary", cookie=cookie).status,
    "GET /console/users": lambda client, cookie, _: client.get("/console/users/x", cookie=cookie).status,
}


def with_csrf(token: str) -> dict[str, str]:
    return {"X-CSRF-Token": token}


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_of_the_service_s_own_raises_the_alarm(stack: LocalStack, route: str) -> None:
    client = Client(stack.base_url)
    user = stack_user(stack)
    first = client.signed("POST", "/auth/issue", {"user_id": user, "amr": ["pwd"], "mode": "cookie"})
    csrf, cookies = first.json["csrf_token"], [first.cookies[0].split(";")[0]]
    for _ in range(2):
        fields = {"grant_type": "refresh_token"}
        rotated = client.form("/auth/token", fields, cookie=cookies[-1], headers=with_csrf(csrf))
        cookies.append(rotated.cookies[0].split(";")[0])

    assert ROUTES[route](client, cookies[0], csrf) == 401

    assert client.get("/auth/session", cookie=cookies[-1]).status == 401
    query = f"/admin/security/events?user_id={user}&type=token_reuse_detected"
    [event] = client.signed("GET", query).json["events"]
    assert event["session_id"] == first.json["session_id"]


def stack_user(stack: LocalStack) -> str:
    user_id = str(uuid.uuid4())
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
            (user_id, f"spent-{user_id}@example.com", USERS[1].id),
        )
    return user_id
