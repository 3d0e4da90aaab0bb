"""Who reaches whom: functions → proxy → database, functions → endpoints; security groups name each other."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from auth_tokens.adapters.mysql.connection import DatabaseConfig
from local.servers.database.server import LOCK_WAIT_S
from local.templates.arns import REGION
from tests.architecture.deployment import (
    each_statement,
    functions,
    of_type,
    resources,
    resources_with,
    statements,
    variables,
    written,
)

EXISTING = {"DatabaseKind": "existing", "DbClusterId": "portal", "DbSecurityGroupId": "sg-00000001"}
EXISTING_PROXY = {
    "DatabaseKind": "existing-proxy",
    "DbHost": "proxy.test",
    "DbResourceId": "prx-0123",
    "DbSecurityGroupId": "sg-00000002",
}
KINDS = {"new": {}, "existing": EXISTING, "existing-proxy": EXISTING_PROXY}
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


def paths(among: Any) -> set[tuple[str, str, int]]:
    """(from, to, port): what a group's egress and another's ingress allow, which say the same."""
    opened = {
        (name, rule["DestinationSecurityGroupId"], int(rule["FromPort"]))
        for name, group in of_type("AWS::EC2::SecurityGroup", among).items()
        for rule in group["SecurityGroupEgress"]
        if "DestinationSecurityGroupId" in rule
    }
    let_in = {
        (rule["SourceSecurityGroupId"], rule["GroupId"], int(rule["FromPort"]))
        for rule in of_type("AWS::EC2::SecurityGroupIngress", among).values()
    }
    assert let_in == opened
    return let_in


def test_functions_reach_the_proxy_and_the_endpoints_and_the_proxy_the_database() -> None:
    assert paths(resources()) == {
        ("FunctionsSecurityGroup", "ProxySecurityGroup", 3306),
        ("ProxySecurityGroup", "DatabaseSecurityGroup", 3306),
        ("FunctionsSecurityGroup", "EndpointSecurityGroup", 443),
    }


def test_the_portal_s_own_database_lets_our_proxy_in_on_its_port() -> None:
    assert paths(resources_with(**EXISTING, DbPort="3307")) == {
        ("FunctionsSecurityGroup", "ProxySecurityGroup", 3306),
        ("ProxySecurityGroup", "sg-00000001", 3307),
        ("FunctionsSecurityGroup", "EndpointSecurityGroup", 443),
    }


def test_the_portal_s_own_proxy_lets_the_functions_in() -> None:
    assert paths(resources_with(**EXISTING_PROXY)) == {
        ("FunctionsSecurityGroup", "sg-00000002", 3306),
        ("FunctionsSecurityGroup", "EndpointSecurityGroup", 443),
    }


@EACH_KIND
def test_only_groups_are_let_in_and_no_address(kind: str) -> None:
    among = resources_with(**KINDS[kind])

    for rule in of_type("AWS::EC2::SecurityGroupIngress", among).values():
        assert not {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & set(rule)
        assert rule["FromPort"] == rule["ToPort"]
    assert all(
        "SecurityGroupIngress" not in group for group in of_type("AWS::EC2::SecurityGroup", among).values()
    )


def test_without_endpoints_of_ours_the_functions_reach_https_and_nothing_else() -> None:
    among = resources_with(CreateVpcEndpoints="false")
    rules = of_type("AWS::EC2::SecurityGroup", among)["FunctionsSecurityGroup"]["SecurityGroupEgress"]

    assert [(rule["FromPort"], rule["ToPort"]) for rule in rules if "CidrIp" in rule] == [(443, 443)]
    assert of_type("AWS::EC2::VPCEndpoint", among) == {}


def endpoint_actions() -> dict[str, set[str]]:
    """Service → the actions that its endpoint lets through."""
    return {
        endpoint["ServiceName"].rpartition(".")[2]: {
            action
            for statement in each_statement(endpoint["PolicyDocument"])
            for action in statement["Action"]
        }
        for endpoint in of_type("AWS::EC2::VPCEndpoint").values()
    }


@pytest.mark.parametrize("function", sorted(functions()))
def test_the_endpoints_let_through_what_a_function_s_role_allows(function: str) -> None:
    needed = {action for statement in statements(function) for action in statement["Action"]}
    let_through = {action for actions in endpoint_actions().values() for action in actions}

    # The login to the proxy is no call, and Lambda itself sends what failed to the queue.
    assert needed - {"rds-db:connect", "sqs:SendMessage"} <= let_through


def test_the_endpoints_serve_this_account_alone() -> None:
    assert set(endpoint_actions()) == {"kms", "events"}
    for endpoint in of_type("AWS::EC2::VPCEndpoint").values():
        for statement in each_statement(endpoint["PolicyDocument"]):
            assert statement["Condition"]["StringEquals"] == {"aws:PrincipalAccount": "123456789012"}
            assert statement["Resource"] != "*"


def test_the_endpoint_lets_through_signing_by_the_roles_that_sign_alone() -> None:
    """By whatever keys the product's setting names."""
    kms = of_type("AWS::EC2::VPCEndpoint")["KmsEndpoint"]
    [signing] = [s for s in each_statement(kms["PolicyDocument"]) if "kms:Sign" in s["Action"]]

    assert signing["Condition"]["ArnEquals"] == {
        "aws:PrincipalArn": [
            f"{name}FunctionRole.Arn" for name in ("Issue", "Refresh", "Revocations", "RotateKeys")
        ]
    }


def test_the_endpoints_take_nobody_s_traffic_but_ours_and_a_second_stack_in_the_vpc_makes_its_own() -> None:
    """With private DNS the Region's name for KMS leads the whole VPC to an endpoint that lets only our functions
    in, and no second endpoint can have it (AWS PrivateLink guide, «Access an AWS service», private DNS)."""
    assert [e["PrivateDnsEnabled"] for e in of_type("AWS::EC2::VPCEndpoint").values()] == [False, False]


def test_the_functions_ask_at_the_endpoints_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {k: v for k, v in variables("issue").items() if k.startswith("AWS_ENDPOINT_URL_")}
    assert theirs == {
        "AWS_ENDPOINT_URL_KMS": "https://KmsEndpoint.test",
        "AWS_ENDPOINT_URL_EVENTBRIDGE": "https://EventsEndpoint.test",
    }

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # of a KMS that other tests have started
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    asked = {s: boto3.client(s, region_name=REGION).meta.endpoint_url for s in ("kms", "events", "sqs")}

    assert asked["kms"] == "https://KmsEndpoint.test"
    assert asked["events"] == "https://EventsEndpoint.test"
    assert asked["sqs"].endswith(".amazonaws.com")


def test_without_endpoints_of_ours_the_functions_ask_where_everybody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK takes an empty variable for none."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    among = of_type("AWS::Lambda::Function", resources_with(CreateVpcEndpoints="false"))

    asked = [
        v for f in among.values() for n, v in f["Environment"]["Variables"].items() if n.startswith("AWS_")
    ]
    assert set(asked) == {""}

    usual = boto3.client("kms", region_name=REGION).meta.endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "")
    assert boto3.client("kms", region_name=REGION).meta.endpoint_url == usual
    assert usual.endswith(".amazonaws.com")


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_runs_in_the_private_subnets(function: str) -> None:
    assert resources()[functions()[function]]["Properties"]["VpcConfig"] == {
        "SubnetIds": ["subnet-00000001", "subnet-00000002"],
        "SecurityGroupIds": ["FunctionsSecurityGroup"],
    }


def test_the_proxy_takes_iam_logins_over_tls_alone() -> None:
    [proxy] = of_type("AWS::RDS::DBProxy").values()

    assert proxy["RequireTLS"] is True
    assert proxy["EngineFamily"] == "MYSQL"
    assert [(a["AuthScheme"], a["IAMAuth"], a["SecretArn"]) for a in proxy["Auth"]] == [
        ("SECRETS", "REQUIRED", f"{name}Secret") for name in ("Reader", "Writer", "Migrator")
    ]


def test_the_proxy_gives_up_on_a_connection_before_the_functions_do_and_hides_no_pinning() -> None:
    [group] = of_type("AWS::RDS::DBProxyTargetGroup").values()
    pool = group["ConnectionPoolConfigurationInfo"]

    assert pool["ConnectionBorrowTimeout"] < 3  # the timeout for a statement in bootstrap/container.py
    assert "SessionPinningFilters" not in pool


@pytest.mark.parametrize("given", [{}, EXISTING], ids=["new", "existing"])
def test_no_lock_is_waited_for_longer_than_a_function_waits_and_local_servers_do_the_same(
    given: dict[str, str],
) -> None:
    [group] = of_type("AWS::RDS::DBProxyTargetGroup", resources_with(**given)).values()
    query = group["ConnectionPoolConfigurationInfo"]["InitQuery"]

    assert query == f"SET innodb_lock_wait_timeout = {LOCK_WAIT_S}, lock_wait_timeout = {LOCK_WAIT_S}"
    assert DatabaseConfig("", 0, "", "", "").timeout_s > LOCK_WAIT_S
    assert query in Path("docs/how-to/deploy.md").read_text()


@pytest.mark.parametrize(
    ("given", "clusters", "instances"),
    [
        ({}, ["Database"], None),
        (EXISTING, ["portal"], None),
        ({**EXISTING, "DbClusterId": "", "DbInstanceId": "portal-1"}, None, ["portal-1"]),
    ],
    ids=["new", "a cluster", "an instance"],
)
def test_the_proxy_stands_before(
    given: dict[str, str], clusters: list[str] | None, instances: list[str] | None
) -> None:
    [group] = of_type("AWS::RDS::DBProxyTargetGroup", resources_with(**given)).values()

    assert (group.get("DBClusterIdentifiers"), group.get("DBInstanceIdentifiers")) == (clusters, instances)


@EACH_KIND
def test_a_database_and_a_proxy_are_made_only_where_there_is_none(kind: str) -> None:
    among = resources_with(**KINDS[kind])

    assert bool(of_type("AWS::RDS::DBCluster", among)) == (kind == "new")
    assert bool(of_type("AWS::RDS::DBProxy", among)) == (kind != "existing-proxy")
    assert bool(of_type("AWS::SecretsManager::Secret", among)) == (kind != "existing-proxy")


@EACH_KIND
def test_functions_connect_to_the_proxy(kind: str) -> None:
    among = resources_with(**KINDS[kind])
    variables = among["IssueFunction"]["Properties"]["Environment"]["Variables"]

    assert variables["DB_HOST"] == ("proxy.test" if kind == "existing-proxy" else "Proxy.Endpoint")


@EACH_KIND
def test_nothing_names_a_resource_that_is_not_made(kind: str) -> None:
    among = resources_with(**KINDS[kind])
    absent = set(written()["Resources"]) - set(among)
    texts = set(_texts(among))

    assert not {text for text in texts if text.split(".")[0] in absent}


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for value in node.values() for text in _texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value)]
    return [node] if isinstance(node, str) else []


def test_the_database_for_trials_is_encrypted_asks_for_tls_and_leaves_a_snapshot() -> None:
    [cluster] = of_type("AWS::RDS::DBCluster").values()
    [parameters] = of_type("AWS::RDS::DBClusterParameterGroup").values()
    [instance] = of_type("AWS::RDS::DBInstance").values()

    assert cluster["StorageEncrypted"] is True
    # A version left open follows RDS's default into another family one day, and the parameters do not.
    assert parameters["Family"] == f"aurora-mysql{cluster['EngineVersion'][:3]}"
    assert cluster["ManageMasterUserPassword"] is True
    assert parameters["Parameters"]["require_secure_transport"] == "ON"
    assert instance["PubliclyAccessible"] is False
    assert written()["Resources"]["Database"]["DeletionPolicy"] == "Snapshot"
    assert written()["Resources"]["Database"]["UpdateReplacePolicy"] == "Snapshot"


@pytest.mark.parametrize(("stage", "kept"), [("dev", False), ("stage", False), ("prod", True)])
def test_a_database_of_prod_cannot_be_deleted(stage: str, kept: bool) -> None:
    [cluster] = of_type("AWS::RDS::DBCluster", resources_with(Stage=stage)).values()

    assert cluster["DeletionProtection"] is kept
    assert cluster["BackupRetentionPeriod"] == (35 if kept else 7)
