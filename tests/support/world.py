"""The use cases on a real database and a real KMS API, with the clock in the test's hand."""

import base64
import contextlib
import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.migrations import migrate, migrations_in, wanted
from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.domain.answers import TokenAnswer
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.grants import DeviceRequest, SessionOptions
from auth_tokens.settings import Settings
from auth_tokens.usecases.login import LoginRequest, login
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from local.servers.database.address import DatabaseAddress, connect
from tests.support import wiring

SQL = Path(__file__).parents[2] / "functions" / "migrate" / "sql"
PASSWORD = "correct horse battery staple"
CALLER = Caller("192.0.2.7", "tests")
START = 1_800_000_000

# The least that settings admit: what a password's check costs has tests of its own.
PASSWORD_COST = {"memory_kib": 7168, "passes": 1}
CHEAP_PASSWORDS = {"Argon2MemoryKib": "7168", "Argon2Passes": "1"}  # the same as parameters of a stack
# One Argon2 run for the whole session: every test user has the same password.
_password_hash = ""


@dataclass
class Clock:
    """Epoch seconds that move only when told to."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def milliseconds(self) -> int:
        return self.now * 1000


@dataclass
class RecordedTelemetry:
    """Keeps what would have been logged."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)

    def outcome(self, name: str, **fields: object) -> None:
        self.lines.append((name, fields))

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        self.lines.append((name, {"error": error, **fields}))

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self.counts[metric] = self.counts.get(metric, 0) + value


class World:
    """One schema with everything of the service wired to it. `environment()` is another cold start on it."""

    def __init__(self, settings: Settings) -> None:
        self._idle: list[pymysql.Connection[Any]] = []
        self.settings = settings
        self.clock = Clock()
        self.telemetry = RecordedTelemetry()
        self.shared = self.environment()
        self.issuing = wiring.issuing(self.shared)
        self.sessions = wiring.sessions(self.shared)
        self.database = self.shared.database

    def environment(self, **options: Any) -> wiring.Container:
        """The parts of one more execution environment, with its own connection, keys and caches. options: as the
        container takes them."""
        return wiring.Container(
            self.telemetry,
            self.settings,
            may_create_keys=True,
            clock=self.clock,
            clock_ms=self.clock.milliseconds,
            **options,
        )

    def migrated(self) -> "World":
        config = wiring.database_config(self.settings, timeout_s=30)
        migrations = wanted(migrations_in(SQL), mapping_of(self.settings.portal_map))
        migrate(migrations, Database(config), Database(config))
        return self

    def user(self, **config: int) -> str:
        """A new active user's name (and id); config: columns of user_config."""
        name = f"u{uuid.uuid4().hex[:12]}@example.com"
        user_id = str(uuid.uuid4())
        self.sql(
            "INSERT INTO auth_users (id, username, password_hash, status, created_at)"
            " VALUES (%s, %s, %s, 'active', UTC_TIMESTAMP(6))",
            user_id,
            name,
            password_hash(),
        )
        if config:
            columns = ", ".join(config)
            places = ", ".join(["%s"] * len(config))
            self.sql(
                f"INSERT INTO user_config (user_id, {columns}) VALUES (%s, {places})",
                user_id,
                *config.values(),
            )
        return name

    def user_id(self, name: str) -> str:
        [row] = self.sql("SELECT id FROM auth_users WHERE username = %s", name)
        return str(row["id"])

    def disable(self, name: str) -> None:
        self.sql("UPDATE auth_users SET status = 'disabled' WHERE username = %s", name)

    def login(self, name: str, device: DeviceRequest | None = None, **options: Any) -> TokenAnswer:
        chosen = SessionOptions(device=device or DeviceRequest(), **options)
        return login(LoginRequest(name, PASSWORD, chosen), CALLER, self.issuing)

    def refresh(self, token: str, **fields: Any) -> TokenAnswer:
        return refresh(RefreshRequest(token, **fields), CALLER, self.issuing)

    def sql(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        """A statement on a connection that is not the service's, so that its counters stay untouched."""
        connection = self._live_connection()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[dict[str, Any]] = list(cursor.fetchall())
        self._idle.append(connection)
        return rows

    def _live_connection(self) -> "pymysql.Connection[Any]":
        """An idle one that no test has cut meanwhile, else a new one."""
        while self._idle:
            connection = self._idle.pop()
            with contextlib.suppress(pymysql.Error):
                connection.ping()
                return connection
        return self.connect(cursorclass=DictCursor)

    def connect(self, **options: Any) -> "pymysql.Connection[Any]":
        """A connection in the test's own hand. options: as `local.servers.database.address.connect` takes them."""
        config = wiring.database_config(self.settings)
        at = DatabaseAddress(config.host, config.port, config.name, config.user, config.password or "")
        return connect(at, **options)

    def events(self, name: str) -> list[str]:
        """The types of a user's events, oldest first."""
        rows = self.sql(
            "SELECT type FROM auth_token_events WHERE user_id = %s ORDER BY id", self.user_id(name)
        )
        return [row["type"] for row in rows]

    def rows_of(self, name: str) -> list[dict[str, Any]]:
        """A user's rows of auth_user_tokens as they are stored."""
        return self.sql("SELECT * FROM auth_user_tokens WHERE user_id = %s ORDER BY id", self.user_id(name))

    def row(self, session_id: str) -> dict[str, Any]:
        """A row of auth_user_tokens as it is stored."""
        rows = self.sql("SELECT * FROM auth_user_tokens WHERE id = %s", uuid.UUID(session_id).bytes)
        return rows[0]


def header_of(token: str | None) -> dict[str, str]:
    """The header of an access token, unverified."""
    header: dict[str, str] = json.loads(base64.urlsafe_b64decode((token or "").split(".")[0] + "=="))
    return header


def kid_of(token: str | None) -> str:
    """The key that an access token says it is signed by."""
    return header_of(token)["kid"]


def password_hash() -> str:
    """Of PASSWORD, at the least cost."""
    global _password_hash
    if not _password_hash:
        _password_hash = PortalPasswords(**PASSWORD_COST).upgraded(PASSWORD, "") or ""
    return _password_hash
