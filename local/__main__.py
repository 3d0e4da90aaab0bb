"""`make run`: serves the whole service until it is interrupted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pymysql

from auth_tokens.domain.errors import Unavailable
from local.foreign import Refused, agree, named_by_environment
from local.host.paths import default_state_dir
from local.host.ports import DEFAULT_PORT, HOST, port_number
from local.http.sigv4 import LOCAL_ROLE_KEY
from local.options import GatewayOptions, ServerOptions
from local.runners import FunctionError
from local.runners.reload import Reloader
from local.runners.scheduler import Schedules
from local.running import NotFound, read_mark
from local.seed import PASSWORD, USERS
from local.servers.database.program import NoServer
from local.servers.database.server import DatabaseFailed
from local.servers.rds_proxy.options import ProxyOptions
from local.stack import LocalStack
from local.templates.intrinsics import TemplateError

_GUIDE = """
{users}
IAM routes: SigV4 with key `local`, secret `local-secret`, region eu-west-1, service execute-api:
  curl --aws-sigv4 aws:amz:eu-west-1:execute-api --user local:local-secret …
  as an assumed role, like most callers on AWS: --user {role.access_key}:{role.secret_key}
  -H 'X-Amz-Security-Token: {role.session_token}'
Another team's API behind the authorizer: {url}/examples/http/jobs, {url}/examples/rest/jobs
  and the WebSocket {socket}/examples/socket
Any function by an event: POST {url}/_local/invoke/FUNCTION
Metrics: {url}/_local/metrics
Reference of the API, after `make docs`: {url}/_local/reference/
Logs: {logs}
"""


class CannotStart(Exception):
    """Nothing can be served. The text says why, and what to do."""


_FAILURES = (
    *(
        CannotStart,
        DatabaseFailed,
        FunctionError,
        NoServer,
        NotFound,
        OSError,
        Refused,
        TemplateError,
        Unavailable,
        ValueError,
    ),
    pymysql.err.MySQLError,
)


def main() -> int:
    """Serves until SIGINT or SIGTERM. Returns 1 if it cannot start."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with _only_one_run(default_state_dir()):
            _serve(_port(), stopped)
    except _FAILURES as exc:
        print(f"make run: {exc}", file=sys.stderr)
        return 1
    return 0


def _serve(port: int, stopped: threading.Event) -> None:
    existing = named_by_environment()
    is_own = existing is None or existing.is_own
    if existing and not is_own:
        agree(existing)
    servers = ServerOptions(
        database=existing.at if existing else None,
        proxy=ProxyOptions() if os.environ.get("PROXY") == "1" else None,
        portal_map=str(Path(os.environ["PORTAL_MAP"]).resolve()) if os.environ.get("PORTAL_MAP") else "",
        seeds=is_own,
    )
    origins = {"AllowedOrigins": os.environ.get("ORIGINS", "")}
    with LocalStack(
        origins, servers=servers, gateway=GatewayOptions(port=port), state_dir=default_state_dir()
    ) as stack:
        assert stack.runner is not None
        schedules = Schedules(stack.runner)
        reloader = Reloader(stack.specs, stack.runner)
        _show_guide(stack, seeded=is_own)
        print(f"ready {stack.base_url}", flush=True)
        stopped.wait()
        reloader.stop()
        schedules.stop()


def _port() -> int:
    text = os.environ.get("PORT", "")
    port = port_number(text) if text else DEFAULT_PORT
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            raise CannotStart(f"port {port} is taken; choose another: make run PORT=3001") from exc
    return port


@contextlib.contextmanager
def _only_one_run(state_dir: Path) -> Iterator[None]:
    """Locks the data folder, which two runs must not share. The kernel releases the lock of a killed run."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            mark = read_mark(state_dir)
            which = f" (process {mark.pid} at {mark.base_url})" if mark else ""
            raise CannotStart(f"another run is using {state_dir}{which}; stop it first") from exc
        yield


def _show_guide(stack: LocalStack, *, seeded: bool) -> None:
    users = _users() if seeded else "Users: the Portal's own. None was added."
    logs = stack.state_dir / "logs"
    url = stack.base_url
    socket_url = url.replace("http", "ws", 1)
    guide = _GUIDE.format(users=users, role=LOCAL_ROLE_KEY, url=url, socket=socket_url, logs=logs)
    print(guide, file=sys.stderr)


def _users() -> str:
    lines = (f"  {user.username:20} {_about(user)}".rstrip() for user in USERS)
    return "\n".join((f"Users (password `{PASSWORD}`):", *lines))


def _about(user: object) -> str:
    parts = [*getattr(user, "labels", ()), *(f"{k}={v}" for k, v in getattr(user, "config", ()))]
    if getattr(user, "status", "") != "active":
        parts.append(str(getattr(user, "status", "")))
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
