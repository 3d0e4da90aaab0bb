"""Nobody authenticates as a client: who tries is told so at every OAuth endpoint, and nothing is spent or ended."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN = "urn:auth-user-tokens:token-type:device"
TRIES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a password": ({"Authorization": "Basic cG9ydGFsLXdlYjo="}, {}),
    "tabs around it": ({"Authorization": "\tbasic\tx"}, {}),
    "the second of two": ({"Authorization": "Bearer x,Basic y"}, {}),
    "a secret": ({}, {"client_secret": "x"}),
    "a secret of an unknown client": ({}, {"client_secret": "x", "client_id": "nobody"}),
    "an assertion": ({}, {"client_assertion": "a.b.c", "client_assertion_type": "jwt-bearer"}),
}
# Another scheme says who the user is, or that a backend signed: it is no client's.
NO_TRIES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "an access token": ({"Authorization": "Bearer x"}, {}),
    "a signature": ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, {}),
    "an empty secret": ({}, {"client_secret": ""}),
    "an empty header": ({"Authorization": ""}, {}),
    "a name that begins alike": ({"Authorization": "Basically x"}, {}),
}


class Holder:
    """Somebody with a token of each kind."""

    def __init__(self, stack: LocalStack) -> None:
        self.client = Client(stack.base_url)
        login = {"username": USERS[1].username, "password": PASSWORD}
        self.bearer: dict[str, Any] = self.client.post(
            "/auth/login", {**login, "device": {"remember": True}}
        ).json
        browser = self.client.post("/auth/login", {**login, "mode": "cookie"})
        self.cookie = browser.cookies[0].split(";")[0]
        self.csrf = {"X-CSRF-Token": browser.json["csrf_token"]}

    def ask(self, what: str, headers: Mapping[str, str], more: Mapping[str, str]) -> Reply:
        exchanged = {"subject_token": self.bearer["device_token"], "subject_token_type": DEVICE_TOKEN}
        path, form = {
            "refresh": (
                "token",
                {"grant_type": "refresh_token", "refresh_token": self.bearer["refresh_token"]},
            ),
            "cookie": ("token", {"grant_type": "refresh_token"}),
            "exchange": ("token", {"grant_type": EXCHANGE, **exchanged}),
            "revoke": ("revoke", {"token": self.bearer["refresh_token"]}),
        }[what]
        sent = {**headers, **(self.csrf | {"Cookie": self.cookie} if what == "cookie" else {})}
        return self.client.form(f"/auth/{path}", {**form, **more}, headers=sent)


@pytest.fixture
def holder(stack: LocalStack) -> Holder:
    return Holder(stack)


@pytest.mark.parametrize("what", ["refresh", "cookie", "exchange", "revoke"])
@pytest.mark.parametrize(("headers", "more"), TRIES.values(), ids=TRIES)
def test_a_client_that_authenticates_is_refused_and_spends_nothing(
    holder: Holder, what: str, headers: dict[str, str], more: dict[str, str]
) -> None:
    refused = holder.ask(what, headers, more)

    assert (refused.status, refused.json["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"] == 'Basic realm="auth-user-tokens"'
    assert "set-cookie" not in refused.headers
    assert holder.client.get("/auth/session", bearer=holder.bearer["access_token"]).status == 200
    assert holder.ask(what, {}, {}).status == 200


@pytest.mark.parametrize(("headers", "more"), NO_TRIES.values(), ids=NO_TRIES)
def test_what_is_no_client_authentication_is_passed_over(
    holder: Holder, headers: dict[str, str], more: dict[str, str]
) -> None:
    assert holder.ask("refresh", headers, more).status == 200
