"""The example's function behind a WebSocket API: who calls is what the authorizer said when the socket opened."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).parents[3] / "examples/jobs-api/functions/jobs/app.py"


@pytest.fixture
def jobs() -> Any:
    spec = importlib.util.spec_from_file_location("jobs_app", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def socket_event(event_type: str, sub: str) -> dict[str, Any]:
    authorizer = {"principalId": sub, "sub": sub, "scope": "portal:read", "sid": "s"}
    return {
        "body": '{"action": "anything"}',
        "requestContext": {"eventType": event_type, "connectionId": "c", "authorizer": authorizer},
    }


def test_a_socket_opens_and_each_message_is_answered_with_the_caller_s_own_jobs(jobs: Any) -> None:
    jobs.JOBS.update({"1": {"id": "1", "owner": "alice"}, "2": {"id": "2", "owner": "bob"}})

    assert jobs.handler(socket_event("CONNECT", "alice"), None) == {"statusCode": 200}
    answer = jobs.handler(socket_event("MESSAGE", "alice"), None)
    assert json.loads(answer["body"])["jobs"] == [{"id": "1", "owner": "alice"}]
