"""A sign-in that forgets many devices at once, as the first one does after MAX_DEVICES was lowered."""

from dataclasses import replace
from typing import Any

import pytest

from auth_tokens.adapters.mysql import connection
from auth_tokens.usecases.issue import IssueRequest, issue
from local.servers.rds_proxy.pinning import MAX_STATEMENT_BYTES
from tests.support.world import CALLER, World


def test_its_statements_are_short_enough_for_the_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer text would pin the connection."""
    name = world.user()
    request = IssueRequest(world.user_id(name), ("mfa",))
    for _ in range(100):
        issue(request, CALLER, world.issuing)
    lengths: list[int] = []

    def heard(self: Any, sql: str | bytes, unbuffered: bool = False) -> int:
        lengths.append(len(sql))
        return query(self, sql, unbuffered)

    query = connection._Connection.query
    monkeypatch.setattr(connection._Connection, "query", heard)

    strict = replace(world.issuing.policy, max_devices=1, max_sessions=1)
    issue(request, CALLER, replace(world.issuing, policy=strict))

    assert world.events(name).count("device_revoked") == 100
    assert max(lengths) < MAX_STATEMENT_BYTES
