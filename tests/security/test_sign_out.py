"""Signing out always succeeds and clears the cookie; no other site signs anybody out, and nothing else is loosened."""

import contextlib
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from auth_tokens.web.responses import clearing_cookie
from local.client import Client, Reply
from local.seed import USERS
from local.stack import LocalStack

BOB = USERS[1]
ELSEWHERE = {"Origin": "https://elsewhere.example"}


@dataclass(frozen=True)
class Browser:
    """A browser session of Bob's, on a remembered device."""

    client: Client
    cookie: str
    csrf_token: str

    def sign_out(self, cookie: str | None = None, body: Any = None, **headers: str) -> Reply:
        return self.client.post("/auth/logout", body or {}, cookie=cookie, headers=headers)

    @property
    def is_signed_in(self) -> bool:
        return self.client.get("/auth/session", cookie=self.cookie).status == 200


@pytest.fixture
def browser(stack: LocalStack) -> Browser:
    wanted = {"user_id": BOB.id, "amr": ["pwd"], "mode": "cookie"}
    client = Client(stack.base_url)
    opened = client.signed("POST", "/auth/issue", wanted)
    return Browser(client, opened.cookies[0].split(";")[0], opened.json["csrf_token"])


def ended(browser: Browser) -> str:
    assert browser.sign_out(browser.cookie, **{"X-CSRF-Token": browser.csrf_token}).status == 204
    return browser.cookie


BAD_COOKIES: dict[str, Any] = {
    "no cookie": lambda browser: None,
    "another cookie": lambda browser: "theme=dark",
    "an empty one": lambda browser: "__Host-session=",
    "a dead one": ended,
    "a forged one": lambda browser: browser.cookie[:-6] + "AAAAAA",
    "a word": lambda browser: "__Host-session=x",
    "a device token's kind": lambda browser: browser.cookie.replace("aut_st_", "aut_dt_"),
    "one sent twice": lambda browser: f"{browser.cookie}; {browser.cookie}",
    "one beside a forged one": lambda browser: f"{browser.cookie}; __Host-session=x",
}


@pytest.mark.parametrize("cookie", BAD_COOKIES.values(), ids=BAD_COOKIES.keys())
def test_signing_out_with_no_good_cookie_succeeds_and_clears_it(browser: Browser, cookie: Any) -> None:
    reply = browser.sign_out(cookie(browser))

    assert (reply.status, reply.body) == (204, b"")
    assert reply.cookies == (clearing_cookie(),)
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"scope": null}', b'{"scope": "current"}'])
def test_however_the_scope_is_left_out(browser: Browser, body: bytes) -> None:
    reply = browser.client.request("POST", "/auth/logout", body, "application/json")

    assert (reply.status, reply.cookies) == (204, (clearing_cookie(),))


@pytest.mark.parametrize("token", ["x", "a.b.c", "aut_rt_x", ""])
def test_signing_out_with_a_bad_token_succeeds(browser: Browser, token: str) -> None:
    reply = browser.sign_out(Authorization=f"Bearer {token}")

    assert (reply.status, reply.cookies) == (204, (clearing_cookie(),))


@pytest.mark.parametrize("scope", ["others", "all"])
@pytest.mark.parametrize("cookie", BAD_COOKIES.values(), ids=BAD_COOKIES.keys())
def test_what_ends_more_than_this_session_needs_one(browser: Browser, cookie: Any, scope: str) -> None:
    reply = browser.sign_out(cookie(browser), {"scope": scope})

    assert (reply.status, reply.cookies) == (401, ())


def test_a_good_cookie_signs_out_once_and_again(browser: Browser) -> None:
    csrf = {"X-CSRF-Token": browser.csrf_token}

    first, second = (browser.sign_out(browser.cookie, **csrf) for _ in range(2))

    assert (first.status, second.status) == (204, 204)
    assert first.cookies == second.cookies == (clearing_cookie(),)
    assert not browser.is_signed_in


@pytest.mark.parametrize("cookie", BAD_COOKIES.values(), ids=BAD_COOKIES.keys())
def test_another_site_clears_no_cookie(browser: Browser, cookie: Any) -> None:
    reply = browser.sign_out(cookie(browser), **ELSEWHERE)

    assert (reply.status, reply.json["error"], reply.cookies) == (403, "access_denied", ())


def test_another_sites_form_which_comes_without_the_cookie_clears_none(browser: Browser) -> None:
    """`SameSite=Lax` keeps the cookie back, and its owner would lose it by the answer."""
    reply = browser.client.request("POST", "/auth/logout", b"", "text/plain", headers=ELSEWHERE)

    assert (reply.status, reply.cookies) == (403, ())
    assert browser.is_signed_in


def test_a_good_cookie_without_its_csrf_token_ends_nothing(browser: Browser) -> None:
    for headers in ({}, {"X-CSRF-Token": "x" * 43}, {"X-CSRF-Token": browser.csrf_token, **ELSEWHERE}):
        reply = browser.sign_out(browser.cookie, **headers)
        assert (reply.status, reply.cookies) == (403, ())

    assert browser.is_signed_in


def test_a_spent_cookie_whose_successor_got_lost_signs_its_session_out(
    stack: LocalStack, browser: Browser
) -> None:
    """Kept out of reuse by its Idempotency-Key, it opens nothing: only its owner still holds it."""
    headers = {"X-CSRF-Token": browser.csrf_token, "Idempotency-Key": "5f0e"}
    turned = browser.client.form(
        "/auth/token", {"grant_type": "refresh_token"}, cookie=browser.cookie, headers=headers
    )
    assert turned.status == 200
    successor = turned.cookies[0].split(";")[0]
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_tokens SET rotated_at = rotated_at - INTERVAL 1 HOUR WHERE id = %s",
            (uuid.UUID(turned.json["session_id"]).bytes,),
        )
        connection.commit()

    elsewhere = browser.sign_out(browser.cookie, **ELSEWHERE)
    assert browser.client.get("/auth/session", cookie=successor).status == 200
    reply = browser.sign_out(browser.cookie)

    assert (elsewhere.status, reply.status, reply.cookies) == (403, 204, (clearing_cookie(),))
    assert browser.client.get("/auth/session", cookie=successor).status == 401


def test_another_kind_of_token_in_the_cookie_ends_nothing(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    wanted = {"user_id": BOB.id, "amr": ["pwd"], "device": {"remember": True}}
    held = client.signed("POST", "/auth/issue", wanted).json

    for token in ("refresh_token", "device_token", "access_token"):
        cookie = f"__Host-session={held[token]}"
        assert client.post("/auth/logout", {}, cookie=cookie).status == 204
    for token in ("refresh_token", "device_token"):
        assert client.post("/auth/logout", {}, bearer=held[token]).status == 204

    assert client.get("/auth/session", bearer=held["access_token"]).status == 200


BAD_BODIES: dict[str, dict[str, Any]] = {
    "scope": {"scope": "some"},
    "scope of another type": {"scope": ["all"]},
    "keep_devices": {"scope": "others", "keep_devices": "true"},
    "keep_devices as a number": {"scope": "others", "keep_devices": 1},
    "keep_devices as a list": {"keep_devices": [True]},
}


@pytest.mark.parametrize("case", BAD_BODIES)
@pytest.mark.parametrize("with_cookie", [True, False])
def test_a_bad_body_is_refused_by_name_and_ends_nothing(
    browser: Browser, case: str, with_cookie: bool
) -> None:
    cookie = browser.cookie if with_cookie else None

    reply = browser.sign_out(cookie, BAD_BODIES[case], **{"X-CSRF-Token": browser.csrf_token})

    assert (reply.status, reply.json["error"], reply.cookies) == (400, "invalid_request", ())
    assert case.partition(" ")[0] in reply.json["error_description"]
    assert browser.is_signed_in


# --- DELETE /auth/sessions/{session_id}?keep_device


@pytest.mark.parametrize("query", ["=yes", "=True", "=1", "=", "", "=true&keep_device=true", "=true%20"])
def test_a_mistyped_keep_device_is_refused_by_name_and_ends_nothing(stack: LocalStack, query: str) -> None:
    client = Client(stack.base_url)
    wanted = {"user_id": BOB.id, "amr": ["pwd"], "device": {"remember": True}}
    here, phone = (client.signed("POST", "/auth/issue", wanted).json for _ in range(2))

    reply = client.delete(
        f"/auth/sessions/{phone['session_id']}?keep_device{query}", bearer=here["access_token"]
    )

    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert "keep_device" in reply.json["error_description"]
    assert client.get("/auth/session", bearer=phone["access_token"]).status == 200


@pytest.mark.parametrize("keeps", [True, False])
def test_a_lost_phone_is_ended_with_its_session_unless_it_is_to_be_kept(
    stack: LocalStack, keeps: bool
) -> None:
    client = Client(stack.base_url)
    wanted = {"user_id": BOB.id, "amr": ["pwd"], "device": {"remember": True}}
    here, phone = (client.signed("POST", "/auth/issue", wanted).json for _ in range(2))
    query = "?keep_device=true" if keeps else ""

    ended = client.delete(f"/auth/sessions/{phone['session_id']}{query}", bearer=here["access_token"])

    assert ended.status == 204
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": phone["device_token"],
        "subject_token_type": "urn:auth-user-tokens:token-type:device",
    }
    assert client.form("/auth/token", exchange).status == (200 if keeps else 400)
    exchange["subject_token"] = here["device_token"]
    assert client.form("/auth/token", exchange).status == 200


def test_a_revoke_of_an_unknown_user_is_404_and_of_a_known_one_is_counted(stack: LocalStack) -> None:
    client = Client(stack.base_url)
    body = {"reason": "left"}

    unknown = client.signed("POST", f"/admin/users/{uuid.uuid4()}/revoke", body)
    known = client.signed("POST", f"/admin/users/{BOB.id}/revoke", body)
    again = client.signed("POST", f"/admin/users/{BOB.id}/revoke", body)

    assert (unknown.status, unknown.json["error"]) == (404, "not_found")
    assert (known.status, again.status) == (200, 200)
    assert again.json == {"revoked": 0}
