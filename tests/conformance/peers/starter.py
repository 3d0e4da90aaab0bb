"""What the Python starters share: a peer's WSGI application is served on a port, or called in process by the benchmark.

Runs in the peers' own virtual environment, so it imports nothing of this project.
"""

import io
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol
from urllib.parse import urlencode

USER = {"username": "conformance", "password": "correct horse battery staple"}
CLIENT_ID = "conformance"
LINES = "lines"
THREADS = 8
# In turn, so that no row is written again while it is still in the processor's cache.
SESSIONS = 200

Application = Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]


def database() -> dict[str, str]:
    """host, port, name, user and password, from the environment."""
    return {key: os.environ[f"PEER_DB_{key.upper()}"] for key in ("host", "port", "name", "user", "password")}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one session."""

    refresh: str = field(repr=False)
    access: str = field(repr=False)


class Peer(Protocol):
    """A peer's three operations, each one call of its WSGI application."""

    def sign_in(self) -> Tokens: ...

    def refresh(self, token: str) -> Tokens: ...

    def validate(self, access_token: str) -> None:
        """The peer's own protected route."""
        ...


class InProcess:
    """Calls a WSGI application as its server would, without a socket."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def form(self, path: str, **fields: str) -> dict[str, Any]:
        return self._call("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def json(self, path: str, **fields: str) -> dict[str, Any]:
        return self._call("POST", path, json.dumps(fields).encode(), "application/json")

    def get(self, path: str, access_token: str) -> dict[str, Any]:
        return self._call("GET", path, b"", "", HTTP_AUTHORIZATION=f"Bearer {access_token}")

    def _call(self, method: str, path: str, body: bytes, content_type: str, **headers: str) -> dict[str, Any]:
        statuses: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **headers,
        }
        response = self._application(environ, lambda status, _, __=None: statuses.append(status))
        try:
            content = b"".join(response)
        finally:
            getattr(response, "close", lambda: None)()
        assert statuses[0].startswith("200"), (statuses[0], content)
        parsed: dict[str, Any] = json.loads(content)
        return parsed


class PasswordClient:
    """A peer with the password grant and refresh in OAuth's form, and a protected route at /protected."""

    def __init__(self, application: Application, token_path: str) -> None:
        self._calls = InProcess(application)
        self._token_path = token_path

    def sign_in(self) -> Tokens:
        return self._token(grant_type="password", scope="read", **USER)

    def refresh(self, token: str) -> Tokens:
        return self._token(grant_type="refresh_token", refresh_token=token)

    def validate(self, access_token: str) -> None:
        self._calls.get("/protected", access_token)

    def _token(self, **fields: str) -> Tokens:
        body = self._calls.form(self._token_path, client_id=CLIENT_ID, **fields)
        return Tokens(body["refresh_token"], body["access_token"])


def run(application: Application, peer: Peer, packages: Iterable[str]) -> None:
    """Serves until it is ended, or answers lines until there are no more: as the last argument says."""
    if sys.argv[-1] == LINES:
        _answer_lines(peer, packages)
        return
    from waitress import serve

    serve(
        application,
        host="127.0.0.1",
        port=int(sys.argv[-1]),
        threads=THREADS,
        backlog=512,
        connection_limit=512,
    )


def _answer_lines(peer: Peer, packages: Iterable[str]) -> None:
    """First a line with the versions; then for each line {"operation", "count"} one {"ms": [...], "cpu_ms": total}."""
    answers, sys.stdout = sys.stdout, sys.stderr
    sessions = deque(peer.sign_in() for _ in range(SESSIONS))

    def refresh() -> None:
        sessions.append(peer.refresh(sessions.popleft().refresh))

    def validate() -> None:
        sessions.rotate(-1)
        peer.validate(sessions[-1].access)

    calls: dict[str, Callable[[], object]] = {
        "issue": peer.sign_in,
        "refresh": refresh,
        "validate": validate,
    }
    print(json.dumps({name: version(name) for name in packages}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(timed(calls[asked["operation"]], asked["count"])), file=answers, flush=True)


def timed(call: Callable[[], object], count: int) -> dict[str, Any]:
    """Calls so often: `ms` of each call, and `cpu_ms` of all, which this process used."""
    taken: list[float] = []
    cpu_began_ns = time.process_time_ns()
    for _ in range(count):
        began_ns = time.perf_counter_ns()
        call()
        taken.append((time.perf_counter_ns() - began_ns) / 1e6)
    return {"ms": taken, "cpu_ms": (time.process_time_ns() - cpu_began_ns) / 1e6}
