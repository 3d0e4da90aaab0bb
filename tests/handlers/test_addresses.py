"""The service at its other addresses: a named stage, and a custom domain's mapping, which the issuer's path names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

PREFIXES = {
    "its own domain": ("$default", ""),
    "a named stage": ("prod", "/prod"),
    "a mapping": ("$default", "/portal/tokens"),
    "a mapping to a named stage": ("prod", "/portal/tokens"),
    "a mapping that shows the stage": ("prod", "/portal/tokens/prod"),
}
ORIGIN = "https://api.example"


@pytest.fixture(scope="module")
def mapped(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    parameters = {"Issuer": f"{ORIGIN}/portal/tokens"}
    with new_stack(database, administrator, aws, "inprocess", parameters) as started:
        yield started


def default_route(stack: LocalStack, address: str, method: str, path: str) -> dict[str, Any]:
    """What the $default route answers to a path at an address."""
    stage, prefix = PREFIXES[address]
    http = {"method": method, "path": prefix + path, "sourceIp": "192.0.2.7", "userAgent": "tests"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": prefix + path,
        "rawQueryString": "",
        "headers": {"origin": ORIGIN},
        "requestContext": {"http": http, "stage": stage, "routeKey": "$default", "requestId": "id"},
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = stack.invoke("discovery", event)
    return answer


@pytest.mark.parametrize("address", PREFIXES)
def test_a_preflight_is_answered_at_every_address(mapped: LocalStack, address: str) -> None:
    answer = default_route(mapped, address, "OPTIONS", "/auth/sessions/x")

    assert answer["statusCode"] == 204
    assert answer["headers"]["Access-Control-Allow-Methods"] == "DELETE"
    assert answer["headers"]["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("address", PREFIXES)
def test_a_wrong_method_is_405_at_every_address(mapped: LocalStack, address: str) -> None:
    answer = default_route(mapped, address, "PUT", "/auth/session")

    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("address", PREFIXES)
def test_head_of_a_route_without_get_is_405_without_a_body(mapped: LocalStack, address: str) -> None:
    answer = default_route(mapped, address, "HEAD", "/auth/login")

    assert (answer["statusCode"], answer["headers"]["Allow"], answer["body"]) == (405, "POST", "")


@pytest.mark.parametrize("address", PREFIXES)
def test_an_unknown_path_is_404_at_every_address(mapped: LocalStack, address: str) -> None:
    answer = default_route(mapped, address, "GET", "/auth/nothing")

    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (404, "not_found")


@pytest.mark.parametrize("address", PREFIXES)
def test_head_is_answered_by_get_s_function_at_every_address(mapped: LocalStack, address: str) -> None:
    stage, prefix = PREFIXES[address]
    path = "/.well-known/oauth-authorization-server"
    answers = {}
    for method in ("GET", "HEAD"):
        http = {"method": method, "path": prefix + path}
        context = {"http": http, "stage": stage, "requestId": "id"}
        event = {"routeKey": f"{method} {path}", "rawPath": prefix + path, "requestContext": context}
        answers[method] = mapped.invoke("discovery", event)

    assert answers["HEAD"] == {**answers["GET"], "body": ""}
    assert json.loads(answers["GET"]["body"])["issuer"] == f"{ORIGIN}/portal/tokens"
