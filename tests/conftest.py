"""Real parts for the tests: one database server and one KMS endpoint a run, a schema of their own for who asks."""

import contextlib
import gc
import os
import platform
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pymysql
import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from pymysql.cursors import Cursor

from auth_tokens.adapters.kms import client
from auth_tokens.bootstrap import keys
from auth_tokens.settings import Settings
from local.options import GatewayOptions, RunnerOptions, ServerOptions
from local.package import deployed_python
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress, connect, database_address
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from local.stack import LocalStack
from tests.support.database_users import DatabaseUsers
from tests.support.kms import shared_client
from tests.support.throttles import UNTHROTTLED
from tests.support.world import CHEAP_PASSWORDS, PASSWORD_COST, World

# Hypothesis draws constants of all loaded modules, too: what a test meets would depend on which others were collected.
_NO_CONSTANTS = Constants()
assert callable(providers._get_local_constants)
providers._get_local_constants = lambda: _NO_CONSTANTS

# Programs that `make test` unpacked for whoever may not install: behind those of the machine.
os.environ["PATH"] += os.pathsep + str(Path(__file__).parents[1] / ".local/bin")
# What is collected stays until the end: to look through it for garbage again and again takes half of the time.
gc.disable()
# Fixtures that every test has that meets a database.
DATABASE_FIXTURES = {"database", "run_dir"}
SERVER = pytest.StashKey[str]()
LINKED = {
    "CredentialsUrl": "https://portal.example/password",
    "RunbookUrl": "https://wiki.example/runbook",
}
CLIENTS = {"portal-web": "portal:read portal:write", "portal-app": "portal:read"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m database` chooses the tests that another database server could answer in another way. Slow ones come first:
    they wait more than they compute, and at the end a processor would have nothing else to do."""
    for item in items:
        if isinstance(item, pytest.Function) and DATABASE_FIXTURES & set(item.fixturenames):
            item.add_marker("database")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Under which Python and on which database server it ran."""
    python, deployed = platform.python_version(), deployed_python()
    is_deployed = python.startswith(f"{deployed}.")
    note = "the deployed version" if is_deployed else f"{deployed} is deployed"
    terminalreporter.write_line(f"tests: Python {python} ({note}), {config.stash.get(SERVER, 'no database')}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With several processes (pytest-xdist), each tells the one that reports which server it met."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["server"] = session.config.stash.get(SERVER, "")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The reporting process's side of it."""
    if told := getattr(node, "workeroutput", {}).get("server"):
        node.config.stash[SERVER] = told


@pytest.fixture(scope="session")
def run_dir() -> Iterator[Path]:
    """A folder for this run alone; short, as a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="aut-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def own_server() -> Iterator[DatabaseServer]:
    """The private server of this run: MariaDB, or what TOKENS_DB names. Its data lie in memory where there is room:
    on a disk, each schema waits for its tables to be written."""
    with tempfile.TemporaryDirectory(prefix="aut-", dir=_memory()) as folder:
        # Environments of many tests hold theirs until they are collected.
        server = private_server(Path(folder), durable=False, options=["--max-connections=500"])
        try:
            server.start()
            server.wait()
            yield server
        finally:
            server.stop()


def _memory() -> Path | None:
    """The folder of a file system in memory; None without one, or with less free than all workers' servers may need."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > 4 << 30 else None


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> DatabaseAddress:
    """The database server of this run: the private one, or the one that TOKENS_DB_URL names."""
    url = os.environ.get("TOKENS_DB_URL")
    if url:
        address = database_address(url)
    else:
        server: DatabaseServer = request.getfixturevalue("own_server")
        address = server.address
    request.config.stash[SERVER] = server_version(address)
    return address


def server_version(at: DatabaseAddress) -> str:
    """What the server is, for people: its version, and where it has it, snapshot isolation."""
    with contextlib.closing(connect(at, database=None)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT VERSION()")
        [[version]] = cursor.fetchall()
        cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
        name = "MariaDB" if "MariaDB" in version else "MySQL"
        return ", ".join((f"{name} {version}", *(" ".join(row) for row in cursor.fetchall())))


@pytest.fixture(scope="session")
def aws(run_dir: Path) -> Iterator[LocalAws]:
    """KMS by moto over HTTP; this process's AWS clients are pointed at it."""
    services = LocalAws(run_dir)
    services.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in services.environment.items():
            patch.setenv(name, value)
        # moto shares the processors with all tests. What a silent KMS costs is tested with the product's own times.
        patch.setattr(client, "ANSWER_S", 5.0)
        patch.setattr(client, "CALL_S", 12.0)
        patch.setattr(keys, "kms_client", shared_client)
        yield services
    services.stop()


@contextlib.contextmanager
def schema(database: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """An empty schema that goes with its user."""
    name = f"{database.name}_{uuid.uuid4().hex[:10]}"
    with contextlib.closing(connect(database, database=None)) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield DatabaseAddress(database.host, database.port, name, database.user, database.password)
        finally:
            connection.cursor().execute("SET SESSION lock_wait_timeout = 60")  # what a test left behind ends
            connection.cursor().execute(f"DROP DATABASE {name}")


@contextlib.contextmanager
def new_world(database: DatabaseAddress, aws: LocalAws) -> Iterator[World]:
    """The use cases on a schema of their own."""
    with schema(database) as address:
        yield World(
            Settings(
                issuer="https://tokens.test",
                audience="portal",
                clients=CLIENTS,
                db_host=address.host,
                db_port=address.port,
                db_name=address.name,
                db_user=address.user,
                db_password=address.password,
                db_auth="password",
                db_tls="off",
                kms_key_id=aws.key_id,
                argon2_memory_kib=PASSWORD_COST["memory_kib"],
                argon2_passes=PASSWORD_COST["passes"],
            )
        ).migrated()


@pytest.fixture(scope="module")
def world(database: DatabaseAddress, aws: LocalAws) -> Iterator[World]:
    """Shared by a module's tests: each makes its own users."""
    with new_world(database, aws) as made:
        yield made


@pytest.fixture
def fresh_world(database: DatabaseAddress, aws: LocalAws) -> Iterator[World]:
    """For tests that look at a whole table, or at the first use ever."""
    with new_world(database, aws) as made:
        yield made


@pytest.fixture(scope="session")
def administrator(
    database: DatabaseAddress, request: pytest.FixtureRequest
) -> Iterator["pymysql.Connection[Cursor]"]:
    """Who may make database users: root of the private server, or the user that TOKENS_DB_URL names."""
    if os.environ.get("TOKENS_DB_URL"):
        connection = connect(database, database=None)
    else:
        connection = request.getfixturevalue("own_server").administrator()
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def new_stack(
    database: DatabaseAddress,
    administrator: "pymysql.Connection[Cursor]",
    aws: LocalAws,
    runner: str,
    parameters: Mapping[str, str] = MappingProxyType({}),
    clock: Callable[[], float] = time.time,
) -> Iterator[LocalStack]:
    """The whole service over HTTP, on a schema of its own, each function as its own database user. The gateway lets
    through as much as a template can say, and passwords cost the least. parameters: of the template, beyond those;
    clock: the gateway's."""
    with (
        schema(database) as at,
        DatabaseUsers(administrator, at) as users,
        LocalStack(
            {**UNTHROTTLED, **CHEAP_PASSWORDS, **users.parameters, **parameters},
            servers=ServerOptions(database=at, passwords=users.passwords, aws=aws),
            runner=RunnerOptions(in_process=runner == "inprocess"),
            gateway=GatewayOptions(clock=clock),
        ) as started,
    ):
        yield started


@pytest.fixture(scope="session")
def stack(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """The service with all functions in this process: fast. Authentications of years ago are too old for what is
    sensitive."""
    with new_stack(
        database, administrator, aws, "inprocess", {"SensitiveMaxAuthAgeS": "34560000"}
    ) as started:
        yield started


@pytest.fixture(scope="session")
def lambda_stack(
    database: DatabaseAddress, administrator: "pymysql.Connection[Cursor]", aws: LocalAws
) -> Iterator[LocalStack]:
    """The service with its functions as they run on AWS: a process each, under the runtime client. Its pages know where
    a password is changed and where the runbook is."""
    with new_stack(database, administrator, aws, "lambda", LINKED) as started:
        yield started
