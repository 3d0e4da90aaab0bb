"""The database of a local stack, and how each function logs in to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.options import ServerOptions
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from local.templates.functions import FunctionSpec

if TYPE_CHECKING:
    from local.servers.rds_proxy.options import ProxyOptions
    from local.servers.rds_proxy.proxy import RdsProxy


class StackDatabase:
    """A private server or an existing one, with a stand-in for RDS Proxy before it if the options say so.

    proxy: None without one, and before `start_proxy`.
    """

    def __init__(self, options: ServerOptions, state_dir: Path) -> None:
        self._options = options
        self._state_dir = state_dir
        self._server: DatabaseServer | None = None
        if options.database:
            self.address = options.database
        else:
            self._server = private_server(state_dir, durable=options.durable)
            self.address = self._server.address
        self.proxy: RdsProxy | None = None

    def start(self) -> None:
        """Starts a private server and returns at once. Raises NoServer, DatabaseFailed."""
        if self._server:
            once = ", once making its folder" if self._server.is_new else ""
            self._options.tell(f"database: starting {self._server.name}{once}")
            self._server.start()

    def wait(self) -> None:
        """Returns when the database serves. Raises DatabaseFailed."""
        if self._server:
            self._server.wait()

    def start_proxy(self, environment: Mapping[str, str]) -> None:
        """Starts the proxy, if there is to be one. environment: the AWS_* variables of the functions."""
        if self._options.proxy:
            self.proxy = self._started_proxy(self._options.proxy, environment)

    def stop(self) -> None:
        """Ends proxy and private server. Safe to call twice."""
        if self.proxy:
            self.proxy.stop()
        if self._server:
            self._server.stop()

    @property
    def about(self) -> str:
        """Which database it is, for people; without its password."""
        at = self.address
        where = f"{at.name} on {at.host}:{at.port}"
        return f"{self._server.name}, {where}" if self._server else where

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which functions find the database, or the proxy before it."""
        at = self.address
        where = {"DB_NAME": at.name, "PORTAL_MAP": self._options.portal_map}
        if self.proxy:
            return {
                **where,
                "DB_HOST": self.proxy.host,
                "DB_PORT": str(self.proxy.port),
                "DB_AUTH": "iam",
                "DB_TLS": "verify",
                "DB_CA_FILE": str(self.proxy.ca_file),
            }
        return {
            **where,
            "DB_HOST": at.host,
            "DB_PORT": str(at.port),
            "DB_AUTH": "password",
            "DB_TLS": "off",
        }

    def logged_in(self, spec: FunctionSpec) -> FunctionSpec:
        """The function with its login: as the template's user if passwords are known, else as the address's user."""
        user, password = self.address.user, self.address.password
        if self._options.passwords is not None:
            user = spec.environment["DB_USER"]
            password = self._options.passwords[user]
        # The proxy knows the passwords, so the functions need none.
        login = {"DB_USER": user, **({} if self.proxy else {"DB_PASSWORD": password})}
        return replace(spec, environment={**spec.environment, **login})

    def _started_proxy(self, options: ProxyOptions, environment: Mapping[str, str]) -> RdsProxy:
        # Imported here: mysql-mimic takes a second to import, and most stacks have no proxy.
        from local.servers.rds_proxy.iam import signing_key
        from local.servers.rds_proxy.options import Backend, Logins
        from local.servers.rds_proxy.proxy import RdsProxy

        at = self.address
        logins = Logins(self._options.passwords or {at.user: at.password}, signing_key(environment))
        proxy = RdsProxy(Backend(at.host, at.port), logins, self._state_dir, options)
        proxy.start()
        return proxy
