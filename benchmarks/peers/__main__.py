"""`make bench-peers`: ours beside other token servers, each called in process with its framework, on one database.

First what each does with refresh tokens, seen from outside over HTTP. Then how long a sign-in without its password
hash, a refresh and a validation take, in blocks that take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import bench
from benchmarks.peers import abilities
from benchmarks.peers.child import Child, child
from benchmarks.peers.ours import FUNCTION, SEEN_FIRST, Ours
from benchmarks.peers.ways import TITLES, Way, in_turns, lines
from local.options import RunnerOptions, ServerOptions
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.conformance.peers.start import NODE, STARTERS, started_peer
from tests.conformance.servers import Server, local_server
from tests.support.throttles import UNTHROTTLED

ENVIRONMENTS = 4
BLOCK = 10
NAMES = {
    "oidc-provider": "oidc-provider, opaque access tokens",
    "oidc-provider-jwt": "oidc-provider, JWT access tokens (ES256)",
    "simplejwt": "simplejwt, blacklist and rotation (HS256)",
    "authlib": "Authlib, Flask, SQLAlchemy",
    "django-oauth-toolkit": "django-oauth-toolkit, own defaults",
    "django-oauth-toolkit-reuse-protection": "django-oauth-toolkit, reuse protection",
    "better-auth": "better-auth",
}
# They differ from another row in what the one table is not about.
UNOBSERVED, UNTIMED = {"oidc-provider-jwt"}, {"django-oauth-toolkit"}
OPERATIONS = {"issue", "refresh", "validate"}
# oidc-provider's introspection knows no JWT.
UNABLE = {("oidc-provider-jwt", "validate")}


def main() -> int:
    arguments = _arguments()
    chosen = [name for name in STARTERS if arguments.only in name]
    with bench.server() as server, contextlib.ExitStack() as opened:
        if arguments.trials:
            served = _served(server, [name for name in chosen if name not in UNOBSERVED])
            observed = [abilities.observed(one, arguments.trials).line(title) for title, one in served]
            print(f"\n{bench.table(abilities.TITLES, observed)}\n", flush=True)
        own = Ours(server.schema("ours"))
        peers = {
            name: opened.enter_context(child(name, _schema(server, f"timed_{number}")))
            for number, name in enumerate(chosen)
            if name not in UNTIMED
        }
        _print_tables(own, peers, _questions(server, opened), arguments)
        print(f"{bench.circumstances(server.settings('portal_ours'))}; {_versions(peers)}.")
    return 0


def _served(server: bench.Server, names: Sequence[str]) -> Iterator[tuple[str, Server]]:
    """Each server in its turn, served over HTTP, ours first."""
    ours = ServerOptions(database=_schema(server, "stack"), aws=server.aws)
    with LocalStack(UNTHROTTLED, servers=ours, runner=RunnerOptions(max_environments=ENVIRONMENTS)) as stack:
        yield "**ours**", local_server(stack.base_url)
    for number, name in enumerate(names):
        with started_peer(name, _schema(server, f"served_{number}")) as peer:
            yield NAMES[name], peer


def _print_tables(
    own: Ours, peers: dict[str, Child], questions: Callable[[], int], arguments: argparse.Namespace
) -> None:
    runs, rounds = arguments.repeat, arguments.rounds
    calls = (runs * rounds + 2) * BLOCK
    operations: dict[str, tuple[Callable[[], dict[str, Way]], str]] = {
        "issue": (own.issue, FUNCTION),
        "refresh": (own.refresh, FUNCTION),
        "validate": (own.validate, FUNCTION),
        "authorizer": (lambda: own.authorize(calls), SEEN_FIRST),
    }
    for operation, (ours, compared_with) in operations.items():
        with _unlogged():
            ways = {**ours(), **_theirs(peers, operation)}
            found = in_turns(ways, questions, runs=runs, rounds=rounds, block=BLOCK)
        print(f"**{operation}**\n\n{bench.table(TITLES, lines(found, compared_with))}\n", flush=True)
    print(f"{runs} runs of {rounds} blocks of {BLOCK} calls each, in turns. ", end="")


def _theirs(peers: dict[str, Child], operation: str) -> dict[str, Way]:
    able = [name for name in peers if operation in OPERATIONS and (name, operation) not in UNABLE]
    return {NAMES[name]: peers[name].way(operation) for name in able}


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Log lines cost a write and are not kept."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _questions(server: bench.Server, opened: contextlib.ExitStack) -> Callable[[], int]:
    """How many statements the server has answered, this one included."""
    connection = opened.enter_context(contextlib.closing(server.database.connect()))

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
            [(_, value)] = cursor.fetchall()
            return int(value)

    return count


def _schema(server: bench.Server, name: str) -> DatabaseAddress:
    """An empty schema."""
    at = replace(server.database.address, name=f"portal_{name}")
    with contextlib.closing(server.database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {at.name} CHARACTER SET utf8mb4")
    return at


def _versions(peers: dict[str, Child]) -> str:
    node = subprocess.run(
        [NODE, "--version"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    of_packages = {name: version for peer in peers.values() for name, version in peer.versions.items()}
    named = [f"{name} {version}" for name, version in of_packages.items()]
    return ", ".join([f"Node {node.stdout.strip().removeprefix('v')}", *named])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=40, help=f"of a run: blocks of {BLOCK} calls of each way"
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs")
    parser.add_argument(
        "--trials", type=int, default=10, help="of eight clients with one token; 0: times alone"
    )
    parser.add_argument("--only", default="", help="peers with this text in their name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
