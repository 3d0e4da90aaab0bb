"""Portals on a real server: the mappings that the project has as examples, tables that they fit, and their users."""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auth_tokens.adapters.mysql.portal import PortalTables, id_value
from auth_tokens.adapters.portal_map import read_mapping
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.settings import Settings
from tests.support.world import World, password_hash

FOLDER = Path(__file__).parents[2] / "portal"
EXAMPLES = {path.stem: read_mapping(path) for path in sorted(FOLDER.glob("*.json"))}

# Statements as they are for local mode's own tables.
own_sql = PortalTables().sql

# As Knex makes them; its table of tokens has the name of one of ours.
KNEX_INTEGER = (
    """
CREATE TABLE {0}.auth_users (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email VARCHAR(255) NOT NULL,
  password VARCHAR(255) NOT NULL,
  is_active TINYINT(1) NOT NULL DEFAULT 1,
  deleted_at DATETIME NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  password_changed_at TIMESTAMP NULL,
  UNIQUE KEY auth_users_email_unique (email)
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1""",
    """
CREATE TABLE {0}.user_config (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  preferences JSON NULL,
  UNIQUE KEY user_config_user_id_unique (user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4""",
    """
CREATE TABLE {0}.auth_labels (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(64) NOT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1""",
    """
CREATE TABLE {0}.auth_user_label (
  user_id INT UNSIGNED NOT NULL,
  label_id INT UNSIGNED NOT NULL,
  PRIMARY KEY (user_id, label_id)
) ENGINE=InnoDB""",
    """
CREATE TABLE {0}.auth_user_tokens (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id INT UNSIGNED NOT NULL,
  token VARCHAR(255) NOT NULL UNIQUE,
  type VARCHAR(32) NOT NULL,
  user_agent VARCHAR(255) NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at TIMESTAMP NULL,
  revoked_at TIMESTAMP NULL
) ENGINE=InnoDB""",
)
UUID_BYTES = (
    """
CREATE TABLE {0}.users (
  id BINARY(16) NOT NULL PRIMARY KEY,
  username VARCHAR(191) NOT NULL UNIQUE,
  password_hash VARCHAR(255) NOT NULL,
  status ENUM('active', 'blocked') NOT NULL DEFAULT 'active',
  deleted_at DATETIME NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4""",
    """
CREATE TABLE {0}.user_settings (
  user_id BINARY(16) NOT NULL,
  name VARCHAR(64) NOT NULL,
  value VARCHAR(255) NULL,
  PRIMARY KEY (user_id, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1""",
    """
CREATE TABLE {0}.refresh_tokens (
  id BINARY(16) NOT NULL PRIMARY KEY,
  user_id BINARY(16) NOT NULL,
  token_hash BINARY(32) NOT NULL UNIQUE,
  is_revoked TINYINT(1) NOT NULL DEFAULT 0,
  expires_at DATETIME NOT NULL
) ENGINE=InnoDB""",
    """
CREATE TABLE {0}.user_labels (
  user_id BINARY(16) NOT NULL,
  label VARCHAR(64) NOT NULL,
  PRIMARY KEY (user_id, label)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4""",
)


class PortalWorld(World):
    """A world whose Portal has a schema of its own."""

    def __init__(self, settings: Settings, kind: "PortalKind", schema: str) -> None:
        self.kind = kind
        self.schema = schema
        super().__init__(settings)

    def user(self, **config: int) -> str:
        """config: preferences that the kind's mapping names."""
        name = f"u{uuid.uuid4().hex[:12]}@example.com"
        user_id = self.kind.new_id()
        stored = None if user_id is None else id_value(self.kind.form, user_id)
        columns = {"knex-integer": "email, password"}.get(self.kind.file, "username, password_hash")
        table = self.kind.users
        self.sql(
            f"INSERT INTO {self.schema}.{table} (id, {columns}) VALUES (%s, %s, %s)",
            stored,
            name,
            password_hash(),
        )
        if config:
            self.kind.prefer(self, name, config)
        return name

    def stored_id(self, name: str) -> object:
        """The user's id as the Portal keeps it."""
        column = "email" if self.kind.file == "knex-integer" else "username"
        [row] = self.sql(f"SELECT id FROM {self.schema}.{self.kind.users} WHERE {column} = %s", name)
        return row["id"]

    def user_id(self, name: str) -> str:
        stored = self.stored_id(name)
        if not isinstance(stored, bytes):
            return str(stored)
        if self.kind.form is IdForm.UUID_BYTES_SWAPPED:
            stored = stored[4:8] + stored[2:4] + stored[:2] + stored[8:]
        return str(uuid.UUID(bytes=stored))

    def disable(self, name: str) -> None:
        change = "is_active = 0" if self.kind.file == "knex-integer" else "status = 'blocked'"
        self._change(name, change)

    def delete_softly(self, name: str) -> None:
        self._change(name, "deleted_at = UTC_TIMESTAMP()")

    def label(self, name: str, label: str) -> None:
        stored = self.stored_id(name)
        if self.kind.file == "knex-integer":
            self.sql(f"INSERT IGNORE INTO {self.schema}.auth_labels (name) VALUES (%s)", label)
            self.sql(
                f"INSERT INTO {self.schema}.auth_user_label SELECT %s, id FROM {self.schema}.auth_labels"
                " WHERE name = %s",
                stored,
                label,
            )
        else:
            self.sql(f"INSERT INTO {self.schema}.user_labels VALUES (%s, %s)", stored, label)

    def _change(self, name: str, change: str) -> None:
        self.sql(f"UPDATE {self.schema}.{self.kind.users} SET {change} WHERE id = %s", self.stored_id(name))


def _prefer_in_json(world: PortalWorld, name: str, config: dict[str, Any]) -> None:
    names = {"max_sessions": "maxSessions", "remember_devices": "remember"}
    document = {"auth": {names[key]: value for key, value in config.items()}, "theme": "dark"}
    sql = f"INSERT INTO {world.schema}.user_config (user_id, preferences) VALUES (%s, %s)"
    world.sql(sql, world.stored_id(name), json.dumps(document))


def _prefer_in_rows(world: PortalWorld, name: str, config: dict[str, Any]) -> None:
    keys = {"max_sessions": "auth.max_sessions", "access_ttl_s": "auth.access_ttl_s"}
    for key, value in config.items():
        sql = f"INSERT INTO {world.schema}.user_settings VALUES (%s, %s, %s)"
        world.sql(sql, world.stored_id(name), keys[key], str(value))


@dataclass(frozen=True)
class PortalKind:
    """A Portal: the example of its mapping, its tables, how it makes ids (None: the server does)."""

    file: str
    form: IdForm
    users: str
    tables: Sequence[str]
    new_id: Callable[[], str | None]
    prefer: Callable[[PortalWorld, str, dict[str, Any]], None]

    def document(self, schema: str) -> dict[str, Any]:
        """Its mapping with the schema of a test."""
        document: dict[str, Any] = json.loads((FOLDER / f"{self.file}.json").read_text("utf-8"))
        document["schema"] = schema
        document["users"]["id"]["as"] = self.form.value
        return document


def _uuid() -> str:
    return str(uuid.uuid4())


UUID_TEXT = tuple(table.replace("BINARY(16)", "VARCHAR(36) CHARACTER SET latin1") for table in UUID_BYTES)

KINDS = {
    "text": PortalKind("uuid-bytes", IdForm.TEXT, "users", UUID_TEXT, _uuid, _prefer_in_rows),
    "integer": PortalKind(
        "knex-integer", IdForm.INTEGER, "auth_users", KNEX_INTEGER, lambda: None, _prefer_in_json
    ),
    "uuid-bytes": PortalKind("uuid-bytes", IdForm.UUID_BYTES, "users", UUID_BYTES, _uuid, _prefer_in_rows),
    "uuid-bytes-swapped": PortalKind(
        "uuid-bytes", IdForm.UUID_BYTES_SWAPPED, "users", UUID_BYTES, _uuid, _prefer_in_rows
    ),
}


@contextlib.contextmanager
def portal_world(
    world: World, kind: PortalKind, folder: Path, *, migrated: bool = True
) -> Iterator[PortalWorld]:
    """A world of a kind beside another, whose server and settings it takes, with two schemas of its own."""
    own, schema = (f"{world.settings.db_name}_{part}{uuid.uuid4().hex[:6]}" for part in "op")
    try:
        for name in (own, schema):
            world.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        for statement in kind.tables:
            world.sql(statement.format(schema))
        file = folder / f"{schema}.json"
        file.write_text(json.dumps(kind.document(schema)))
        made = PortalWorld(replace(world.settings, db_name=own, portal_map=str(file)), kind, schema)
        if migrated:
            made.migrated()
        yield made
    finally:
        for name in (own, schema):
            world.sql(f"DROP DATABASE IF EXISTS {name}")
