"""Visitors of the running service, each with sessions of their own."""

import contextlib
import json
import uuid
from collections.abc import Mapping

import pytest

from local.host.paths import ROOT
from local.seed import PASSWORD, USERS, SeedUser
from local.stack import LocalStack
from tests.contract.visitor import Case, Visitor, Who, remembered_without_session

BOB = USERS[1]


@pytest.fixture(scope="module")
def user(stack: LocalStack) -> SeedUser:
    """A user of these tests alone, with the password of the seeded ones."""
    return _made(stack)


@pytest.fixture(scope="module")
def full_user(stack: LocalStack) -> Mapping[str, str]:
    """Values for a user who may have one session, in bearer mode, and has it; and a device token beside it."""
    made = _made(stack, max_sessions=1, session_limit_action="deny", allowed_modes="bearer")
    device_token = remembered_without_session(stack.base_url, made.id)
    return {"full_user_id": made.id, "full_username": made.username, "full_device_token": device_token}


def _made(stack: LocalStack, **preferences: object) -> SeedUser:
    made = SeedUser(str(uuid.uuid4()), f"contract-{uuid.uuid4().hex[:12]}@example.com")
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
            (made.id, made.username, BOB.id),
        )
        cursor.execute("INSERT INTO auth_user_label (user_id, label) VALUES (%s, 'admin')", (made.id,))
        cursor.execute("INSERT INTO user_config (user_id) VALUES (%s)", (made.id,))
        for column, value in preferences.items():
            cursor.execute(f"UPDATE user_config SET {column} = %s WHERE user_id = %s", (value, made.id))
    return made


@pytest.fixture
def visitor(
    stack: LocalStack, user: SeedUser, full_user: Mapping[str, str], findings: Mapping[str, str]
) -> Visitor:
    """A visitor to the shared service, who has just come."""
    return Visitor.arriving(stack.base_url, user.username, user.id, **full_user, **findings)


@pytest.fixture(scope="module")
def findings(stack: LocalStack, user: SeedUser) -> Mapping[str, str]:
    """Values for findings: one user signed in on five new devices, and ten accounts were tried from a source that got
    into one."""
    anyone = Visitor(stack.base_url)
    vouched = {"user_id": user.id, "amr": ["pwd"]}
    for _ in range(5):
        assert anyone.send(Case("POST /auth/issue", "", 200, who=Who.SIGNED, body=vouched)).status == 200
    names = [_made(stack).username, *(f"nobody-{uuid.uuid4().hex}@example.com" for _ in range(10))]
    assert [_log_in(stack, name) for name in names] == [200, *[401] * 10]
    stack.invoke("analytics", {"source": "aws.scheduler"})

    def found(**wanted: str) -> str:
        case = Case("GET /admin/security/findings", "", 200, who=Who.SIGNED, query=wanted)
        return str(anyone.send(case).json["findings"][0]["id"])

    return {
        "finding_id": found(user_id=user.id, rule="device_burst"),
        "source_finding_id": found(rule="stuffing_from_one_source"),
    }


def _log_in(stack: LocalStack, username: str) -> int:
    """The status of a login from a network of its own."""
    event = json.loads((ROOT / "events" / "issue" / "login.json").read_text("utf-8"))
    event["body"] = json.dumps({"username": username, "password": PASSWORD})
    event["requestContext"]["http"]["sourceIp"] = "198.51.100.77"
    return int(stack.invoke("issue", event)["statusCode"])
