"""What a local stack is made with: of its servers, its runner and its gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.gateway.exchange import Log
from local.runners.clocks import FunctionClocks
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.servers.rds_proxy.options import ProxyOptions
from local.templates.functions import FunctionSpec


@dataclass(frozen=True)
class ServerOptions:
    """The servers of a stack.

    database: an existing MySQL or MariaDB; None for a private server.
    durable: whether commits of the private server survive a crash of the machine.
    passwords: of the database users that foundation.yaml names, so that each function logs in as its own user.
    None: all functions log in as the user of the database's address.
    proxy: for a stand-in of RDS Proxy before the database, where functions log in by IAM over verified TLS.
    aws: services that run already, and that the stack does not stop; None to start them.
    portal_map: file of the mapping of the Portal's tables; empty for local mode's own.
    seeds: whether the stack adds its users; not where the tables are another's.
    tell: called with each step of the start, in words.
    """

    database: DatabaseAddress | None = None
    durable: bool = True
    passwords: Mapping[str, str] | None = None
    proxy: ProxyOptions | None = None
    aws: LocalAws | None = None
    portal_map: str = ""
    seeds: bool = True
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class RunnerOptions:
    """The runner of a stack.

    in_process: functions run in this process (for tests); else in child processes, under AWS's own runtime client.
    place: changes where and how a function runs; None leaves it as its template says.
    max_environments: of one function, in child processes.
    queue_s: how long a request waits for a free environment before it is throttled; None for as long as it takes.
    clocks: of the execution environments; None for this machine's.
    """

    in_process: bool = False
    place: Callable[[FunctionSpec], FunctionSpec] | None = None
    max_environments: int = 4
    queue_s: float | None = None
    clocks: FunctionClocks | None = None


@dataclass(frozen=True)
class GatewayOptions:
    """The gateway of a stack.

    port: 0 for any free one. clock: epoch seconds, also for cached results. log: gets each request and its response.
    """

    port: int = 0
    clock: Callable[[], float] = time.time
    log: Log = lambda _: None
