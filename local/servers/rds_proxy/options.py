"""What a proxy is made with: its database server, who may log in, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.http.sigv4 import SigningKey


@dataclass(frozen=True, slots=True)
class Backend:
    """A database server. is_read_only: its sessions refuse writes (error 1792), as on a reader after a failover."""

    host: str
    port: int
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Logins:
    """Who may log in. passwords: of the database users, as a proxy reads them from its secrets.

    key: signs the tokens by which clients log in as one of these users.
    """

    passwords: Mapping[str, str]
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server connection belongs to: clients share it only if user and capability flags are the same."""

    user: str
    flags: int


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """The limits of a proxy. The times and the query are those of foundation.yaml.

    pool_size: the greatest number of server connections, of all users together.
    borrow_timeout_s: how long a statement waits for a server connection.
    idle_client_timeout_s: a client is dropped after this time without a command.
    init_query: statements, separated by `;`, that run first on each server connection (RDS Proxy's InitQuery).
    """

    pool_size: int = 10
    borrow_timeout_s: float = 2
    idle_client_timeout_s: float = 1800
    init_query: str = "SET innodb_lock_wait_timeout = 2, lock_wait_timeout = 2"
