"""Peers from package registries, started here for one run: each from its own lock file, in its own folder."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.host.ports import free_port
from local.host.processes import die_with_parent, stop
from local.servers.database.address import DatabaseAddress
from local.servers.database.private import private_server
from tests.conformance.peers.servers import CookieServer, SimpleJwtServer
from tests.conformance.servers import CodeServer, PasswordServer, Server

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
NODE = ROOT / ".venv-node" / "bin" / "node"
HOST = "127.0.0.1"
CLIENT = {"client_id": "conformance"}
READY_S = 60


class PeerFailed(Exception):
    """The peer did not start; the text says why."""


@dataclass(frozen=True, slots=True)
class Starter:
    """How a peer is started and, once it serves at a URL, how it is spoken to. arguments: the script, and its mode."""

    program: Path
    arguments: tuple[str, ...]
    server: Callable[[str, str], Server]
    has_own_memory: bool = False

    def command(self, last: str) -> list[str]:
        script, *mode = self.arguments
        return [str(self.program), str(HERE / script), *mode, last]


def _oidc_provider(url: str, name: str) -> Server:
    # Its memory holds 1000 objects, of which a session takes about ten.
    return CodeServer(url, name, "/token", "/token/revocation", CLIENT, sessions=25)


def _django_toolkit(url: str, name: str) -> Server:
    return PasswordServer(url, name, "/o/token/", "/o/revoke_token/", CLIENT)


def _simplejwt(url: str, name: str) -> Server:
    return SimpleJwtServer(url, name, "/token/refresh/", "/token/blacklist/")


def _authlib(url: str, name: str) -> Server:
    return PasswordServer(url, name, "/token", "/revoke", CLIENT)


def _better_auth(url: str, name: str) -> Server:
    return CookieServer(url, name, "/get-session", "/sign-out")


STARTERS = {
    "oidc-provider": Starter(NODE, ("oidc_provider.mjs", "opaque"), _oidc_provider, has_own_memory=True),
    "oidc-provider-jwt": Starter(NODE, ("oidc_provider.mjs", "jwt"), _oidc_provider, has_own_memory=True),
    "django-oauth-toolkit": Starter(PYTHON, ("django_toolkit.py", "own-defaults"), _django_toolkit),
    "django-oauth-toolkit-reuse-protection": Starter(
        PYTHON, ("django_toolkit.py", "reuse-protection"), _django_toolkit
    ),
    "simplejwt": Starter(PYTHON, ("simplejwt.py",), _simplejwt),
    "authlib": Starter(PYTHON, ("authlib_flask.py",), _authlib),
    "better-auth": Starter(NODE, ("better_auth.mjs",), _better_auth),
}
PEERS = tuple(STARTERS)


@contextlib.contextmanager
def started_peer(name: str, at: DatabaseAddress | None = None) -> Iterator[Server]:
    """A peer that serves, until the end. at: an empty schema for it; without one it has a server of its own, or its
    own memory. Raises PeerFailed, NoServer, DatabaseFailed."""
    starter, port = STARTERS[name], free_port()
    with contextlib.ExitStack() as opened:
        if at is None and not starter.has_own_memory:
            at = opened.enter_context(_database())
        _wait(opened.enter_context(running(starter.command(str(port)), environment(at))), port)
        yield starter.server(f"http://{HOST}:{port}", name)


def environment(at: DatabaseAddress | None) -> dict[str, str]:
    """What a starter reads."""
    inherited = {"PATH": os.environ["PATH"]}
    if at is None:
        return inherited
    return {
        **inherited,
        "PEER_DB_HOST": at.host,
        "PEER_DB_PORT": str(at.port),
        "PEER_DB_NAME": at.name,
        "PEER_DB_USER": at.user,
        "PEER_DB_PASSWORD": at.password,
    }


@contextlib.contextmanager
def _database() -> Iterator[DatabaseAddress]:
    with tempfile.TemporaryDirectory(prefix="aut-") as folder:
        server = private_server(Path(folder))
        try:
            server.start()
            server.wait()
            yield server.address
        finally:
            server.stop()


@contextlib.contextmanager
def running(
    command: list[str], variables: dict[str, str], stdin: int | None = None, stdout: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A starter's process, until the end. stdin, stdout: subprocess.PIPE where it is spoken through them.

    PeerFailed, raised within, gets the end of what the process has said.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=stdin,
            stdout=stdout or log,
            stderr=log,
            preexec_fn=die_with_parent(),
            start_new_session=True,
        )
        try:
            yield process
        except PeerFailed:
            log.seek(0)
            raise PeerFailed(log.read().decode(errors="replace")[-2000:]) from None
        finally:
            # Node from a wheel is a wrapper with the real one as its child: both go.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            stop(process, grace_s=5)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.1)
    raise PeerFailed
