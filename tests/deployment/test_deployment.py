"""The documentation's commands, from an empty account to an empty one, on an emulator that is not ours."""

import base64
import contextlib
import json
import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from argon2 import PasswordHasher

from tests.deployment.account import ACCOUNT, KEY, REGION, Account, aws_cli
from tests.deployment.checkout import Checkout, CommandFailed, filled
from tests.deployment.portal import Portal
from tests.docs.markdown import DOCS, README, ROOT, code_blocks

PAGE = DOCS / "deploy.md"
JOBS_PAGE = ROOT / "examples" / "jobs-api" / "README.md"
USER, PASSWORD = "alice@example.com", "correct horse battery staple"
STACK = "auth-tokens"
FOUNDATION = f"{STACK}-foundation"
RUNBOOK = (DOCS / "runbook.md").read_text("utf-8")
OLD_TTL_S, NEW_TTL_S = 600, 300
# A change of the code that anybody can see, and a resource that cannot be made, after that code is live.
_METADATA = "server_metadata(SETTINGS.issuer, SETTINGS.clients)"
NEW_CODE = (_METADATA, f'{{**{_METADATA}, "service_documentation": "https://tokens.example/docs"}}')
BROKEN = """\
  Second:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref DiscoveryFunction
      FunctionVersion: $LATEST
      Name: live
      Description: !Ref DiscoveryFunction.Alias
"""
OF_THE_PROXY_S_OWNER = {
    "SECRETS=": 'SECRETS="$STACK/reader $STACK/writer $STACK/migrator"',
    "administrator() { cat; }": "administrator() { mysql --host portal.example --user admin --password portal; }",
}
WARM_UP = (
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/auth/login"),
    ("POST", "/auth/token"),
    ("POST", "/auth/revoke"),
    ("GET", "/auth/session"),
)
START_S = 120
# Of template.yaml: what a revocation may take at the authorizer, and how long this machine may take besides.
REVOCATION_S, SLOW_MACHINE_S = 5, 5


def block(page: Path, part: str) -> str:
    """The one shell script of a page that has this part."""
    [found] = [script for script in code_blocks(page, "bash") if part in script]
    return found


class Deployed:
    """What the tests ask of the account that was deployed into."""

    def __init__(self, account: Account, portal: Portal, operator: Checkout, session: boto3.Session) -> None:
        self.account = account
        self.portal = portal
        self.operator = operator
        self._session = session

    def aws(self, service: str) -> Any:
        return self._session.client(
            service,
            endpoint_url=self.account.environment["AWS_ENDPOINT_URL"],
            verify=str(self.account.ca_file),
        )

    def outputs(self, stack: str) -> dict[str, str]:
        [found] = self.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def live_versions(self) -> dict[str, str]:
        """The version behind `live`, by function."""
        lambdas = self.aws("lambda")
        names = [
            f["FunctionName"]
            for page in lambdas.get_paginator("list_functions").paginate()
            for f in page["Functions"]
        ]
        return {
            name: lambdas.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
            for name in names
            if name.startswith(f"{STACK}-")
        }

    def curl(self, url: str, *options: str) -> tuple[int, Any]:
        """Status and body, parsed where it is JSON."""
        quoted = " ".join(f"'{option}'" for option in options)
        said = self.operator.run(f"curl -s -w '\\n%{{http_code}}' {quoted} '{url}'", quiet=True)
        body, _, status = said.rpartition("\n")
        with contextlib.suppress(ValueError):
            return int(status), json.loads(body)
        return int(status), body

    def warm_up(self) -> None:
        """Has each function started that people call."""
        api = self.outputs(STACK)["ApiUrl"]
        for method, path in WARM_UP:
            self.until_started(f"{api}{path}", "-X", method)

    def until_started(self, url: str, *options: str) -> None:
        """On a busy machine a function's start may take longer than its Timeout."""
        until = time.monotonic() + START_S
        while (answer := self.curl(url, *options))[0] >= 500:
            assert time.monotonic() < until, (url, answer)

    def login(self) -> Any:
        body = json.dumps({"username": USER, "password": PASSWORD})
        status, answer = self.curl(
            f"{self.outputs(STACK)['ApiUrl']}/auth/login", "-H", "Content-Type: application/json", "-d", body
        )
        assert status == 200, answer
        return answer


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("d")
    session = boto3.Session(KEY.access_key, KEY.secret_key, region_name=REGION)
    with Account(folder) as account:
        manager = session.client(
            "secretsmanager",
            endpoint_url=account.environment["AWS_ENDPOINT_URL"],
            verify=str(account.ca_file),
        )
        with Portal(folder, manager).started() as portal:
            aws_cli(portal.programs)
            path = f"{portal.programs}:{os.environ['PATH']}"
            operator = Checkout(folder / "checkout", {**account.environment, "PATH": path})
            yield Deployed(account, portal, operator, session)


def test_from_an_empty_account_to_an_empty_one(deployed: Deployed) -> None:
    the_first_deployment(deployed)
    the_first_token(deployed)
    another_team_s_api(deployed)
    a_failing_update(deployed)
    before = an_upgrade(deployed)
    the_quick_start(deployed)
    one_function_goes_back(deployed, before)
    the_teardown(deployed)
    the_keys_are_taken_over(deployed)


def the_first_deployment(deployed: Deployed) -> None:
    """By the path for production, with an existing proxy."""
    ec2, portal = deployed.aws("ec2"), deployed.portal
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    group = ec2.create_security_group(
        GroupName="portal", Description="The Portal's proxy", VpcId=vpc["VpcId"]
    )
    record(
        deployed,
        "prod-foundation",
        PortalEventPrincipals=f"arn:aws:iam::{ACCOUNT}:role/portal",
        VpcId=vpc["VpcId"],
        SubnetIds=",".join(subnets[:2]),
        CreateVpcEndpoints="false",
        DatabaseKind="existing-proxy",
        DbClusterId=None,
        DbSecurityGroupId=group["GroupId"],
        DbHost=portal.proxy.host,
        DbResourceId="prx-0123456789abcdef0",
        DbName=portal.schema,
        DbPort=str(portal.proxy.port),
    )
    record(deployed, "prod", DbCaFile=str(portal.proxy.ca_file))
    record(deployed, "prod-operations", AlarmTopicArn=None)
    deployed.operator.run(block(PAGE, "for class in reader writer migrator"))
    secrets = '"$STACK/reader $STACK/writer $STACK/migrator"'
    # The account has no domain: as in a trial, the API's own address is the issuer.
    here = {
        "SECRETS=   ": f"SECRETS={secrets}   ",
        "--parameter-overrides DatabaseTables": "--parameter-overrides Issuer=$(out ApiUrl) DatabaseTables",
    }

    printed = deployed.operator.run(filled(block(PAGE, "prod-foundation --parameter-overrides"), here))

    api = deployed.outputs(STACK)["ApiUrl"]
    assert deployed.curl(f"{api}/.well-known/oauth-authorization-server")[1]["issuer"] == api
    assert re.search(r'"applied": \[[^\]]*"0001', printed), "the migrations ran"
    assert portal.proxy.users == {"auth_tokens_migrator"}
    assert portal.proxy.refusals == []
    assert set(deployed.live_versions().values()) == {"2"}, "each function's second version is live"
    dashboards = deployed.aws("cloudwatch").list_dashboards()["DashboardEntries"]
    assert [dashboard["DashboardName"] for dashboard in dashboards] == [STACK]


def the_first_token(deployed: Deployed) -> None:
    [insert] = re.findall(r'"(INSERT INTO auth_users [^"]*)"', PAGE.read_text("utf-8"))
    deployed.portal.execute(insert.replace("$HASH", PasswordHasher().hash(PASSWORD)))
    deployed.warm_up()
    trial = block(PAGE, "HASH=")
    [out] = re.findall(r"^out\(\).*", trial, re.MULTILINE)
    [first] = re.findall(r"^curl .*/auth/login.*", trial, re.MULTILINE)

    tokens = json.loads(deployed.operator.run(f"STACK={STACK}\n{out}\n{first.replace('…', PASSWORD)}"))

    claims = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))
    assert claims["iss"] == deployed.outputs(STACK)["ApiUrl"]
    assert claims["exp"] - claims["iat"] == 600
    issuer = claims["iss"]
    assert (
        deployed.curl(f"{issuer}/auth/session", "-H", f"Authorization: Bearer {tokens['access_token']}")[0]
        == 200
    )
    grant = ["-d", "grant_type=refresh_token", "-d", f"refresh_token={tokens['refresh_token']}"]
    status, refreshed = deployed.curl(f"{issuer}/auth/token", *grant)
    assert status == 200
    bearer = f"Authorization: Bearer {refreshed['access_token']}"
    assert deployed.curl(f"{issuer}/auth/logout", "-X", "POST", "-H", bearer)[0] == 204
    assert deployed.curl(f"{issuer}/auth/session", "-H", bearer)[0] == 401


def another_team_s_api(deployed: Deployed) -> None:
    deployed.operator.run(
        filled(block(JOBS_PAGE, "--stack-name jobs"), {"STACK=auth-tokens": f"STACK={STACK}"})
    )
    jobs, issuer = deployed.outputs("jobs"), deployed.outputs(STACK)["ApiUrl"]
    bearer = f"Authorization: Bearer {deployed.login()['access_token']}"
    # docs/authorizer.md, «What the caller is told»: an HTTP API has one answer to whoever it refuses.
    refusals = {f"{jobs['HttpApiUrl']}/jobs": 403, f"{jobs['RestApiUrl']}/jobs": 401}
    for url, refused in refusals.items():
        deployed.until_started(url, "-H", bearer)
        assert deployed.curl(url, "-H", bearer)[0] == 200, url
        assert deployed.curl(url)[0] == refused, url
        assert deployed.curl(url, "-H", f"{bearer}x")[0] == refused, url

    assert deployed.curl(f"{issuer}/auth/logout", "-X", "POST", "-H", bearer)[0] == 204

    until = time.monotonic() + REVOCATION_S + SLOW_MACHINE_S
    for url, refused in refusals.items():
        while (status := deployed.curl(url, "-H", bearer)[0]) == 200 and time.monotonic() < until:
            time.sleep(0.2)
        assert status == refused, url


def the_quick_start(deployed: Deployed) -> None:
    """The README's life of a token, each call of it."""
    jobs = deployed.outputs("jobs")
    here = {
        "http://127.0.0.1:3000": deployed.outputs(STACK)["ApiUrl"],
        "local:local-secret": f"{KEY.access_key}:{KEY.secret_key}",
        "$BASE/examples/http": jobs["HttpApiUrl"],
        "$BASE/examples/rest": jobs["RestApiUrl"],
    }
    strict = 'curl() { command curl --fail-with-body "$@"; }\n'

    printed = deployed.operator.run(strict + filled(block(README, "BASE="), here))

    assert '"active": true' in printed
    assert deployed.portal.proxy.pins == []
    assert deployed.portal.proxy.refusals == []


def a_failing_update(deployed: Deployed) -> None:
    """Code and a setting are new and reach `live`; then a resource cannot be made."""
    before = deployed.live_versions()
    api = deployed.outputs(STACK)["ApiUrl"]
    # The quick start lists and ends sessions by bearer tokens; its local client has the scope for that.
    record(deployed, "prod", Issuer=api, AccessTtlS=str(NEW_TTL_S), AccountScope="portal:read")
    deployed.operator.change("functions/discovery/app.py", *NEW_CODE)
    deployed.operator.change("template.yaml", "\nResources:\n", f"\nResources:\n{BROKEN}")

    with pytest.raises(CommandFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deployed.operator.run(filled(block(PAGE, "update-function-code"), OF_THE_PROXY_S_OWNER))

    [stack] = deployed.aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert deployed.live_versions() == before
    deployed.warm_up()
    assert not has_new_code(deployed)
    assert deployed.login()["expires_in"] == OLD_TTL_S


def an_upgrade(deployed: Deployed) -> dict[str, str]:
    """Returns the versions that were live before."""
    before = deployed.live_versions()
    deployed.operator.change("template.yaml", BROKEN, "")

    deployed.operator.run(filled(block(PAGE, "update-function-code"), OF_THE_PROXY_S_OWNER))

    after = deployed.live_versions()
    assert after.keys() == before.keys()
    assert [name for name in after if int(after[name]) <= int(before[name])] == []
    deployed.warm_up()
    assert has_new_code(deployed)
    assert deployed.login()["expires_in"] == NEW_TTL_S
    return before


def one_function_goes_back(deployed: Deployed, live_before: Mapping[str, str]) -> None:
    """By the runbook's two commands."""
    [name] = [name for name in deployed.live_versions() if "Discovery" in name]
    before, now = live_before[name], deployed.live_versions()[name]
    [listing] = re.findall(r"^ +(aws lambda list-versions-by-function .*)", RUNBOOK, re.MULTILINE)
    [moving] = re.findall(r"^ +(aws lambda update-alias .*)", RUNBOOK, re.MULTILINE)
    listed = json.loads(deployed.operator.run(filled(listing, {"FUNCTION": name})))
    assert {before, now} < {version for version, _ in listed}

    deployed.operator.run(filled(moving, {"FUNCTION": name, "NUMBER": before}))

    assert not has_new_code(deployed)
    deployed.operator.run(filled(moving, {"FUNCTION": name, "NUMBER": now}))
    assert has_new_code(deployed)


def the_teardown(deployed: Deployed) -> None:
    """What remains is what the page says."""
    deployed.operator.run(".venv-sam/bin/sam delete --stack-name jobs")
    deployed.operator.run(filled(block(PAGE, "sam delete"), {"auth-tokens-dev": STACK}))

    stacks = deployed.aws("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["aws-sam-cli-managed-default"]
    assert sorted(kept_keys(deployed)) == ["Encrypts", "Wraps"]
    owners = {secret["Name"] for secret in deployed.aws("secretsmanager").list_secrets()["SecretList"]}
    assert owners == {f"{STACK}/{name}" for name in ("reader", "writer", "migrator")}
    assert left_over(deployed) == {"layers": [f"{STACK}-shared"]}
    assert deployed.portal.execute("SELECT count(*) FROM auth_user_tokens")[0][0] > 0
    [[users]] = deployed.portal.execute(
        "SELECT count(*) FROM mysql.user WHERE user LIKE 'auth\\_tokens\\_%%'"
    )
    assert users == 3


def the_keys_are_taken_over(deployed: Deployed) -> None:
    """By a foundation that is made again."""
    here = {
        "auth-tokens-dev": STACK,
        "ID-OF-THE-TOKEN-KEY": kept_keys(deployed)["Wraps"],
        "ID-OF-THE-OPERATIONS-KEY": kept_keys(deployed)["Encrypts"],
        "--config-env dev-foundation": "--config-env prod-foundation",
    }

    deployed.operator.run(filled(block(PAGE, "--change-set-type IMPORT"), here))

    outputs = deployed.outputs(FOUNDATION)
    assert outputs["TokenKeyArn"].endswith(here["ID-OF-THE-TOKEN-KEY"])
    assert outputs["OperationsKeyArn"].endswith(here["ID-OF-THE-OPERATIONS-KEY"])
    policy = deployed.aws("kms").get_key_policy(KeyId=outputs["TokenKeyArn"])["Policy"]
    assert "UnwrapSigningKeys" in policy
    assert set(kept_keys(deployed).values()) == {
        here["ID-OF-THE-TOKEN-KEY"],
        here["ID-OF-THE-OPERATIONS-KEY"],
    }


def kept_keys(deployed: Deployed) -> dict[str, str]:
    """The ids of the account's own keys, by the first word of what they are for."""
    kms = deployed.aws("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return {
        key["Description"].split()[0]: key["KeyId"]
        for key in keys
        if key["Enabled"] and key["KeyManager"] == "CUSTOMER"
    }


def left_over(deployed: Deployed) -> dict[str, list[str]]:
    """What else the account holds whose name begins with the stack's, by kind."""
    logs, events, queues = deployed.aws("logs"), deployed.aws("events"), deployed.aws("sqs")
    found = {
        "functions": [f["FunctionName"] for f in deployed.aws("lambda").list_functions()["Functions"]],
        "layers": [layer["LayerName"] for layer in deployed.aws("lambda").list_layers()["Layers"]],
        "APIs": [api["Name"] for api in deployed.aws("apigatewayv2").get_apis()["Items"]],
        "log groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        "roles": [role["RoleName"] for role in deployed.aws("iam").list_roles()["Roles"]],
        "buses": [bus["Name"] for bus in events.list_event_buses()["EventBuses"]],
        "queues": queues.list_queues().get("QueueUrls", []),
        "schedules": [one["Name"] for one in deployed.aws("scheduler").list_schedules()["Schedules"]],
        "parameters": [one["Name"] for one in deployed.aws("ssm").describe_parameters()["Parameters"]],
        "groups": [g["GroupName"] for g in deployed.aws("ec2").describe_security_groups()["SecurityGroups"]],
    }
    ours = {kind: [name for name in names if STACK in name] for kind, names in found.items()}
    return {kind: names for kind, names in ours.items() if names}


def record(deployed: Deployed, environment: str, **values: str | None) -> None:
    """Sets parameters of an environment of samconfig.toml; None takes one out."""
    file = deployed.operator.folder / "samconfig.toml"
    head, mark, rest = file.read_text("utf-8").partition(f"[{environment}.deploy.parameters]")
    kept = tomllib.loads(mark + rest)[environment]["deploy"]["parameters"]["parameter_overrides"]
    set_to = {**dict(pair.split("=", 1) for pair in kept), **values}
    pairs = [f"{name}={value}" for name, value in set_to.items() if value is not None]
    line = f"parameter_overrides = {json.dumps(pairs)}\n"
    written = re.sub(r"parameter_overrides = \[.*?\]\n", line, rest, count=1, flags=re.DOTALL)
    file.write_text(head + mark + written, "utf-8")


def has_new_code(deployed: Deployed) -> bool:
    status, metadata = deployed.curl(
        f"{deployed.outputs(STACK)['ApiUrl']}/.well-known/oauth-authorization-server"
    )
    assert status == 200
    return "service_documentation" in metadata
