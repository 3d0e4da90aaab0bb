"""`python -m benchmarks.refresh`: refresh, issue and validation on an own route, as library call and as a function with
an API event.

Beside them their floors: the least work that does the same, a few plain statements and one ES256 signature, without
any of the checks around them; of a validation its own SELECT, read by the driver. All ways take turns, one call each,
in one run. CPU is the client's, server apart.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import itertools
import json
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from auth_tokens.adapters.mysql.connection import Database
from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.mysql.token_table import SELECT_SESSION_AND_DENIAL
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.ids import uuid7
from auth_tokens.settings import Settings
from auth_tokens.usecases.issue import IssueRequest, issue
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from benchmarks import bench
from tests.support import wiring

ROOT = Path(__file__).parents[2]
CALLER = Caller("192.0.2.7", "benchmark")
# Everybody in turn: whoever signs in again and again has more and more sessions to be looked through.
_NEXT_USER = itertools.cycle([f"user-{number}" for number in range(1, bench.USERS + 1)])
WARM_UP = 30
# In turn, so that none refreshes often enough to be limited, or reported as an anomaly by one more statement.
SESSIONS = 200

CREATE_SESSIONS = """
CREATE TABLE floor_sessions (
  id BINARY(16) NOT NULL PRIMARY KEY, hash BINARY(32) NOT NULL, user_id VARCHAR(36) NOT NULL,
  generation INT NOT NULL, expires_at DATETIME(6) NOT NULL, KEY ix_user (user_id), KEY ix_expires (expires_at)
)
"""
CREATE_TOKENS = """
CREATE TABLE floor_tokens (
  hash BINARY(32) NOT NULL PRIMARY KEY, session_id BINARY(16) NOT NULL, used_at DATETIME(6) NULL,
  expires_at DATETIME(6) NOT NULL, KEY ix_session (session_id), KEY ix_expires (expires_at)
)
"""
INSERT_SESSION = "INSERT INTO floor_sessions VALUES (%s, %s, %s, 0, UTC_TIMESTAMP(6) + INTERVAL 14 DAY)"
INSERT_TOKEN = "INSERT INTO floor_tokens VALUES (%s, %s, NULL, UTC_TIMESTAMP(6) + INTERVAL 14 DAY)"
SWAP_HASH = """
UPDATE floor_sessions
SET hash = %s, generation = generation + 1, expires_at = UTC_TIMESTAMP(6) + INTERVAL 14 DAY
WHERE id = %s AND hash = %s
"""
SELECT_SESSION = "SELECT hash, user_id, generation, expires_at FROM floor_sessions WHERE id = %s"
LOCK_TOKEN = "SELECT session_id, used_at FROM floor_tokens WHERE hash = %s FOR UPDATE"
SPEND_TOKEN = "UPDATE floor_tokens SET used_at = UTC_TIMESTAMP(6) WHERE hash = %s"

_OWN_SELECT = PortalTables().sql(SELECT_SESSION_AND_DENIAL)
_ABSENT_ID = bytes(16)

Call = Callable[[], object]


class Floors:
    """Two connections (each statement a commit; commits of their own), tables and a key."""

    def __init__(self, settings: Settings) -> None:
        self.single, self.several = bench.connect(settings), bench.connect(settings)
        self.several.autocommit(False)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._session, self._hash, self._token = _new_id(), secrets.token_bytes(32), secrets.token_bytes(32)
        for statement in (CREATE_SESSIONS, CREATE_TOKENS):
            _execute(self.single, statement)
        _execute(self.single, INSERT_SESSION, self._session, self._hash, "user-1")
        _execute(self.single, INSERT_TOKEN, self._token, self._session)

    def refresh_1_trip(self) -> None:
        successor = secrets.token_bytes(32)
        assert _execute(self.single, SWAP_HASH, successor, self._session, self._hash) == 1
        self._hash = successor
        self._sign()

    def refresh_2_trips(self) -> None:
        _execute(self.single, SELECT_SESSION, self._session)
        self.refresh_1_trip()

    def refresh_4_trips(self) -> None:
        successor = secrets.token_bytes(32)
        _execute(self.several, LOCK_TOKEN, self._token)
        _execute(self.several, SPEND_TOKEN, self._token)
        _execute(self.several, INSERT_TOKEN, successor, self._session)
        self.several.commit()
        self._token = successor
        self._sign()

    def issue_1_trip(self) -> None:
        _execute(self.single, INSERT_SESSION, _new_id(), secrets.token_bytes(32), next(_NEXT_USER))
        self._sign()

    def issue_3_trips(self) -> None:
        session_id = _new_id()
        _execute(self.several, INSERT_SESSION, session_id, secrets.token_bytes(32), next(_NEXT_USER))
        _execute(self.several, INSERT_TOKEN, secrets.token_bytes(32), session_id)
        self.several.commit()
        self._sign()

    def own_select(self, session_id: bytes) -> None:
        """What a validation on an own route reads; the access token itself is none that was revoked."""
        values = {"id": session_id, "jti": _ABSENT_ID}
        with self.single.cursor() as cursor:
            cursor.execute(_OWN_SELECT, values)
            assert len(cursor.fetchall()) == 1

    def _sign(self) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://tokens.example.com",
            "aud": "portal",
            "sub": "user-1",
            "sid": "0199097c-5b1a-7000-8000-000000000000",
            "jti": secrets.token_hex(16),
            "client_id": bench.CLIENT,
            "scope": bench.SCOPE,
            "iat": now,
            "exp": now + 600,
        }
        return jwt.encode(claims, self._key, "ES256", {"kid": "floor", "typ": "at+jwt"})


class Service:
    """The use cases, called as a library."""

    def __init__(self, settings: Settings) -> None:
        shared = bench.parts(settings)
        self.database = shared.database
        self._deps = wiring.issuing(shared)
        self._validation = wiring.sessions(shared).validation
        self._tokens = deque(self._issue() for _ in range(SESSIONS))
        answer = issue(IssueRequest(next(_NEXT_USER), ("pwd",)), CALLER, self._deps)
        self.session_id = bytes.fromhex(answer.session_id.replace("-", ""))
        self._credential = Credential(Transport.BEARER, answer.access_token or "")

    def validate(self) -> None:
        validate(self._credential, self._validation)

    def refresh(self) -> None:
        answer = refresh(RefreshRequest(self._tokens.popleft()), CALLER, self._deps)
        self._tokens.append(answer.token)

    def issue(self) -> None:
        self._issue()

    def _issue(self) -> str:
        return issue(IssueRequest(next(_NEXT_USER), ("pwd",)), CALLER, self._deps).token


class Function:
    """A function's handler with the event that API Gateway would send; its log lines go nowhere."""

    def __init__(self, name: str, event: str) -> None:
        path = ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
        assert spec is not None and spec.loader is not None
        self._module: Any = importlib.util.module_from_spec(spec)
        with contextlib.redirect_stdout(io.StringIO()):  # where its logger then writes
            spec.loader.exec_module(self._module)
        self.database: Database = self._module.SHARED.database
        self._event = json.loads((ROOT / "events" / name / f"{event}.json").read_text("utf-8"))

    def handle(self, **changes: object) -> dict[str, Any]:
        """The handler's answer to the event with these changes."""
        answer: dict[str, Any] = self._module.handler({**self._event, **changes}, None)
        return answer

    def call(self, **changes: object) -> dict[str, Any]:
        """The body of an answer 200."""
        answer = self.handle(**changes)
        assert answer["statusCode"] == 200, answer
        body: dict[str, Any] = json.loads(answer["body"])
        return body


class Functions:
    """Refresh and issue behind the API."""

    def __init__(self, settings: Settings) -> None:
        os.environ.update(_environment(settings))
        self.refreshing = Function("refresh", "refresh")
        self.issuing = Function("issue", "trusted_issue")
        self._tokens = deque(self._issue()["refresh_token"] for _ in range(SESSIONS))
        self.own_route = Function("sessions", "session")
        self._headers = {"authorization": f"Bearer {self._issue()['access_token']}"}

    def validate(self) -> None:
        self.own_route.call(headers=self._headers)

    def refresh(self) -> None:
        body = f"grant_type=refresh_token&refresh_token={quote(self._tokens.popleft())}"
        self._tokens.append(self.refreshing.call(body=body)["refresh_token"])

    def issue(self) -> None:
        self._issue()

    def _issue(self) -> dict[str, Any]:
        return self.issuing.call(body=json.dumps({"user_id": next(_NEXT_USER), "amr": ["pwd"]}))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refresh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000, help="live sessions in the table beforehand")
    arguments = parser.parse_args()
    with bench.server() as server:
        settings = server.schema("refresh")
        bench.fill(settings, arguments.rows, ended=False)
        floors, service, functions = Floors(settings), Service(settings), Functions(settings)
        refreshes = {
            "floor, 2 trips": (floors.refresh_2_trips, floors.single),
            "floor, 4 trips": (floors.refresh_4_trips, floors.several),
            "floor, 1 trip": (floors.refresh_1_trip, floors.single),
            "refresh, library call": (service.refresh, service.database),
            "refresh, function with an API event": (functions.refresh, functions.refreshing.database),
        }
        issues = {
            "floor, 1 trip": (floors.issue_1_trip, floors.single),
            "floor, 3 trips": (floors.issue_3_trips, floors.several),
            "issue, library call": (service.issue, service.database),
            "issue, function with an API event": (functions.issue, functions.issuing.database),
        }
        validations = {
            "floor, its SELECT": (lambda: floors.own_select(service.session_id), floors.single),
            "own route, library call": (service.validate, service.database),
            "own route, function with an API event": (functions.validate, functions.own_route.database),
        }
        print(f"\n{arguments.rows:,} rows; {arguments.rounds} calls each and run, in turns. ", end="")
        groups = (refreshes, issues, validations)
        rows = [row for group in groups for row in _compared(group, arguments)]
        titles = (
            "what",
            "statements",
            "p50 ms",
            "p95 ms",
            "of the floor",
            "in each run",
            "CPU p50 ms",
            "CPU of the floor's",
        )
        print(f"{bench.circumstances(settings)}.\n\n{bench.table(titles, rows)}")
    return 0


def _compared(
    ways: Mapping[str, tuple[Call, Any]], arguments: argparse.Namespace
) -> list[tuple[object, ...]]:
    """The first way is what the others are compared with."""
    runs: list[dict[str, list[float]]] = []
    used: dict[str, list[float]] = {name: [] for name in ways}
    for call, _ in ways.values():
        for _ in range(WARM_UP):
            call()
    for _ in range(arguments.repeat):
        timed: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, (call, _) in ways.items():
                started, cpu_s = time.perf_counter(), time.thread_time()
                call()
                used[name].append((time.thread_time() - cpu_s) * 1000)
                timed[name].append((time.perf_counter() - started) * 1000)
        runs.append(timed)
    first = next(iter(ways))
    lines: list[tuple[object, ...]] = []
    for name, (call, database) in ways.items():
        every = [value for timed in runs for value in timed[name]]
        floor = bench.median([value for timed in runs for value in timed[first]])
        ratios = [bench.median(timed[name]) / bench.median(timed[first]) for timed in runs]
        lines.append(
            (
                name,
                _statements(call, database),
                f"{bench.median(every):.2f}",
                f"{bench.quantile(every, 0.95):.2f}",
                f"{bench.median(every) / floor:.2f}",
                ", ".join(f"{ratio:.2f}" for ratio in ratios),
                f"{bench.median(used[name]):.2f}",
                f"{bench.median(used[name]) / bench.median(used[first]):.2f}",
            )
        )
    return lines


def _statements(call: Call, database: Any) -> int:
    """Those of one call, by the server's own count."""
    before = _questions(database)
    call()
    return _questions(database) - before - 1


def _questions(database: Any) -> int:
    statement = "SHOW SESSION STATUS LIKE 'Questions'"
    if isinstance(database, Database):
        return int(database.query(statement)[0]["Value"])
    with database.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchall()[0]["Value"])


def _execute(connection: Any, statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute(statement, values or None))


def _new_id() -> bytes:
    return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def _environment(settings: Settings) -> dict[str, str]:
    names = (
        "issuer",
        "audience",
        "db_host",
        "db_name",
        "db_user",
        "db_password",
        "db_auth",
        "db_tls",
        "kms_key_id",
    )
    values = {name.upper(): str(getattr(settings, name)) for name in names}
    return {
        **values,
        "DB_PORT": str(settings.db_port),
        "CLIENTS": json.dumps({bench.CLIENT: bench.SCOPE.split(" ")}),
        "POWERTOOLS_SERVICE_NAME": wiring.SERVICE,
    }


if __name__ == "__main__":
    sys.exit(main())
