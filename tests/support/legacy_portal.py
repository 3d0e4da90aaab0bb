"""The Portal before it moves (tests/portal/portal.mjs, by Knex, Objection and mysql2), driven from here, and the
mappings that fit its three schemas."""

import base64
import contextlib
import itertools
import json
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.servers.database.address import DatabaseAddress

FOLDER = Path(__file__).parents[1] / "portal"
NODE = Path(__file__).parents[2] / ".venv-node" / "bin" / "node"
ANSWER_S = 30
# The hash of no password: nobody signs in by it, and it must not change.
PASSWORD_HASH = "$2b$10$" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
# In the zone of the people who use the Portal.
ZONE = "+02:00"


@dataclass(frozen=True, slots=True)
class Shape:
    """One of the three schemas. members: of the mapping, but for the schema's name and the section of tokens."""

    members: Mapping[str, Any]
    legacy: Mapping[str, Any]
    password: str


_USERS = {
    "table": "auth_users",
    "name": {"column": "username"},
    "password": {"column": "password_hash", "upgrade": False},
    "active": [{"column": "status", "is": "active"}],
    "created": {"column": "created_at"},
}
_LABELS = {"table": "auth_user_label", "user": "user_id", "label": "label"}
_PREFERENCES = {
    "table": "user_config",
    "user": "user_id",
    "json": "preferences",
    "paths": {"max_sessions": "$.auth.maxSessions", "remember_devices": "$.auth.remember"},
}
_TYPES = {"column": "type", "refresh": ["refresh"], "device": ["device"]}

SHAPES = {
    "integer": Shape(
        {
            "users": {
                **_USERS,
                "id": {"column": "id", "as": "integer"},
                "name": {"column": "email"},
                "password": {"column": "password", "upgrade": False},
                "active": [{"column": "is_active", "is": 1}, {"column": "deleted_at", "is": None}],
                "tokens_valid_after": {"column": "password_changed_at", "time": "timestamp"},
            },
            "preferences": _PREFERENCES,
            "labels": _LABELS,
        },
        {
            "token": {"column": "token", "stored": "sha256-hex", "shape": "[0-9a-f]{80}"},
            "type": _TYPES,
            "live": [{"column": "revoked_at", "is": None}],
            "ends": {"column": "expires_at", "time": "timestamp", "kind": "absolute"},
            "created": {"column": "created_at", "time": "timestamp", "is_sign_in": True},
            "mark": {"column": "expires_at", "set": "now"},
            "seen_again": "end",
        },
        "password",
    ),
    "text": Shape(
        {
            "users": {**_USERS, "id": {"column": "id", "as": "text"}},
            "preferences": _PREFERENCES,
            "labels": _LABELS,
        },
        {
            "token": {"column": "token", "stored": "plain", "shape": "[A-Za-z0-9_-]{64}"},
            "type": _TYPES,
            "live": [{"column": "status", "is": "active"}],
            "ends": {"column": "expires_at", "time": {"datetime": ZONE}, "kind": "absolute"},
            "created": {"column": "created_at", "time": {"datetime": ZONE}, "is_sign_in": False},
            "mark": {"column": "expires_at", "set": "now"},
            "seen_again": "end",
        },
        "password_hash",
    ),
    "bytes": Shape(
        {
            "users": {**_USERS, "id": {"column": "id", "as": "uuid-bytes"}},
            "preferences": _PREFERENCES,
            "labels": _LABELS,
        },
        {
            "type": {"all": "refresh"},
            "live": [{"column": "is_revoked", "is": 0}],
            "ends": {"column": "expires_at", "time": "epoch-s", "kind": "idle"},
            "mark": {"column": "is_revoked", "set": 1},
            "seen_again": "refuse",
        },
        "password_hash",
    ),
}


@dataclass(frozen=True, slots=True)
class LegacyWindow:
    """When tokens are accepted: RFC 3339."""

    accept_from: str = "2000-01-01T00:00:00Z"
    accept_until: str = "2100-01-01T00:00:00Z"


def mapping(
    shape: str,
    schema: str,
    wrapped_secret: bytes = b"",
    window: LegacyWindow = LegacyWindow(),
    **members: Any,
) -> dict[str, Any]:
    """The mapping of one of the SHAPES in a schema. wrapped_secret: ciphertext of the Portal's HMAC key, where the
    shape has one; members: of legacy_tokens, instead of the shape's."""
    chosen = SHAPES[shape]
    token = {
        "column": "token",
        "stored": {"hmac-sha256": "raw", "secret": {"kms": base64.b64encode(wrapped_secret).decode()}},
        "shape": "[0-9a-f]{64}",
    }
    legacy = {
        "table": "auth_user_tokens",
        "id": "id",
        "user": "user_id",
        "token": token,
        "client": {"default": "portal-web"},
        "device_name": "user_agent",
        "accept_from": window.accept_from,
        "accept_until": window.accept_until,
        **chosen.legacy,
        **members,
    }
    return {"version": 1, "schema": schema, **chosen.members, "legacy_tokens": legacy}


@dataclass
class LegacyPortal:
    """A running Portal. Calls run side by side, as in any Node process."""

    shape: str
    address: DatabaseAddress
    secret: bytes = b""
    _people: int = 0
    _ids: Iterator[int] = field(default_factory=itertools.count)
    _waiting: dict[int, "Future[Any]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at = {
            "shape": self.shape,
            "host": self.address.host,
            "port": self.address.port,
            "user": self.address.user,
            "password": self.address.password,
            "schema": self.address.name,
            "zone": ZONE,
            "secret": self.secret.hex(),
        }
        self._process = subprocess.Popen(
            [NODE, FOLDER / "portal.mjs", json.dumps(at)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, call: str, **members: Any) -> "Future[Any]":
        """Begins a call of portal.mjs."""
        answer: Future[Any] = Future()
        assert self._process.stdin is not None
        with self._lock:
            number = next(self._ids)
            self._waiting[number] = answer
            self._process.stdin.write(json.dumps({"id": number, "call": call, "with": members}) + "\n")
            self._process.stdin.flush()
        return answer

    def call(self, call: str, **members: Any) -> Any:
        """Makes one, and returns its result."""
        return self.start(call, **members).result(ANSWER_S)

    def people(self, count: int) -> list[str]:
        """New users; their ids in canonical text."""
        first, self._people = self._people, self._people + count
        ids: list[str] = self.call("addUsers", **{"from": first, "count": count, "password": PASSWORD_HASH})
        return ids

    def sign_in(self, user: str, **members: Any) -> str:
        """A new token of a user's."""
        token: str = self.call("issue", user=user, **members)
        return token

    def is_in_force(self, token: str) -> bool:
        return bool(self.call("isInForce", token=token))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(ANSWER_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            answer = self._waiting.pop(said["id"])
            if "error" in said:
                answer.set_exception(RuntimeError(said["error"]))
            else:
                answer.set_result(said["result"])
        for answer in self._waiting.values():
            answer.set_exception(RuntimeError("the Portal has ended"))


@contextlib.contextmanager
def running_portal(shape: str, address: DatabaseAddress, secret: bytes = b"") -> Iterator[LegacyPortal]:
    """A Portal with its tables, in an empty schema."""
    portal = LegacyPortal(shape, address, secret)
    try:
        portal.call("createTables")
        yield portal
    finally:
        portal.close()


def written(document: Mapping[str, Any], folder: Path) -> Path:
    """A mapping as a file."""
    path = folder / f"{uuid.uuid4().hex}.json"
    path.write_text(json.dumps(document), "utf-8")
    return path
