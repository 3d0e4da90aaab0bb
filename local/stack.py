"""The local stack: database, AWS services, functions and gateway, started together and ended together."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.database import StackDatabase
from local.gateway.gateway import Gateway
from local.gateway.server import RunningServer, serve
from local.host.paths import LOGS
from local.host.ports import HOST, free_port
from local.landing import Landing
from local.options import GatewayOptions, RunnerOptions, ServerOptions
from local.parameters import own_parameters
from local.reads import Reference, reads
from local.routes import LocalRoutes, Reads
from local.runners import Runner
from local.runners.inprocess import InProcessRunner
from local.runners.lambda_runner import LambdaRunner
from local.runners.metrics import LogMetrics
from local.running import Mark, leave_mark, new_mark, remove_mark
from local.seed import USERS, seed
from local.servers.aws import LocalAws
from local.servers.database.address import Connection, DatabaseAddress, connect
from local.templates.apis import load_apis
from local.templates.arns import function_arn
from local.templates.functions import FunctionSpec, function_specs
from local.templates.model import MountedApi
from local.templates.stacks import JOBS_TEMPLATE, PRODUCT, given_to

if TYPE_CHECKING:
    from local.servers.rds_proxy.proxy import RdsProxy

AUTHORIZER = "AuthorizerFunction"
# The prefixes of another team's APIs, which are behind the authorizer.
JOBS_HTTP, JOBS_REST, JOBS_SOCKET = "/examples/http", "/examples/rest", "/examples/socket"


class LocalStack:
    """The whole service on one machine. A context manager.

    parameters: of the service's templates. state_dir: where the data are kept; None for a temporary folder, which is
    removed with the stack.
    """

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        servers: ServerOptions | None = None,
        runner: RunnerOptions | None = None,
        gateway: GatewayOptions | None = None,
        state_dir: Path | None = None,
    ) -> None:
        servers, gateway = servers or ServerOptions(), gateway or GatewayOptions()
        self._temporary = tempfile.TemporaryDirectory(prefix="aut-") if state_dir is None else None
        self.state_dir = state_dir or Path(self._temporary.name if self._temporary else "")
        self._runner_options = runner or RunnerOptions()
        self._clock = gateway.clock
        self._log = gateway.log
        self._seeds = servers.seeds
        self._tell = servers.tell
        self._database = StackDatabase(servers, self.state_dir)
        self.port = gateway.port or free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self.parameters = {**own_parameters(self.base_url), **(parameters or {})}
        self.aws = servers.aws or LocalAws(self.state_dir)
        self._owns_aws = servers.aws is None
        self.specs: dict[str, FunctionSpec] = {}
        self._names: dict[str, str] = {}
        self._apis: list[MountedApi] = []
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

    @property
    def database(self) -> DatabaseAddress:
        """The database itself, also where functions connect to a proxy."""
        return self._database.address

    @property
    def proxy(self) -> RdsProxy | None:
        """The stand-in for RDS Proxy; None without one."""
        return self._database.proxy

    def start(self) -> None:
        """Starts everything, and returns when it serves. Raises NoServer, DatabaseFailed, TemplateError, OSError."""
        self._tell("templates: reading routes and functions")
        # The translator is read while the servers start, and not waited for if they fail.
        pool = ThreadPoolExecutor(1)
        reading = pool.submit(self._load_apis)
        pool.shutdown(wait=False)
        self._start_servers()
        self._apis = reading.result()
        runner = self._make_runner()
        self._tell(f"functions: {len(self.specs)}, each starts with its first request")
        self._tell("migrations: applying those that are missing")
        runner.invoke("MigrateFunction", {})
        if self._seeds:
            self._tell("users: adding those that are missing")
            with contextlib.closing(self.connect()) as connection:
                seed(connection, self.parameters)
        mark = new_mark(self.port)
        shown = self._reads(mark)
        routes = LocalRoutes(runner, self._names, self.connect if self._seeds else None, shown)
        self._server = serve(Gateway(self._apis, runner, self._clock), HOST, self.port, routes, self._log)
        leave_mark(mark, self.state_dir)

    def _reads(self, mark: Mark) -> Reads:
        reference = Reference(self.state_dir / "reference")
        landing = Landing(
            mark,
            self._database.about,
            self.parameters,
            USERS if self._seeds else (),
            self.state_dir / LOGS if self._metrics else None,
            reference.has_renderer,
        )
        return reads(landing, self._metrics_page if self._metrics else None, reference)

    def stop(self) -> None:
        """Ends everything in order. Safe to call twice, and after a start that failed."""
        if self._server:
            remove_mark(self.state_dir)
            self._server.shutdown()
        if self.runner:
            self.runner.close()
        if self._owns_aws:
            self.aws.stop()
        self._database.stop()
        self._server = self.runner = None
        if self._temporary:
            self._temporary.cleanup()

    def invoke(self, function: str, event: Any) -> Any:
        """Invokes a function as AWS would. function: the name of its folder. Raises FunctionError."""
        assert self.runner is not None
        return self.runner.invoke(self._names[function], event)

    def connect(self) -> Connection:
        """A connection to the database, to read or change what is stored."""
        return connect(self.database)

    def _start_servers(self) -> None:
        self._database.start()
        if self._owns_aws:
            self._tell("AWS: starting KMS and event bus (moto)")
            self.aws.start()
        self._tell(f"database: waiting for {self._database.about}")
        self._database.wait()
        self._database.start_proxy(self.aws.environment)

    def _load_apis(self) -> list[MountedApi]:
        own = load_apis(PRODUCT, given_to(PRODUCT, self.parameters))
        arn = function_arn(AUTHORIZER)
        jobs = load_apis(JOBS_TEMPLATE, {"AuthorizerFunctionArn": arn}, {arn: AUTHORIZER})
        return [
            MountedApi(own["HttpApi"], ""),
            MountedApi(jobs["JobsHttpApi"], JOBS_HTTP),
            MountedApi(jobs["JobsRestApi"], JOBS_REST),
            MountedApi(jobs["JobsSocketApi"], JOBS_SOCKET),
        ]

    def _make_runner(self) -> Runner:
        self.specs = self._function_specs()
        options = self._runner_options
        if options.in_process:
            self.runner = InProcessRunner(self.specs)
            return self.runner
        logs = self.state_dir / LOGS
        self._metrics = LogMetrics(logs)
        self.runner = LambdaRunner(
            self.specs,
            max_environments=options.max_environments,
            queue_s=options.queue_s,
            log_dir=logs,
            clock_of=options.clocks.now if options.clocks else lambda pid: time.time(),
        )
        return self.runner

    def _function_specs(self) -> dict[str, FunctionSpec]:
        """The service's functions, placed and logged in, and those of the other team's API as their template says."""
        local = {
            "KMS_KEY_ID": self.aws.key_id,
            "SECURITY_BUS": self.aws.security_bus,
            "DPOP_PUBLIC_URLS": self._public_urls(),
        }
        overrides = {**self.aws.environment, **self._database.variables, **local}
        own = function_specs(PRODUCT, self.parameters, overrides)
        jobs_parameters = {"AuthorizerFunctionArn": function_arn(AUTHORIZER)}
        jobs = function_specs(JOBS_TEMPLATE, jobs_parameters, self.aws.environment)
        self._names = {spec.code.name: name for name, spec in (own | jobs).items()}
        placed = {name: self._placed(spec) for name, spec in own.items()}
        return {name: self._database.logged_in(spec) for name, spec in placed.items()} | jobs

    def _public_urls(self) -> str:
        """The addresses of the other team's APIs, as the setting has them: they are not API Gateway's own here."""
        named = {
            f"{mounted.api.id}/{mounted.api.stage}": [f"{self.base_url}{mounted.prefix}"]
            for mounted in self._apis
            if mounted.prefix
        }
        return json.dumps(named)

    def _placed(self, spec: FunctionSpec) -> FunctionSpec:
        options = self._runner_options
        placed = options.place(spec) if options.place else spec
        return options.clocks.given_to(placed) if options.clocks else placed

    def _metrics_page(self) -> str:
        assert self._metrics is not None
        return self._metrics.page(self._clock())
