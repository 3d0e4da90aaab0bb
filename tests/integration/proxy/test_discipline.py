"""A whole run of the service, as its database saw it: nothing that makes RDS Proxy pin, and few connections.

All functions run as on Lambda, each as its own database user over verified TLS, through the README's quick start
and their schedules. The server's general log says what they sent.
"""

import contextlib
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from local.host.certificates import Authority
from local.options import RunnerOptions, ServerOptions
from local.servers.aws import LocalAws
from local.servers.database.private import private_server
from local.servers.database.server import DatabaseServer
from local.servers.rds_proxy.pinning import pins
from local.stack import LocalStack
from local.templates.functions import FunctionSpec
from tests.architecture.deployment import functions
from tests.docs.markdown import BY_CURL, code_blocks
from tests.support.database_users import DatabaseUsers

HOST = "localhost"


@dataclass(frozen=True)
class Line:
    """One line of the general log. user: who sent it."""

    user: str
    connection: int
    command: str
    statement: bytes


@dataclass(frozen=True)
class Run:
    """log: of the functions' users alone; environments: how many of each function were started."""

    log: list[Line]
    environments: dict[str, int]


@pytest.fixture(scope="module")
def finished(run_dir: Path, aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    authority = Authority(tmp_path_factory.mktemp("ca"), "private-ca")
    certificate, key = authority.issue(HOST)
    options = [f"--ssl-cert={certificate}", f"--ssl-key={key}", "--log-output=TABLE"]
    server = private_server(run_dir / "proxy", durable=False, options=options)
    server.start()
    server.wait()
    try:
        yield _run(server, aws, authority.ca_file)
    finally:
        server.stop()


def _run(server: DatabaseServer, aws: LocalAws, ca_file: Path) -> Run:
    at = server.address

    def over_tls(spec: FunctionSpec) -> FunctionSpec:
        variables = {"DB_HOST": HOST, "DB_TLS": "verify", "DB_CA_FILE": str(ca_file)}
        return replace(spec, environment={**spec.environment, **variables})

    with contextlib.closing(server.administrator()) as administrator, administrator.cursor() as cursor:
        with DatabaseUsers(administrator, at) as users:
            cursor.execute("SET GLOBAL general_log = ON")
            with LocalStack(
                users.parameters,
                servers=ServerOptions(database=at, passwords=users.passwords, aws=aws),
                runner=RunnerOptions(place=over_tls),
            ) as stack:
                _live(stack)
                runner: Any = stack.runner
                environments = {name: len(started) for name, started in runner.init_ms.items()}
            cursor.execute("SET GLOBAL general_log = OFF")
            names = set(users.passwords)
        cursor.execute("SELECT user_host, thread_id, command_type, argument FROM mysql.general_log")
        lines = [_line(*row) for row in cursor.fetchall()]
    return Run([line for line in lines if line.user in names], environments)


def _live(stack: LocalStack) -> None:
    [script] = code_blocks(BY_CURL, "bash")
    strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
    script = strict + script.replace("http://127.0.0.1:3000", stack.base_url)
    subprocess.run(["bash", "-c", script], check=True, capture_output=True, timeout=120)
    for function in ("cleanup", "rotate_keys", "analytics", "migrate"):
        stack.invoke(function, {})


def _line(user_host: str, connection: int, command: str, argument: bytes | str) -> Line:
    # «user[user] @ host []»; while it connects «[user] @ host []».
    [user] = re.findall(r"\[(.*?)\] @", user_host)
    return Line(user, connection, command, argument if isinstance(argument, bytes) else argument.encode())


def test_nothing_that_pins_was_sent(finished: Run) -> None:
    found = Counter(
        (reason, line.statement[:80])
        for line in finished.log
        if (reason := pins(line.command, line.statement)) is not None
    )

    assert not found


def test_the_run_was_a_whole_one(finished: Run) -> None:
    sent = Counter(
        line.statement.split(maxsplit=1)[0].upper() for line in finished.log if line.command == "Query"
    )

    assert sent.keys() >= {b"SELECT", b"INSERT", b"UPDATE", b"DELETE", b"BEGIN", b"COMMIT"}
    assert sum(sent.values()) > 100
    assert len({line.user for line in finished.log}) == 3, "writer, reader and migrator"


def test_an_environment_opens_one_connection_and_says_one_thing_before_its_work(finished: Run) -> None:
    opened = [line for line in finished.log if line.command == "Connect"]
    settings = [line for line in finished.log if line.statement.upper().startswith(b"SET")]
    # migrate has a second one: the row lock of its run is held while statements commit by themselves.
    expected = sum(finished.environments[name] for name in (*functions().values(), "MigrateFunction"))

    assert len(opened) == expected
    assert {line.statement for line in settings} == {b"SET NAMES utf8mb4"}
    assert len(settings) == len(opened)


def test_every_connection_was_over_tls(finished: Run) -> None:
    assert all(b"SSL/TLS" in line.statement for line in finished.log if line.command == "Connect")
