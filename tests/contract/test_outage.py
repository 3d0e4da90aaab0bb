"""The database is away: every route that needs it says so as documented, and the one that does not goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.options import RunnerOptions, ServerOptions
from local.seed import USERS
from local.servers.aws import LocalAws
from local.servers.database.private import private_server
from local.stack import LocalStack
from tests.contract.cases import GOOD
from tests.contract.document import OPERATIONS, answer_faults, responses
from tests.contract.visitor import Visitor

BOB = USERS[1]
NEEDS_NO_DATABASE = {"GET /.well-known/oauth-authorization-server", "GET /pages/{page}"}


@pytest.fixture(scope="module")
def stranded(run_dir: Path, aws: LocalAws) -> Iterator[Visitor]:
    """A visitor who arrived before the database went away."""
    server = private_server(run_dir / "contract", durable=False)
    server.start()
    server.wait()
    try:
        with LocalStack(
            servers=ServerOptions(database=server.address, aws=aws), runner=RunnerOptions(in_process=True)
        ) as stack:
            visitor = Visitor.arrived(stack.base_url, BOB.username, BOB.id)
            server.stop()
            yield visitor
    finally:
        server.stop()


@pytest.mark.parametrize("route", OPERATIONS)
def test_an_outage_is_answered_as_documented(stranded: Visitor, route: str) -> None:
    good = next(case for case in GOOD if case.route == route)

    reply = stranded.send(good)

    if route in NEEDS_NO_DATABASE:
        assert reply.status == 200
        return
    assert (reply.status, reply.json["error"]) == (503, "temporarily_unavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert answer_faults(responses(route)[503], reply) == []
