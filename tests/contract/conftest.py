"""Visitors of the running service, each with sessions of their own."""

import contextlib
import uuid

import pytest

from local.seed import USERS, SeedUser
from local.stack import LocalStack
from tests.contract.visitor import Visitor

BOB = USERS[1]


@pytest.fixture(scope="module")
def user(stack: LocalStack) -> SeedUser:
    """A user of these tests alone, with the password of the seeded ones."""
    made = SeedUser(str(uuid.uuid4()), f"contract-{uuid.uuid4().hex[:12]}@example.com")
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " SELECT %s, %s, password_hash, status, created_at FROM auth_users WHERE id = %s",
            (made.id, made.username, BOB.id),
        )
    return made


@pytest.fixture
def visitor(stack: LocalStack, user: SeedUser) -> Visitor:
    """A visitor to the shared service, who has just arrived."""
    return Visitor.arrived(stack.base_url, user.username, user.id)
