"""The Portal users that local mode adds to its database."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from argon2 import PasswordHasher
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.portal_checks import LOCAL_MODE
from local.servers.database.address import Connection

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class SeedUser:
    """One Portal user. about: what it is for. config: names and values of columns of user_config."""

    id: str
    username: str
    about: str = ""
    labels: tuple[str, ...] = ()
    status: str = "active"
    config: tuple[tuple[str, int], ...] = ()


USERS = (
    SeedUser(
        "0a000000-0000-4000-8000-00000000a11c",
        "alice@example.com",
        "an operator: both pages, labels admin and tsp:operator",
        ("admin", "tsp:operator"),
    ),
    SeedUser(
        "0b000000-0000-4000-8000-000000000b0b", "bob@example.com", "a person: the account page, and clients"
    ),
    SeedUser(
        "0c000000-0000-4000-8000-00000000ca01",
        "carol@example.com",
        "disabled: refused as if the password were wrong",
        status="disabled",
    ),
    SeedUser(
        "0d000000-0000-4000-8000-00000000da7e",
        "dave@example.com",
        "at most 2 sessions, access tokens of 60 s: evictions and refreshes soon",
        config=(("max_sessions", 2), ("access_ttl_s", 60)),
    ),
)
# The templates' defaults.
_COST = {"Argon2Passes": 2, "Argon2MemoryKib": 19_456, "Argon2Lanes": 1}


def seed(connection: Connection, parameters: Mapping[str, str] = MappingProxyType({})) -> None:
    """Adds the missing users, changes no others, and marks the schema as local mode's own. parameters: of the
    templates, which say what a password's hash costs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_token_jobs (name, held_until_ms) VALUES (%s, 0) ON DUPLICATE KEY UPDATE name = name",
            (LOCAL_MODE,),
        )
        cursor.execute("SELECT id FROM auth_users")
        present = {row[0] for row in cursor.fetchall()}
        missing = [user for user in USERS if user.id not in present]
        if missing:
            cost = {name: int(parameters.get(name, default)) for name, default in _COST.items()}
            hasher = PasswordHasher(cost["Argon2Passes"], cost["Argon2MemoryKib"], cost["Argon2Lanes"])
            hashed = hasher.hash(PASSWORD)
            for user in missing:
                _add(cursor, user, hashed)


def add_population(connection: Connection, count: int) -> list[SeedUser]:
    """Adds `count` active users with the seeded users' password, and returns them."""
    users = [SeedUser(str(uuid.uuid4()), f"user-{uuid.uuid4().hex[:10]}@example.com") for _ in range(count)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT password_hash FROM auth_users WHERE id = %s", (USERS[1].id,))
        [password_hash] = cursor.fetchone() or [""]
        for user in users:
            _add(cursor, user, password_hash)
    return users


def _add(cursor: Cursor, user: SeedUser, password_hash: str) -> None:
    cursor.execute(
        "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
        " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (user.id, user.username, password_hash, user.status),
    )
    for column, value in user.config:
        cursor.execute(
            f"INSERT INTO user_config (user_id, {column}) VALUES (%s, %s)"
            f" ON DUPLICATE KEY UPDATE {column} = VALUES({column})",
            (user.id, value),
        )
    for label in user.labels:
        cursor.execute("INSERT INTO auth_user_label (user_id, label) VALUES (%s, %s)", (user.id, label))
