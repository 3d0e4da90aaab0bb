"""Serves the whole service until it is interrupted: what `make run` does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql

from auth_tokens.domain.errors import Unavailable
from local.foreign import Refused, agree, named_by_environment
from local.gateway.request_log import RequestLog
from local.host.interrupts import Interrupts, noted_interrupts
from local.host.paths import LOGS, default_state_dir
from local.host.ports import DEFAULT_PORT, HOST, PortRefused, wanted_port
from local.options import GatewayOptions, ServerOptions
from local.parameters import given_parameters, unlike_template
from local.progress import Progress
from local.reads import Reference
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

# Its first line is the last step's. What it leaves out is on the page that it begins with.
_GUIDE = """everything serves

Begin at   {url}/   what runs, and how to use it
Account    {url}/pages/account   devices and sessions of whoever signs in
Security   {url}/pages/security  {operators}
API        {url}/_local/reference/{after}
{users}

Each request is one line from here on; what functions log is in {logs}. Ctrl-C ends it.
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
        PortRefused,
        Refused,
        TemplateError,
        Unavailable,
        ValueError,
    ),
    pymysql.err.MySQLError,
)


def run(progress: Progress) -> int:
    """Serves until SIGINT or SIGTERM. Returns 1 if it cannot start; raises KeyboardInterrupt if it is interrupted
    before it serves."""
    with noted_interrupts() as interrupts:
        try:
            with _only_one_run(default_state_dir()):
                _serve(wanted_port("make run", DEFAULT_PORT), progress, interrupts)
        except _FAILURES as exc:
            interrupts.look()  # a program that was just being started gets the signal as well
            print(f"make run: {exc}", file=sys.stderr)
            return 1
    return 0


def _serve(port: int, progress: Progress, interrupts: Interrupts) -> None:
    def tell(step: str) -> None:
        interrupts.look()
        progress(step)

    parameters = given_parameters(os.environ, f"http://{HOST}:{port}")
    if parameters:
        tell(f"settings: {', '.join(unlike_template(parameters)) or 'the defaults'}")
    existing = named_by_environment()
    is_own = existing is None or existing.is_own
    if existing and not is_own:
        agree(existing)
    servers = ServerOptions(
        database=existing.at if existing else None,
        proxy=ProxyOptions() if os.environ.get("PROXY") == "1" else None,
        portal_map=str(Path(os.environ["PORTAL_MAP"]).resolve()) if os.environ.get("PORTAL_MAP") else "",
        seeds=is_own,
        tell=tell,
    )
    state_dir = default_state_dir()
    gateway = GatewayOptions(port=port, log=RequestLog(sys.stderr, state_dir / LOGS))
    with LocalStack(parameters, servers=servers, gateway=gateway, state_dir=state_dir) as stack:
        assert stack.runner is not None
        with contextlib.ExitStack() as ends:
            ends.callback(Schedules(stack.runner).stop)
            ends.callback(Reloader(stack.specs, stack.runner).stop)
            tell(_guide(stack, seeded=is_own))
            print(f"ready {stack.base_url}", flush=True)
            interrupts.wait()


@contextlib.contextmanager
def _only_one_run(state_dir: Path) -> Iterator[None]:
    """Locks the data folder, which two runs must not share. The kernel releases the lock of a killed run."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "lock").open("w")
    except OSError as exc:
        raise CannotStart(
            f"the state folder {state_dir} cannot be used ({exc.strerror}); LOCAL_STATE_DIR names another"
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            mark = read_mark(state_dir)
            which = f" (process {mark.pid} at {mark.base_url})" if mark else ""
            raise CannotStart(f"another run is using {state_dir}{which}; stop it first") from exc
        yield


def _guide(stack: LocalStack, *, seeded: bool) -> str:
    label = stack.parameters["AdminLabel"]
    return _GUIDE.format(
        url=stack.base_url,
        operators=f"for operators (label {label}): figures, findings, events"
        if label
        else "off: AdminLabel is empty",
        after="" if Reference(stack.state_dir / "reference").has_renderer else "   after `make docs`",
        users=_users() if seeded else "Users      the Portal's own; none was added",
        logs=stack.state_dir / LOGS,
    )


def _users() -> str:
    """Who can sign in, and what only their tables are for."""
    lines = (f"  {user.username:18} {user.about}" for user in USERS)
    attacks = "Attacks    make traffic   in a second terminal: plants them, and shows what is found"
    return "\n".join((attacks, f"Users      password `{PASSWORD}`", *lines))
