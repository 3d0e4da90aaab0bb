"""Peers from package registries, started here for one run: each from its own lock file, in its own folder."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from local.host.ports import free_port
from local.host.processes import die_with_parent, stop
from local.servers.database.private import private_server
from tests.conformance.servers import CodeServer, OAuthServer, PasswordServer, Server

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
NODE = ROOT / ".venv-node" / "bin" / "node"
HOST = "127.0.0.1"
CLIENT = {"client_id": "conformance"}
READY_S = 60

DJANGO = "django-oauth-toolkit"
DJANGO_PROTECTED = "django-oauth-toolkit-reuse-protection"
OIDC_PROVIDER = "oidc-provider"
PEERS = (DJANGO, DJANGO_PROTECTED, OIDC_PROVIDER)


class PeerFailed(Exception):
    """The peer did not start; the text says why."""


@contextlib.contextmanager
def started_peer(name: str) -> Iterator[Server]:
    """A peer that serves, until the end. Raises PeerFailed, NoServer, DatabaseFailed."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    if name == OIDC_PROVIDER:
        with _child([str(NODE), str(HERE / "oidc_provider.mjs"), str(port)], {}, port):
            # Its memory holds 1000 objects, of which a session takes about ten.
            yield CodeServer(url, name, "/token", "/token/revocation", CLIENT, sessions=25)
        return
    mode = "reuse-protection" if name == DJANGO_PROTECTED else "own-defaults"
    with _database() as variables:
        command = [str(PYTHON), str(HERE / "django_toolkit.py"), str(port), mode]
        with _child(command, variables, port):
            yield _django(url, name)


def _django(url: str, name: str) -> OAuthServer:
    return PasswordServer(url, name, "/o/token/", "/o/revoke_token/", CLIENT)


@contextlib.contextmanager
def _database() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="aut-") as folder:
        server = private_server(Path(folder))
        try:
            server.start()
            server.wait()
            at = server.address
            yield {
                "PEER_DB_HOST": at.host,
                "PEER_DB_PORT": str(at.port),
                "PEER_DB_NAME": at.name,
                "PEER_DB_USER": at.user,
                "PEER_DB_PASSWORD": at.password,
            }
        finally:
            server.stop()


@contextlib.contextmanager
def _child(command: list[str], variables: dict[str, str], port: int) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(HERE / "node_modules"), **variables},
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),
            start_new_session=True,
        )
        try:
            _wait(process, port)
            yield
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
