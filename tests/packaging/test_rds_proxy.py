"""The deployed code as production has its database: behind RDS Proxy (a stand-in), DB_AUTH=iam, DB_TLS=verify."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor

from local.client import Client
from local.options import RunnerOptions, ServerOptions
from local.packaged import Packaged
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.servers.rds_proxy.options import ProxyOptions
from local.servers.rds_proxy.proxy import RdsProxy
from local.stack import JOBS_HTTP, LocalStack
from local.templates.schedules import schedules_in
from local.templates.stacks import PRODUCT
from tests.architecture.deployment import functions
from tests.conftest import schema
from tests.docs.markdown import BY_CURL, code_blocks
from tests.support.database_users import DatabaseUsers

ALICE, BOB, *_ = USERS
# Far more than a cold start takes, on a machine that has much else to do: how long it may take is not asked here.
TIMEOUT_S = 60
# Fewer than the functions and the classes of users that meet there.
POOL_SIZE = 4
TOKEN_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:auth-user-tokens:token-type:device",
}


@pytest.fixture(scope="module")
def stack(
    artifacts: Path,
    database: DatabaseAddress,
    administrator: "pymysql.Connection[Cursor]",
    aws: LocalAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LocalStack]:
    """Each function from its artifact, under the runtime client, with the name of its own database user and without
    any password."""
    packaged = Packaged(tmp_path_factory.mktemp("lambda"), artifacts)
    with schema(database) as at, DatabaseUsers(administrator, at) as users:
        proxy = ProxyOptions(pool_size=POOL_SIZE)
        with LocalStack(
            users.parameters,
            servers=ServerOptions(database=at, passwords=users.passwords, proxy=proxy, aws=aws),
            runner=RunnerOptions(place=lambda spec: replace(packaged(spec), timeout_s=TIMEOUT_S)),
        ) as started:
            yield started


@pytest.fixture
def client(stack: LocalStack) -> Client:
    return Client(stack.base_url)


def proxy_of(stack: LocalStack) -> RdsProxy:
    assert stack.proxy is not None
    return stack.proxy


def login(client: Client, **options: Any) -> Any:
    reply = client.post("/auth/login", {"username": BOB.username, "password": PASSWORD, **options})
    assert reply.status == 200, reply.shortened()
    return reply.json


def refreshed(client: Client, token: str, **headers: str) -> Any:
    return client.form(
        "/auth/token", {"grant_type": "refresh_token", "refresh_token": token}, headers=headers
    )


class Browser:
    """A session in a cookie."""

    def __init__(self, client: Client, username: str) -> None:
        self._client = client
        reply = client.post("/auth/login", {"username": username, "password": PASSWORD, "mode": "cookie"})
        self.session_id = reply.json["session_id"]
        self._keep(reply)

    def _keep(self, reply: Any) -> None:
        self._cookie = reply.cookies[0].split(";")[0]
        self._csrf = {"X-CSRF-Token": reply.json["csrf_token"]}

    def get(self, path: str) -> int:
        return self._client.get(path, cookie=self._cookie).status

    def rotate(self) -> None:
        fields = {"grant_type": "refresh_token"}
        self._keep(self._client.form("/auth/token", fields, cookie=self._cookie, headers=self._csrf))

    def revoke(self, path: str) -> int:
        body = {"reason": "a test"}
        return self._client.post(f"{path}/revoke", body, cookie=self._cookie, headers=self._csrf).status

    def leave(self) -> int:
        return self._client.post("/auth/logout", {}, cookie=self._cookie, headers=self._csrf).status


def quick_start(stack: LocalStack) -> None:
    """Every route without an id in its path, twice over those that can be repeated."""
    [script] = code_blocks(BY_CURL, "bash")
    strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
    script = strict + script.replace("http://127.0.0.1:3000", stack.base_url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


def devices_and_sessions(client: Client) -> None:
    first = login(client, device={"name": "phone", "remember": True})
    other = login(client)
    access, device = first["access_token"], f"/auth/devices/{first['device_id']}"
    assert (
        client.request("PATCH", device, b'{"name": "new"}', "application/json", bearer=access).status == 200
    )
    assert client.delete(f"/auth/sessions/{other['session_id']}", bearer=access).status == 204
    exchanged = client.form("/auth/token", {**TOKEN_EXCHANGE, "subject_token": first["device_token"]})
    assert exchanged.status == 200
    assert client.delete(device, bearer=exchanged.json["access_token"]).status == 204


def a_token_spent_twice(client: Client) -> None:
    first = login(client)["refresh_token"]
    second = refreshed(client, first).json["refresh_token"]
    assert refreshed(client, first).json["refresh_token"] == second, "repeated"
    third = refreshed(client, second).json["refresh_token"]
    assert refreshed(client, first).json["error"] == "invalid_grant", "reused"
    assert refreshed(client, third).json["error"] == "invalid_grant"


def browser_and_operator(client: Client) -> None:
    target, operator = login(client, device={"remember": True}), Browser(client, ALICE.username)
    user = f"/console/users/{client.get('/auth/session', bearer=target['access_token']).json['sub']}"
    for path in (
        f"{JOBS_HTTP}/jobs",
        "/auth/session",
        "/auth/sessions",
        "/pages/account",
    ):
        assert operator.get(path) == 200, path
    for path in ("/console/summary", "/console/events", user):
        assert operator.get(path) == 200, path
    assert operator.revoke(f"/console/sessions/{target['session_id']}") == 200
    assert operator.revoke(f"/console/devices/{target['device_id']}") == 200
    operator.rotate()
    assert operator.leave() == 204


def jobs_and_events(stack: LocalStack) -> None:
    assert stack.runner is not None
    for schedule in schedules_in(PRODUCT):
        stack.runner.invoke(schedule.function, schedule.event(1_800_000_000))
    assert stack.invoke("migrate", {})["applied"] == []
    assert stack.invoke("cleanup", {})["complete"]
    [published, *_] = Client(stack.base_url).get("/.well-known/jwks.json").json["keys"]
    assert stack.invoke("rotate_keys", {"withdraw": published["kid"]})["steps"]
    user = {"user_id": BOB.id}
    stack.invoke("revoke", {"source": "portal.users", "detail-type": "UserDisabled", "detail": user})


def test_a_whole_life_of_a_token_behind_the_proxy_pins_nothing(stack: LocalStack, client: Client) -> None:
    proxy = proxy_of(stack)
    for spec in stack.specs.values():
        if "DB_HOST" in spec.environment:
            assert (spec.environment["DB_AUTH"], spec.environment["DB_TLS"]) == ("iam", "verify")
            assert "DB_PASSWORD" not in spec.environment

    quick_start(stack)
    devices_and_sessions(client)
    a_token_spent_twice(client)
    browser_and_operator(client)
    jobs_and_events(stack)

    runner: Any = stack.runner
    assert {name for name in functions().values() if not runner.init_ms[name]} == set(), "every function ran"
    assert proxy.pins == []
    assert proxy.refusals == []
    assert {user.partition("_")[0] for user in proxy.users} == {"reader", "writer", "migrator"}
    assert proxy.server_connections <= POOL_SIZE < proxy.clients


def test_functions_share_server_connections(stack: LocalStack, client: Client) -> None:
    proxy = proxy_of(stack)
    login(client)
    opened = proxy.opened

    for _ in range(3):
        tokens = login(client)
        assert client.get("/auth/session", bearer=tokens["access_token"]).status == 200
        assert client.form("/auth/revoke", {"token": tokens["refresh_token"]}).status == 200

    assert proxy.opened - opened <= 1
