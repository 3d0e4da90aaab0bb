"""What comes faster than the template allows is answered by the gateway, not by a function."""

from typing import TYPE_CHECKING

from local.client import Client
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from tests.conftest import new_stack

if TYPE_CHECKING:
    import pymysql
    from pymysql.cursors import Cursor


def test_a_route_beyond_its_rate_answers_429_in_the_gateways_words(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> None:
    slow = {"LoginRatePerS": "2"}
    with new_stack(database, administrator, aws, "inprocess", slow, clock=lambda: 1_795_521_600.0) as stack:
        client = Client(stack.base_url)

        replies = [client.post("/auth/login", {}) for _ in range(3)]
        elsewhere = client.get("/.well-known/jwks.json")

    assert [reply.status for reply in replies] == [400, 400, 429]
    assert replies[2].json == {"message": "Too Many Requests"}
    assert "retry-after" not in replies[2].headers
    assert elsewhere.status == 200
