"""The operators' page asks for a recent authentication by password or stronger (RFC 9470)."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from auth_tokens.domain.acr import DEVICE_ACR, PASSWORD_ACR
from auth_tokens.domain.ids import parse_uuid
from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

ALICE, BOB = USERS[0], USERS[1]
MAX_AGE_S, ENDING_MAX_AGE_S = 600, 300
MFA = "urn:example:acr:mfa"
MARGIN_S = 20  # what a slow test may take
DEVICE_GRANT = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:auth-user-tokens:token-type:device",
    "mode": "cookie",
}
PATHS = ["/console/summary", "/console/events", "/console/findings", f"/console/users/{BOB.id}"]


@pytest.fixture(scope="module")
def strict(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    given = {
        "AdminMaxAuthAgeS": str(MAX_AGE_S),
        "AdminEndingMaxAuthAgeS": str(ENDING_MAX_AGE_S),
        "AdminRequiredAcr": f"{PASSWORD_ACR} {MFA}",
    }
    with new_stack(database, administrator, aws, "inprocess", given) as started:
        yield started


@pytest.fixture(scope="module")
def lax(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    given = {"AdminMaxAuthAgeS": "0", "AdminEndingMaxAuthAgeS": "0", "AdminRequiredAcr": ""}
    with new_stack(database, administrator, aws, "inprocess", given) as started:
        yield started


class Browser:
    """A browser session, however it was begun."""

    def __init__(self, stack: LocalStack, begun: Reply) -> None:
        assert begun.status == 200, begun.body
        self.stack, self.client = stack, Client(stack.base_url)
        self.session_id = begun.json["session_id"]
        self.device_token = begun.json.get("device_token")
        self.cookie = begun.cookies[0].split(";")[0]
        self.headers = {"X-CSRF-Token": begun.json["csrf_token"]}

    def get(self, path: str = PATHS[0]) -> Reply:
        return self.client.get(path, cookie=self.cookie)

    def revoke(self, path: str) -> Reply:
        return self.client.post(
            f"{path}/revoke", {"reason": "a test"}, cookie=self.cookie, headers=self.headers
        )

    def age(self, seconds: int) -> None:
        """As if the sign-in had been that long ago."""
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE auth_user_tokens SET auth_time = FROM_UNIXTIME(%s) WHERE id = %s",
                (int(time.time()) - seconds, parse_uuid(self.session_id)),
            )


def by_password(stack: LocalStack, username: str = ALICE.username, **device: Any) -> Browser:
    body = {"username": username, "password": PASSWORD, "mode": "cookie", "device": device}
    return Browser(stack, Client(stack.base_url).post("/auth/login", body))


def by_device(stack: LocalStack) -> Browser:
    remembered = Client(stack.base_url).post(
        "/auth/login", {"username": ALICE.username, "password": PASSWORD, "device": {"remember": True}}
    )
    fields = {**DEVICE_GRANT, "subject_token": remembered.json["device_token"]}
    return Browser(stack, Client(stack.base_url).form("/auth/token", fields))


def by_backend(stack: LocalStack, **how: Any) -> Browser:
    body = {"user_id": ALICE.id, "amr": ["mfa"], "mode": "cookie", **how}
    return Browser(stack, Client(stack.base_url).signed("POST", "/auth/issue", body))


def asks_for_more(reply: Reply, max_age_s: int = MAX_AGE_S) -> bool:
    challenge = reply.headers.get("www-authenticate", "")
    return (
        (reply.status, reply.json["error"]) == (401, "insufficient_user_authentication")
        and f'acr_values="{PASSWORD_ACR} {MFA}"' in challenge
        and f'max_age="{max_age_s}"' in challenge
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_fresh_sign_in_by_password_is_let_in(strict: LocalStack, path: str) -> None:
    assert by_password(strict).get(path).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_remembered_device_alone_is_refused_and_told_what_is_wanted(strict: LocalStack, path: str) -> None:
    assert asks_for_more(by_device(strict).get(path))


def test_a_remembered_device_ends_nothing(strict: LocalStack) -> None:
    session = strict.invoke("issue", {"user_id": BOB.id, "amr": ["pwd"]})
    operator = by_device(strict)

    for kind, name in (("sessions", "session_id"), ("devices", "device_id")):
        for reply in (
            operator.revoke(f"/console/{kind}/{session[name]}"),
            operator.revoke(f"/console/users/{BOB.id}"),
        ):
            assert asks_for_more(reply, ENDING_MAX_AGE_S)
    assert Client(strict.base_url).get("/auth/session", bearer=session["access_token"]).status == 200


@pytest.mark.parametrize(
    ("ago_s", "is_let_in"), [(MAX_AGE_S - MARGIN_S, True), (MAX_AGE_S + 1, False)], ids=["just", "too old"]
)
def test_a_sign_in_opens_the_page_as_long_as_it_is_recent(
    strict: LocalStack, ago_s: int, is_let_in: bool
) -> None:
    browser = by_password(strict)

    browser.age(ago_s)

    assert browser.get().status == 200 if is_let_in else asks_for_more(browser.get())


@pytest.mark.parametrize(("kind", "name"), [("sessions", "session_id"), ("devices", "device_id")])
def test_to_end_something_the_sign_in_must_be_more_recent_than_to_look(
    strict: LocalStack, kind: str, name: str
) -> None:
    session = strict.invoke("issue", {"user_id": BOB.id, "amr": ["pwd"]})
    path = f"/console/{kind}/{session[name]}"
    operator = by_password(strict)

    operator.age(ENDING_MAX_AGE_S + 1)
    assert operator.get().status == 200
    assert asks_for_more(operator.revoke(path), ENDING_MAX_AGE_S)
    operator.age(ENDING_MAX_AGE_S - MARGIN_S)

    assert operator.revoke(path).status == 200


def test_a_step_up_of_the_cookie_makes_the_sign_in_recent(strict: LocalStack) -> None:
    browser = by_password(strict)
    browser.age(MAX_AGE_S + 1)
    asked = {"password": PASSWORD, "acr_values": f"{PASSWORD_ACR} {MFA}", "max_age": MAX_AGE_S}

    raised = browser.client.post("/auth/step-up", asked, cookie=browser.cookie, headers=browser.headers)

    assert Browser(strict, raised).get().status == 200
    assert raised.json["csrf_token"] == browser.headers["X-CSRF-Token"]


def test_a_refresh_of_the_cookie_makes_no_sign_in_younger(strict: LocalStack) -> None:
    browser = by_password(strict)
    browser.age(MAX_AGE_S + 1)

    refreshed = browser.client.form(
        "/auth/token", {"grant_type": "refresh_token"}, cookie=browser.cookie, headers=browser.headers
    )

    assert asks_for_more(Browser(strict, refreshed).get())


@pytest.mark.parametrize(
    ("how", "is_let_in"),
    [({"acr": MFA}, True), ({}, False), ({"acr": DEVICE_ACR}, False), ({"acr": MFA.upper()}, False)],
    ids=["named", "none", "device", "another case"],
)
def test_a_backends_sign_in_opens_the_page_by_an_acr_that_is_named(
    strict: LocalStack, how: dict[str, str], is_let_in: bool
) -> None:
    reply = by_backend(strict, **how).get()

    assert reply.status == 200 if is_let_in else asks_for_more(reply)


def test_somebody_without_the_label_is_not_told_what_would_be_asked(strict: LocalStack) -> None:
    browser = by_password(strict, BOB.username)
    browser.age(MAX_AGE_S + 1)

    assert browser.get().json["error"] == "access_denied"


def test_switched_off_a_remembered_device_opens_the_page_however_long_ago(lax: LocalStack) -> None:
    browser = by_device(lax)
    browser.age(30 * MAX_AGE_S)

    assert browser.get().status == 200
