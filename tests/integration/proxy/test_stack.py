"""The local stack behind the stand-in for RDS Proxy: from an empty schema on, and what a client hears of its faults."""

from collections.abc import Iterator
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.client import Client
from local.options import RunnerOptions, ServerOptions
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.servers.rds_proxy.options import ProxyOptions
from local.servers.rds_proxy.proxy import RdsProxy
from local.stack import LocalStack
from local.templates.stacks import FOUNDATION
from tests.conftest import schema


@pytest.fixture(scope="module")
def stack(database: DatabaseAddress, aws: LocalAws) -> Iterator[LocalStack]:
    with (
        schema(database) as at,
        LocalStack(
            servers=ServerOptions(database=at, proxy=ProxyOptions(), aws=aws),
            runner=RunnerOptions(in_process=True),
        ) as started,
    ):
        yield started


@pytest.fixture
def proxy(stack: LocalStack) -> RdsProxy:
    assert stack.proxy is not None
    return stack.proxy


def test_the_migrations_of_an_empty_schema_pin_nothing(stack: LocalStack, proxy: RdsProxy) -> None:
    assert stack.invoke("migrate", {})["applied"] == [], "they ran at the start"
    assert proxy.users == {stack.database.user}
    assert proxy.pins == []


def test_a_client_hears_503_while_no_connection_is_free_and_its_token_is_good_afterwards(
    stack: LocalStack, proxy: RdsProxy
) -> None:
    client = Client(stack.base_url)
    tokens = client.post("/auth/login", {"username": USERS[1].username, "password": PASSWORD}).json
    fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    with proxy.exhausted():
        refused = client.form("/auth/token", fields)
    served = client.form("/auth/token", fields)

    assert (refused.status, refused.json["error"]) == (503, "temporarily_unavailable")
    assert "retry-after" in refused.headers
    assert served.status == 200


def test_times_and_initialisation_query_are_the_deployments() -> None:
    resources = yaml_parse(FOUNDATION.read_text("utf-8"))["Resources"].values()

    def properties(kind: str) -> list[Any]:
        return [one["Properties"] for one in resources if one["Type"] == f"AWS::RDS::{kind}"]

    pools = [one["ConnectionPoolConfigurationInfo"] for one in properties("DBProxyTargetGroup")]
    assert {pool["ConnectionBorrowTimeout"] for pool in pools} == {ProxyOptions().borrow_timeout_s}
    assert {pool["InitQuery"] for pool in pools} == {ProxyOptions().init_query}
    idle = {one["IdleClientTimeout"] for one in properties("DBProxy")}
    assert idle == {ProxyOptions().idle_client_timeout_s}
