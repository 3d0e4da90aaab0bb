"""Another team's API behind the authorizer, in its three kinds: who is let in, and what the others are told.

The statuses are those of docs/how-to/authorizer.md, «What a caller sees».
"""

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pymysql
import pytest
from pymysql.cursors import Cursor
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import JOBS_HTTP, JOBS_REST, JOBS_SOCKET, LocalStack
from tests.conftest import new_stack
from tests.docs.markdown import DOCS, table

ALICE, BOB = USERS[0].username, USERS[1].username
PORTAL = "https://portal.test"
# Longer than any answer takes, and a bound all the same.
WAIT_S = 30
COLUMNS = {"http": "HTTP API, 2.0", "rest": "REST API", "socket": "WebSocket `$connect`"}
LET_IN = {"http": 200, "rest": 200, "socket": 101}
# AWS has changed how this text goes on, so nothing may read more of it.
DENIED = "User is not authorized to access this resource with an explicit deny"

Parameters = Mapping[str, str]
every_kind = pytest.mark.parametrize("kind", list(COLUMNS))


def stated(cause: str, kind: str) -> int:
    """The status that the page states for a cause of refusal, named by how its row begins."""
    rows = table(DOCS / "how-to" / "authorizer.md", "What a caller sees", "Refused because").rows
    [row] = [row for row in rows if row["Refused because"].startswith(cause)]
    return int(row[COLUMNS[kind]])


@pytest.fixture(scope="module")
def served(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """The functions as on AWS; an authorizer that knows of a revocation at once."""
    parameters = {"RevocationMaxStalenessS": "0", "AllowedOrigins": PORTAL}
    with new_stack(database, administrator, aws, "lambda", parameters) as started:
        yield started


@pytest.fixture
def client(served: LocalStack) -> Client:
    return Client(served.base_url)


@contextlib.contextmanager
def socket_of(
    stack: LocalStack, query: str = "", headers: Mapping[str, str] | None = None, origin: str | None = None
) -> Iterator[ClientConnection]:
    """The example's socket, opened as a browser or a program would."""
    address = f"{stack.base_url.replace('http', 'ws', 1)}{JOBS_SOCKET}{query}"
    with connect(address, additional_headers=headers, origin=origin, open_timeout=WAIT_S) as opened:
        yield opened


def ask(opened: ClientConnection, message: Any) -> Any:
    opened.send(json.dumps(message))
    return json.loads(opened.recv(timeout=WAIT_S))


def knock(stack: LocalStack, kind: str, bearer: str | None = None, **options: Any) -> Reply:
    """What a caller sees at the API of a kind; of a socket the first answer, or its handshake's refusal."""
    if kind != "socket":
        prefix = {"http": JOBS_HTTP, "rest": JOBS_REST}[kind]
        return Client(stack.base_url).get(f"{prefix}/jobs", bearer=bearer)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        with socket_of(stack, headers=headers | options.pop("headers", {}), **options) as opened:
            return Reply(101, {}, json.dumps(ask(opened, {"action": "list"})).encode())
    except InvalidStatus as refused:
        answer = refused.response
        lower = {name.lower(): value for name, value in answer.headers.raw_items()}
        return Reply(answer.status_code, lower, bytes(answer.body))


def login(client: Client, username: str = BOB, **options: Any) -> Reply:
    reply = client.post("/auth/login", {"username": username, "password": PASSWORD, **options})
    assert reply.status == 200, reply.shortened()
    return reply


def token_of(client: Client, username: str = BOB) -> str:
    return str(login(client, username).json["access_token"])


def cookie_of(client: Client) -> dict[str, str]:
    [cookie] = login(client, mode="cookie").cookies
    return {"Cookie": cookie.split(";")[0]}


def forged(token: str) -> str:
    """The same claims under a signature that nobody made."""
    signed, _, signature = token.rpartition(".")
    # Not its last character, whose spare bits would give it away before anybody looks at the signature.
    other = "A" if signature[40] != "A" else "B"
    return f"{signed}.{signature[:40]}{other}{signature[41:]}"


def told(reply: Reply) -> dict[str, Any]:
    """A refusal's body without the ids that a WebSocket API adds."""
    return {name: value for name, value in reply.json.items() if name not in ("connectionId", "requestId")}


# All three kinds


@every_kind
def test_a_good_token_is_let_in_and_the_function_learns_whose_it_is(
    served: LocalStack, client: Client, kind: str
) -> None:
    access = token_of(client)
    session = client.get("/auth/session", bearer=access).json

    reply = knock(served, kind, access)

    assert reply.status == LET_IN[kind]
    assert reply.json["caller"] == {
        "sub": session["sub"],
        "scope": session["scope"],
        "sid": session["session_id"],
    }


@every_kind
def test_nobody_is_let_in_without_a_credential(served: LocalStack, kind: str) -> None:
    assert_refused(knock(served, kind), kind)


@every_kind
def test_a_forged_token_is_refused(served: LocalStack, client: Client, kind: str) -> None:
    assert_refused(knock(served, kind, forged(token_of(client))), kind)


@every_kind
@pytest.mark.parametrize("token", ["garbage", "a.b.c", "aut_st_AAAA"])
def test_what_is_no_token_is_refused(served: LocalStack, kind: str, token: str) -> None:
    assert_refused(knock(served, kind, token), kind)


@every_kind
def test_a_revoked_token_is_refused(served: LocalStack, client: Client, kind: str) -> None:
    tokens = login(client).json
    assert knock(served, kind, tokens["access_token"]).status == LET_IN[kind]

    assert client.form("/auth/revoke", {"token": tokens["refresh_token"]}).status == 200

    assert_refused(knock(served, kind, tokens["access_token"]), kind)


def assert_refused(reply: Reply, kind: str) -> None:
    """As the page states for a credential that is none, or no good one."""
    assert reply.status == stated("no credential, malformed", kind)
    assert told(reply) == {"message": "Forbidden" if kind == "http" else "Unauthorized"}
    challenge = 'Bearer realm="jobs"' if kind == "rest" else None
    assert reply.headers.get("www-authenticate") == challenge


# A good token that is not enough


@pytest.fixture(
    scope="module",
    params=[
        (
            {"AuthorizerRequiredScope": "portal:admin"},
            "scope too little",
            {"error": "insufficient_scope", "acr_values": "", "max_age": ""},
        ),
        (
            {"AuthorizerRequiredAcr": "urn:portal:strong", "AuthorizerMaxAuthAgeS": "300"},
            "authentication too weak",
            {
                "error": "insufficient_user_authentication",
                "acr_values": "urn:portal:strong",
                "max_age": "300",
            },
        ),
    ],
    ids=["scope", "step-up"],
)
def demanding(
    request: pytest.FixtureRequest,
    database: DatabaseAddress,
    administrator: "pymysql.Connection[Cursor]",
    aws: LocalAws,
) -> Iterator[tuple[LocalStack, str, dict[str, str]]]:
    """An authorizer that asks for more than alice has, the cause in the page, and what a REST API tells of it."""
    parameters, cause, reason = request.param
    with new_stack(database, administrator, aws, "inprocess", parameters) as started:
        yield started, cause, reason


@every_kind
def test_a_good_token_that_is_not_enough_is_forbidden_and_a_rest_api_says_why(
    demanding: tuple[LocalStack, str, dict[str, str]], kind: str
) -> None:
    stack, cause, reason = demanding

    reply = knock(stack, kind, token_of(Client(stack.base_url), ALICE))

    assert reply.status == stated(cause, kind)
    body = told(reply)
    message = body.pop("message")
    assert message == "Forbidden" if kind == "http" else message.startswith(DENIED)
    assert body == (reason if kind == "rest" else {})


# The socket


def test_a_browser_without_a_header_to_set_opens_a_socket_by_query(
    served: LocalStack, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    access = token_of(client)
    caplog.set_level(logging.DEBUG)

    with socket_of(served, f"?access_token={quote(access)}", origin="https://anywhere.example") as opened:
        assert ask(opened, {"action": "list"})["caller"].keys() == {"sub", "scope", "sid"}

    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.client"]
    logs = [path.read_text("utf-8") for path in (served.state_dir / "logs").iterdir()]
    assert logs
    assert access not in "".join(ours + logs)


@pytest.mark.parametrize("query", ["?access_token=", "?access_token=garbage", "?token={token}"])
def test_a_bad_query_parameter_opens_nothing(served: LocalStack, client: Client, query: str) -> None:
    filled = query.format(token=token_of(client))

    assert_refused(knock(served, "socket", query=filled), "socket")


def test_two_credentials_open_nothing(served: LocalStack, client: Client) -> None:
    access = token_of(client)

    assert_refused(knock(served, "socket", access, query=f"?access_token={access}"), "socket")
    twice = f"?access_token={access}&access_token={access}"
    assert_refused(knock(served, "socket", query=twice), "socket")


def test_a_bad_token_never_falls_back_to_the_cookie(served: LocalStack, client: Client) -> None:
    cookie = cookie_of(client)

    assert_refused(knock(served, "socket", "garbage", headers=cookie, origin=PORTAL), "socket")
    by_query = knock(served, "socket", query="?access_token=garbage", headers=cookie, origin=PORTAL)
    assert_refused(by_query, "socket")


@pytest.mark.parametrize("of_service", [False, True], ids=["the portal's", "the service's own"])
def test_a_cookie_opens_a_socket_from_an_allowed_origin(
    served: LocalStack, client: Client, of_service: bool
) -> None:
    origin = served.base_url if of_service else PORTAL

    reply = knock(served, "socket", headers=cookie_of(client), origin=origin)

    assert reply.status == 101


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{PORTAL}.evil.example", f"{PORTAL}:444"]
)
def test_a_cookie_opens_nothing_from_a_foreign_origin(
    served: LocalStack, client: Client, origin: str
) -> None:
    assert_refused(knock(served, "socket", headers=cookie_of(client), origin=origin), "socket")


def test_messages_are_answered_for_as_long_as_the_socket_is_open(served: LocalStack, client: Client) -> None:
    tokens = login(client).json
    with socket_of(served, headers={"Authorization": f"Bearer {tokens['access_token']}"}) as opened:
        first = ask(opened, {"action": "list"})

        made = client.post(f"{JOBS_REST}/jobs", {"name": "night tram"}, bearer=tokens["access_token"])
        assert made.status == 201
        assert ask(opened, "anything") == {**first, "jobs": [*first["jobs"], made.json]}

        # The authorizer was asked once, and the socket stays open past its token's life.
        assert client.form("/auth/revoke", {"token": tokens["refresh_token"]}).status == 200
        assert_refused(knock(served, "socket", tokens["access_token"]), "socket")
        assert ask(opened, {"action": "list"})["caller"] == first["caller"]


def test_a_socket_shows_nobody_elses_jobs(served: LocalStack, client: Client) -> None:
    bob = token_of(client)
    made = client.post(f"{JOBS_HTTP}/jobs", {"name": "bob's"}, bearer=bob)
    assert made.status == 201

    with socket_of(served, headers={"Authorization": f"Bearer {bob}"}) as opened:
        assert made.json in ask(opened, {"action": "list"})["jobs"]
    with socket_of(served, headers={"Authorization": f"Bearer {token_of(client, ALICE)}"}) as opened:
        assert ask(opened, {"action": "list"})["jobs"] == []


def test_an_open_socket_goes_on_when_its_function_is_loaded_anew(served: LocalStack, client: Client) -> None:
    assert served.runner is not None
    access = token_of(client)
    assert client.post(f"{JOBS_HTTP}/jobs", {"name": "kept in memory"}, bearer=access).status == 201
    with socket_of(served, headers={"Authorization": f"Bearer {access}"}) as opened:
        before = ask(opened, {"action": "list"})
        assert before["jobs"]

        served.runner.drop("JobsFunction")

        assert ask(opened, {"action": "list"}) == {**before, "jobs": []}
