"""The container of a function: settings, telemetry, clocks, the database, and singletons."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from auth_tokens.adapters.mysql.connection import Database, DatabaseConfig
from auth_tokens.observability import StartupTelemetry, Telemetry
from auth_tokens.settings import Settings, aws_credentials, load_settings
from auth_tokens.time_left import OncePerInvocation

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.ports.clock import Clock

T = TypeVar("T")

_REQUEST_TIMEOUT_S = 3
# A batch of deletions on a busy database may be slow: no client waits for it.
BATCH_TIMEOUT_S = 20


def now_s() -> int:
    """The clock of all use cases: epoch seconds."""
    return int(time.time())


def now_ms() -> int:
    """The finer clock of what needs an order within a second: limits and event ids."""
    return time.time_ns() // 1_000_000


class Container:
    """What the builders of a function share: settings, telemetry, clocks, the database, and each `singleton`.

    may_create_keys: for the functions that IAM lets wrap keys.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        settings: Settings | None = None,
        *,
        may_create_keys: bool = False,
        timeout_s: int = _REQUEST_TIMEOUT_S,
        clock: Clock = now_s,
        clock_ms: Clock = now_ms,
    ) -> None:
        self.settings = settings or load_settings()
        # Logged with the first line, as an import writes nothing.
        self.telemetry: Telemetry = (
            telemetry if settings else StartupTelemetry(telemetry, switched_off=self.settings.switched_off)
        )
        self.clock = clock
        self.clock_of_caches = OncePerInvocation(clock)
        self.clock_ms = clock_ms
        self.may_create_keys = may_create_keys
        self._timeout_s = timeout_s
        self._made: dict[object, Any] = {}

    @cached_property
    def database(self) -> Database:
        """The one connection of this environment."""
        return Database(database_config(self.settings, self._timeout_s), self.telemetry)

    def once(self, make: Callable[[Container], T]) -> T:
        """The result of `make` for this container, made at its first use."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made


def singleton(make: Callable[[Container], T]) -> Callable[[Container], T]:
    """A builder that runs once in an environment; each later call returns the same object."""

    @wraps(make)
    def same_each_time(shared: Container) -> T:
        return shared.once(make)

    return same_each_time


def database_config(settings: Settings, timeout_s: int = _REQUEST_TIMEOUT_S) -> DatabaseConfig:
    """Where the settings say the database is."""
    return DatabaseConfig(
        host=settings.db_host,
        port=settings.db_port,
        name=settings.db_name,
        user=settings.db_user,
        password=settings.db_password if settings.db_auth == "password" else None,
        region=settings.aws_region,
        credentials=aws_credentials() if settings.db_auth == "iam" else {},
        ca_file=settings.db_ca_file,
        verify_tls=settings.db_tls == "verify",
        timeout_s=timeout_s,
    )
