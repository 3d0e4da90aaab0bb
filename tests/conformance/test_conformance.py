"""The conformance suite's short form: every scenario, few rounds, on the Lambda runtime client. `make conformance`
is the long one."""

import time
import uuid

import pytest

from local.stack import LocalStack
from tests.conformance.report import run
from tests.conformance.scenarios import Lab, device_scenarios, scenarios
from tests.conformance.servers import PortalServer

ROUNDS = 2
RETRY_WINDOW_S = 10


@pytest.mark.slow
def test_our_own_service_conforms(lambda_stack: LocalStack) -> None:
    server = PortalServer(lambda_stack.base_url, _users(lambda_stack, 2), "local", "local-secret")

    trials = [
        (Lab(server), scenarios((2, 20))),
        (Lab(server.devices()), device_scenarios((2, 20))),
    ]

    report = run(trials, ROUNDS, lambda: time.sleep(RETRY_WINDOW_S + 1), lambda _: None)

    assert report.is_right, f"\n{report.markdown()}"
    assert {sum(result.outcomes.values()) for result in report.results} == {ROUNDS}


def _users(stack: LocalStack, count: int) -> list[str]:
    """Users of this test's own: its sessions evict nobody else's."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with stack.connect() as connection, connection.cursor() as cursor:
        for user_id in ids:
            cursor.execute(
                "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
                " VALUES (%s, %s, '', 'active', UTC_TIMESTAMP(6))",
                (user_id, f"{user_id}@example.com"),
            )
    return ids
