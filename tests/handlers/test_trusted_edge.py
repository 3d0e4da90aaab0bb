"""The functions behind a trusted edge, as the template sets them: its viewers count, and nobody's word but its own."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from auth_tokens.domain.limits import LOGIN_PER_PAIR
from local.client import Client
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conftest import new_stack

KEY = "an edge's key of thirty-two characters, or more"
BOB = USERS[1].username
PARAMETERS = {
    "EdgeKeyHeader": "X-Front-Door",
    "EdgeKeyHashes": f"{'0' * 64},{sha256(KEY.encode()).hexdigest()}",
    "EdgeRequired": "yes",
}


@pytest.fixture(scope="module")
def behind_an_edge(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    with new_stack(database, administrator, aws, "inprocess", PARAMETERS) as started:
        yield started


def through_the_edge(stack: LocalStack, viewer: str) -> Client:
    return Client(
        stack.base_url, headers={"X-Front-Door": KEY, "CloudFront-Viewer-Address": f"{viewer}:4711"}
    )


def sign_in(client: Client, password: str = PASSWORD) -> Any:
    return client.post("/auth/login", {"username": BOB, "password": password})


def test_viewers_of_one_edge_do_not_use_up_each_others_limits(behind_an_edge: LocalStack) -> None:
    guesser, owner = (
        through_the_edge(behind_an_edge, viewer) for viewer in ("2001:db8:1::1", "198.51.100.7")
    )

    statuses = [sign_in(guesser, "wrong").status for _ in range(LOGIN_PER_PAIR.burst + 1)]

    assert statuses == [401] * LOGIN_PER_PAIR.burst + [429]
    assert sign_in(through_the_edge(behind_an_edge, "2001:db8:1::2")).status == 429
    assert sign_in(owner).status == 200


def test_the_viewer_s_address_is_the_session_s(behind_an_edge: LocalStack) -> None:
    client = through_the_edge(behind_an_edge, "2001:db8:7::9")
    bearer = {"Authorization": f"Bearer {sign_in(client).json['access_token']}"}

    sessions = client.get("/auth/sessions", headers=bearer).json["sessions"]

    assert sessions[0]["address"] == "2001:db8:7::9"


@pytest.mark.parametrize("key", ["", "x" * 40, KEY + " x"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/login"),
        ("POST", "/auth/token"),
        ("GET", "/auth/sessions"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/pages/account"),
        ("POST", "/auth/revoke"),
        ("GET", "/nowhere"),
    ],
)
def test_what_comes_around_the_edge_is_refused(
    behind_an_edge: LocalStack, key: str, method: str, path: str
) -> None:
    client = Client(behind_an_edge.base_url, headers={"X-Front-Door": key} if key else {})

    reply = client.request(method, path, b"{}" if method == "POST" else b"", "application/json")

    assert (reply.status, reply.json["error"]) == (403, "access_denied")
