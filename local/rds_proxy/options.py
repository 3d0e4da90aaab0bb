"""What a proxy is made with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backend:
    """A database server. is_read_only: its sessions refuse writes (error 1792), as those of a reader that
    a failover left behind."""

    host: str
    port: int
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """pool_size: server connections at the most, of all users together; borrow_timeout_s: how long a statement waits
    for one; idle_client_timeout_s: after this long without a command a client is dropped; init_query: statements,
    separated by `;`, that each server connection begins with (RDS Proxy's InitQuery).

    The times and the query are those of foundation.yaml.
    """

    pool_size: int = 10
    borrow_timeout_s: float = 2
    idle_client_timeout_s: float = 1800
    init_query: str = "SET innodb_lock_wait_timeout = 2, lock_wait_timeout = 2"
