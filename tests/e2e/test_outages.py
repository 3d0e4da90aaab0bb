"""The database goes away and comes back: 503 with Retry-After meanwhile, and no restart afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.client import Client
from local.options import RunnerOptions, ServerOptions
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from local.stack import LocalStack

BOB = USERS[1].username


@pytest.fixture(params=["inprocess", "lambda"])
def outage(
    request: pytest.FixtureRequest, run_dir: Path, aws: LocalAws
) -> Iterator[tuple[DatabaseServer, LocalStack]]:
    """A stack on a server of its own, which the test may stop and start."""
    server = private_server(run_dir / f"outage-{request.param}", durable=False)
    server.start()
    server.wait()
    try:
        with LocalStack(
            servers=ServerOptions(database=server.address, aws=aws),
            runner=RunnerOptions(in_process=request.param == "inprocess"),
        ) as stack:
            yield server, stack
    finally:
        server.stop()


def test_an_outage_is_a_503_and_loses_nobody(outage: tuple[DatabaseServer, LocalStack]) -> None:
    server, stack = outage
    client = Client(stack.base_url)
    answer = client.post("/auth/login", {"username": BOB, "password": PASSWORD}).json
    asked = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    assert client.get("/auth/session", bearer=answer["access_token"]).status == 200
    client.get("/.well-known/jwks.json")

    server.stop()
    replies = [
        client.form("/auth/token", asked),
        client.post("/auth/login", {"username": BOB, "password": PASSWORD}),
        client.get("/auth/session", bearer=answer["access_token"]),
        client.form("/auth/revoke", {"token": answer["refresh_token"]}),
    ]
    published = client.get("/.well-known/jwks.json")
    server.start()
    server.wait()

    for reply in replies:
        assert reply.status == 503, reply.shortened()
        assert reply.json["error"] == "temporarily_unavailable"
        assert int(reply.headers["retry-after"]) >= 1
    assert published.status == 200
    assert client.form("/auth/token", asked).status == 200
    assert client.get("/auth/session", bearer=answer["access_token"]).status == 200
