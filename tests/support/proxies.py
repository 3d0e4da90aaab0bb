"""A stand-in for RDS Proxy before a test's schema, and how functions connect to it."""

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.adapters.mysql.iam_login import RdsLogin, login_token
from auth_tokens.observability import NullTelemetry, Telemetry
from local.http.sigv4 import SigningKey
from local.servers.database.address import DatabaseAddress, connect
from local.servers.rds_proxy.iam import signing_key
from local.servers.rds_proxy.options import Backend, Logins, ProxyOptions
from local.servers.rds_proxy.proxy import HOST, RdsProxy

REGION = "eu-west-1"
CREDENTIALS = MappingProxyType(
    {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_REGION": REGION}
)
KEY = signing_key(CREDENTIALS)


class Proxied:
    """A proxy before a schema of whom it knows the owner alone."""

    def __init__(self, proxy: RdsProxy, at: DatabaseAddress) -> None:
        self.proxy = proxy
        self.at = at

    @property
    def config(self) -> DatabaseConfig:
        """As a function has it: IAM login over verified TLS."""
        ca_file = str(self.proxy.ca_file)
        return DatabaseConfig(
            HOST, self.proxy.port, self.at.name, self.at.user, None, REGION, CREDENTIALS, ca_file
        )

    def database(
        self,
        telemetry: Telemetry = NullTelemetry(),  # noqa: B008 - it has no state
        timeout_s: int = 3,
    ) -> contextlib.closing[Database]:
        return contextlib.closing(Database(replace(self.config, timeout_s=timeout_s), telemetry))


@contextlib.contextmanager
def proxied(
    at: DatabaseAddress,
    folder: Path,
    options: ProxyOptions | None = None,
    passwords: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    key: SigningKey = KEY,
) -> Iterator[Proxied]:
    """A proxy for as long as the block runs. passwords: None for those of the schema's owner."""
    known = passwords or {at.user: at.password}
    # A CA file of each proxy's own: functions keep what they have read of one.
    folder = Path(tempfile.mkdtemp(dir=folder))
    with RdsProxy(Backend(at.host, at.port), Logins(known, key), folder, options, clock) as proxy:
        yield Proxied(proxy, at)


def through(made: Proxied, **options: Any) -> "pymysql.Connection[Cursor]":
    """A client of its own at the proxy."""
    at, port = made.at, made.proxy.port
    token = login_token(RdsLogin(HOST, port, at.user, REGION), CREDENTIALS)
    tls = {
        "ssl_disabled": False,
        "ssl_ca": str(made.proxy.ca_file),
        "ssl_verify_cert": True,
        "ssl_verify_identity": True,
    }
    return connect(replace(at, host=HOST, port=port, password=token), **{**tls, **options})


def run(
    client: "pymysql.Connection[Cursor]", sql: str, parameters: tuple[object, ...] | None = None
) -> list[tuple[Any, ...]]:
    with client.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(1000):
        if is_so():
            return
        deadline.wait(0.01)
    pytest.fail("it did not come so within 10 s")
