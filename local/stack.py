"""The embedded stack: database, AWS services, functions and gateway, started together and ended together."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pymysql

from local.aws import LocalAws
from local.clocks import FunctionClocks
from local.database_server import DATABASE, DatabaseAddress, free_port
from local.databases import private_server
from local.environment import JOBS_TEMPLATE, TEMPLATE, FunctionSpec, function_specs
from local.gateway import (
    Gateway,
    GatewayRequest,
    GatewayResponse,
    MountedApi,
    RunningServer,
    json_response,
    load_apis,
    message_response,
    serve,
)
from local.gateway.arns import function_arn
from local.metrics import LogMetrics
from local.runners import FunctionError, PayloadTooLarge, Runner, Throttled
from local.runners.inprocess import InProcessRunner
from local.runners.runtime_api import LambdaRunner
from local.seed import add_population, seed
from local.templates import given_to
from local.threads import started

if TYPE_CHECKING:
    from local.rds_proxy.options import ProxyOptions
    from local.rds_proxy.proxy import RdsProxy

HOST = "127.0.0.1"
AUTHORIZER = "AuthorizerFunction"
JOBS_HTTP, JOBS_REST, JOBS_SOCKET = "/examples/http", "/examples/rest", "/examples/socket"
# The template's clients, and the scope that lets their access tokens look after their user's sessions and devices.
CLIENTS = (
    '{"portal-web": ["portal:read", "portal:write", "account"],'
    ' "portal-app": ["portal:read", "portal:write", "account"]}'
)
_INVOKE = "/_local/invoke/"
_METRICS = "/_local/metrics"
_USERS = "/_local/users"
_MAX_USERS = 1000


class LocalStack:
    """The whole service on one machine; a context manager.

    runner: "lambda" (a child process per execution environment, under AWS's own runtime client) or
    "inprocess" (all in this process, for tests); port 0: any free one; state_dir: where the data live,
    None for a folder that goes with the stack; parameters: of the templates; database_url: an existing
    MySQL or MariaDB instead of a private one; passwords: of the database users that foundation.yaml names, so
    that each function logs in as its own, None for all as the one user of the URL; proxy: for a stand-in of RDS
    Proxy before the database, where all functions log in by IAM over verified TLS; place: where and how each
    function runs, made of how it would run from its folder here; aws: services that run
    already, and go on after it; queue_s: how long a request waits for a free environment before it is refused
    as AWS does at once, None for as long as it takes; clocks: of the execution environments, None for this
    machine's; clock: epoch seconds, for gateway and authorizer cache.
    """

    def __init__(
        self,
        *,
        runner: str = "lambda",
        port: int = 0,
        state_dir: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        database_url: str | None = None,
        passwords: Mapping[str, str] | None = None,
        proxy: ProxyOptions | None = None,
        place: Callable[[FunctionSpec], FunctionSpec] | None = None,
        aws: LocalAws | None = None,
        max_environments: int = 4,
        queue_s: float | None = None,
        clocks: FunctionClocks | None = None,
        durable: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kind = runner
        self._temporary = tempfile.TemporaryDirectory(prefix="aut-") if state_dir is None else None
        self.state_dir = state_dir or Path(self._temporary.name if self._temporary else "")
        self._max_environments = max_environments
        self._queue_s = queue_s
        self._clocks = clocks
        self._clock = clock
        self._passwords = passwords
        self._proxy_options = proxy
        self.proxy: RdsProxy | None = None
        self._place = place
        self._private_server = None if database_url else private_server(self.state_dir, durable=durable)
        own = self._private_server
        self.database = own.address if own else database_address(database_url or "")
        self.port = port or free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self.parameters = {
            "Issuer": self.base_url,
            "CreateVpcEndpoints": "false",  # the SDK finds the local KMS and event bus by AWS_ENDPOINT_URL
            "AdminLabel": "admin",
            "Clients": CLIENTS,
            **(parameters or {}),
        }
        self.aws = aws or LocalAws(self.state_dir)
        self._owns_aws = aws is None
        self.specs: dict[str, FunctionSpec] = {}
        self._names: dict[str, str] = {}
        self.runner: Runner | None = None
        self._metrics: LogMetrics | None = None
        self._server: RunningServer | None = None

    def __enter__(self) -> LocalStack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts everything; returns when it serves. Raises NoServer, DatabaseFailed, TemplateError, OSError."""
        apis = started(self._load_apis)
        if self._private_server:
            self._private_server.start()
        if self._owns_aws:
            self.aws.start()
        if self._private_server:
            self._private_server.wait()
        if self._proxy_options:
            self.proxy = self._started_proxy(self._proxy_options)
        self._make_runner()
        self._invoke("MigrateFunction", {})
        with contextlib.closing(self.connect()) as connection:
            seed(connection)
        assert self.runner is not None
        gateway = Gateway(apis.result(), self.runner, self._clock)
        self._server = serve(gateway, HOST, self.port, self._local_routes)

    def stop(self) -> None:
        """Ends everything in order; safe to call twice, and after a start that failed half-way."""
        if self._server:
            self._server.shutdown()
        if self.runner:
            self.runner.close()
        if self.proxy:
            self.proxy.stop()
        if self._owns_aws:
            self.aws.stop()
        if self._private_server:
            self._private_server.stop()
        self._server = self.runner = None
        if self._temporary:
            self._temporary.cleanup()

    def invoke(self, function: str, event: Any) -> Any:
        """Invokes a function by its short name (the name of its folder) as AWS would. Raises FunctionError."""
        return self._invoke(self._names[function], event)

    def connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection of the service's database user, to look at or change what is stored."""
        at = self.database
        return pymysql.connect(
            host=at.host,
            port=at.port,
            user=at.user,
            password=at.password,
            database=at.name,
            autocommit=True,
            ssl_disabled=True,
        )

    def _invoke(self, name: str, event: Any) -> Any:
        assert self.runner is not None
        return self.runner.invoke(name, event)

    def _load_apis(self) -> list[MountedApi]:
        own = load_apis(TEMPLATE, given_to(TEMPLATE, self.parameters))
        arn = function_arn(AUTHORIZER)
        jobs = load_apis(JOBS_TEMPLATE, {"AuthorizerFunctionArn": arn}, {arn: AUTHORIZER})
        return [
            MountedApi(own["HttpApi"], ""),
            MountedApi(jobs["JobsHttpApi"], JOBS_HTTP),
            MountedApi(jobs["JobsRestApi"], JOBS_REST),
            MountedApi(jobs["JobsSocketApi"], JOBS_SOCKET),
        ]

    def _make_runner(self) -> None:
        overrides = {**self.aws.environment, **self._database_variables(), "KMS_KEY_ID": self.aws.key_id}
        overrides["SECURITY_BUS"] = self.aws.security_bus
        jobs_parameters = {"AuthorizerFunctionArn": function_arn(AUTHORIZER)}
        own = function_specs(TEMPLATE, self.parameters, overrides)
        jobs = function_specs(JOBS_TEMPLATE, jobs_parameters, self.aws.environment)
        self._names = {spec.code.name: name for name, spec in (own | jobs).items()}
        placed = {name: self._placed(spec) for name, spec in own.items()}
        self.specs = {name: self._logged_in(spec) for name, spec in placed.items()} | jobs
        if self._kind == "inprocess":
            self.runner = InProcessRunner(self.specs)
        else:
            logs = self.state_dir / "logs"
            self._metrics = LogMetrics(logs)
            self.runner = LambdaRunner(
                self.specs,
                max_environments=self._max_environments,
                queue_s=self._queue_s,
                log_dir=logs,
                clock_of=self._clocks.now if self._clocks else lambda pid: time.time(),
            )

    def _placed(self, spec: FunctionSpec) -> FunctionSpec:
        placed = self._place(spec) if self._place else spec
        return self._clocks.given_to(placed) if self._clocks else placed

    def _started_proxy(self, options: ProxyOptions) -> RdsProxy:
        from local.rds_proxy.iam import signing_key
        from local.rds_proxy.options import Backend
        from local.rds_proxy.proxy import RdsProxy

        at, key = self.database, signing_key(self.aws.environment)
        passwords = self._passwords or {at.user: at.password}
        proxy = RdsProxy(Backend(at.host, at.port), passwords, key, self.state_dir, options)
        proxy.start()
        return proxy

    def _logged_in(self, spec: FunctionSpec) -> FunctionSpec:
        """The function with its database login: the one user's, or that of the user the template gives it."""
        user, password = self.database.user, self.database.password
        if self._passwords is not None:
            user = spec.environment["DB_USER"]
            password = self._passwords[user]
        # A proxy knows the passwords, the functions none.
        login = {"DB_USER": user, **({} if self.proxy else {"DB_PASSWORD": password})}
        return replace(spec, environment={**spec.environment, **login})

    def _database_variables(self) -> dict[str, str]:
        at = self.database
        if self.proxy:
            return {
                "DB_HOST": self.proxy.host,
                "DB_PORT": str(self.proxy.port),
                "DB_NAME": at.name,
                "DB_AUTH": "iam",
                "DB_TLS": "verify",
                "DB_CA_FILE": str(self.proxy.ca_file),
            }
        return {
            "DB_HOST": at.host,
            "DB_PORT": str(at.port),
            "DB_NAME": at.name,
            "DB_AUTH": "password",
            "DB_TLS": "off",
        }

    def _local_routes(self, request: GatewayRequest) -> GatewayResponse | None:
        if not request.path.startswith("/_local/"):
            return None
        if request.path == _METRICS and self._metrics:
            page = self._metrics.page(self._clock()).encode()
            return GatewayResponse(200, (("Content-Type", "text/plain; charset=utf-8"),), page)
        if (request.method, request.path) == ("POST", _USERS):
            return self._more_users(request)
        name = self._names.get(request.path.removeprefix(_INVOKE))
        if name is None or request.method != "POST":
            return message_response(404, "Not Found")
        try:
            return json_response(200, self._invoke(name, json.loads(request.body or b"{}")))
        except ValueError:
            return message_response(400, "The body is not JSON.")
        except PayloadTooLarge as exc:
            return message_response(413, exc.error_message)
        except Throttled as exc:
            return message_response(429, exc.error_message)
        except FunctionError as exc:
            return json_response(500, {"errorType": exc.error_type, "errorMessage": exc.error_message})

    def _more_users(self, request: GatewayRequest) -> GatewayResponse:
        """For the traffic generator: `{"count": …}` more Portal users, answered by name."""
        try:
            count = json.loads(request.body)["count"]
        except (ValueError, KeyError, TypeError):
            count = None
        if type(count) is not int or not 1 <= count <= _MAX_USERS:
            return message_response(400, f"count must be a whole number from 1 to {_MAX_USERS}.")
        with contextlib.closing(self.connect()) as connection:
            return json_response(200, {"usernames": add_population(connection, count)})


def database_address(url: str) -> DatabaseAddress:
    """The address in `mysql://user:password@host:port/database`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "mysql" or not parts.hostname or not parts.username:
        raise ValueError("TOKENS_DB_URL must be like mysql://user:password@host:3306/database")
    name = parts.path.strip("/") or DATABASE
    user, password = unquote(parts.username), unquote(parts.password or "")
    return DatabaseAddress(parts.hostname, parts.port or 3306, name, user, password)


def default_state_dir() -> Path:
    """`.local/` beside the project's files, or what LOCAL_STATE_DIR names."""
    return Path(os.environ.get("LOCAL_STATE_DIR") or TEMPLATE.parent / ".local")
