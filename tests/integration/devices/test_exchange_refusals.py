"""A token exchange for something that is not issued here names the parameter and spends nothing (RFC 8693)."""

from typing import Any

import pytest

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN = "urn:auth-user-tokens:token-type:device"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SESSION_TOKEN = "urn:auth-user-tokens:token-type:session"

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "audience": ({"audience": "another"}, "invalid_target"),
    "our own audience": ({"audience": "portal"}, "invalid_target"),
    "resource": ({"resource": "https://api.example/jobs"}, "invalid_target"),
    "actor_token": ({"actor_token": "x"}, "invalid_request"),
    "actor_token_type": ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    "requested_token_type jwt": (
        {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        "invalid_request",
    ),
    "requested_token_type of the other mode": ({"requested_token_type": SESSION_TOKEN}, "invalid_request"),
    "requested_token_type of the other mode, by cookie": (
        {"requested_token_type": ACCESS_TOKEN, "mode": "cookie"},
        "invalid_request",
    ),
}
GOOD: dict[str, tuple[dict[str, str], str]] = {
    "nothing requested": ({}, ACCESS_TOKEN),
    "an access token requested": ({"requested_token_type": ACCESS_TOKEN}, ACCESS_TOKEN),
    "parameters without a value": ({"audience": "", "requested_token_type": ""}, ACCESS_TOKEN),
    "a cookie": ({"mode": "cookie"}, SESSION_TOKEN),
    "a cookie requested": ({"mode": "cookie", "requested_token_type": SESSION_TOKEN}, SESSION_TOKEN),
}


@pytest.fixture
def login(stack: LocalStack) -> dict[str, Any]:
    body = {"username": USERS[1].username, "password": PASSWORD, "device": {"remember": True}}
    login: dict[str, Any] = Client(stack.base_url).post("/auth/login", body).json
    return login


def exchange(stack: LocalStack, device_token: str, **parameters: str) -> Reply:
    form = {"grant_type": EXCHANGE, "subject_token": device_token, "subject_token_type": DEVICE_TOKEN}
    return Client(stack.base_url).form("/auth/token", {**form, **parameters})


@pytest.mark.parametrize(("parameters", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_issued_is_refused_and_spends_nothing(
    stack: LocalStack, login: dict[str, Any], parameters: dict[str, str], code: str
) -> None:
    refused = exchange(stack, login["device_token"], **parameters)

    assert (refused.status, refused.json["error"]) == (400, code)
    assert next(iter(parameters)) in refused.json["error_description"]
    assert generation_of(stack, login["device_id"]) == 0


@pytest.mark.parametrize(("parameters", "issued"), GOOD.values(), ids=GOOD)
def test_the_answer_says_what_was_issued(
    stack: LocalStack, login: dict[str, Any], parameters: dict[str, str], issued: str
) -> None:
    answer = exchange(stack, login["device_token"], **parameters)

    assert answer.status == 200
    assert answer.json["issued_token_type"] == issued
    assert answer.headers["pragma"] == "no-cache"


def test_a_refresh_is_no_exchange(stack: LocalStack, login: dict[str, Any]) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}

    assert "issued_token_type" not in Client(stack.base_url).form("/auth/token", form).json


def generation_of(stack: LocalStack, device_id: str) -> int:
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT generation FROM auth_user_tokens WHERE id = UNHEX(%s)", (device_id.replace("-", ""),)
        )
        [generation] = cursor.fetchone() or (-1,)
        return int(generation)
