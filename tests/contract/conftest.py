"""Visitors of the running service, each with sessions of their own."""

import contextlib
import uuid
from collections.abc import Mapping

import pytest

from local.seed import USERS, SeedUser
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
def visitor(stack: LocalStack, user: SeedUser, full_user: Mapping[str, str], finding_id: str) -> Visitor:
    """A visitor to the shared service, who has just come."""
    return Visitor.arriving(stack.base_url, user.username, user.id, **full_user, finding_id=finding_id)


@pytest.fixture(scope="module")
def finding_id(stack: LocalStack, user: SeedUser) -> str:
    """Of what the schedule found after one user signed in on five new devices."""
    anyone = Visitor(stack.base_url)
    vouched = {"user_id": user.id, "amr": ["pwd"]}
    for _ in range(5):
        assert anyone.send(Case("POST /auth/issue", "", 200, who=Who.SIGNED, body=vouched)).status == 200
    stack.invoke("analytics", {"source": "aws.scheduler"})
    wanted = {"user_id": user.id, "rule": "device_burst"}
    found = anyone.send(Case("GET /admin/security/findings", "", 200, who=Who.SIGNED, query=wanted))
    return str(found.json["findings"][0]["id"])
