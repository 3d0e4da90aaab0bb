"""The documentation's commands, from an empty account to an empty one, on an emulator that is not ours."""

import base64
import contextlib
import json
import os
import re
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from argon2 import PasswordHasher

from tests.conformance.scenarios import device_scenarios, scenarios
from tests.deployment.account import ACCOUNT, DOMAIN, KEY, REGION, Account, aws_cli
from tests.deployment.checkout import NEW_CODE, Checkout, CommandFailed, filled
from tests.deployment.portal import Portal
from tests.docs.markdown import BY_CURL, DEPLOY_PAGES, DOCS, ROOT, code_blocks

EDGE_PAGE = ROOT / "examples" / "edge" / "README.md"
JOBS_PAGE = ROOT / "examples" / "jobs-api" / "README.md"
USER, PASSWORD = "alice@example.com", "correct horse battery staple"
STACK = "auth-tokens"
FOUNDATION = f"{STACK}-foundation"
RUNBOOK = (DOCS / "runbook" / "a-function-fails.md").read_text("utf-8")
OLD_TTL_S, NEW_TTL_S = 600, 300
# A resource that cannot be made, after the new code is live.
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
COMMAND = f"TOKENS_STACK={STACK} .venv/bin/python -m tokens_command {{}} </dev/null"
ROUNDS, PARALLEL = 2, (2, 8)
EDGE_REGION = "us-east-1"
_ISSUER = f"https://API.execute-api.{REGION}.amazonaws.com"
DIFFERS = {
    r"https://\w+(?=\.execute-api\.)": "https://API",
    r"\d+ s (behind|ahead of|off)": "N s off",
    r"\d+(?= migrations)": "N",
    r"(?<=The key )\S+": "KID",
    r"(?<=The rule )\S+": "RULE",
}
ALARMS = sum(
    (ROOT / f"{stack}.yaml").read_text("utf-8").count("Type: AWS::CloudWatch::Alarm")
    for stack in ("template", "operations")
)
# What `doctor` says of the stacks here, where nothing is wrong.
FOUND_WELL = f"""\
The stack {STACK} is at rest (UPDATE_COMPLETE).
The stack {STACK}-foundation is at rest (CREATE_COMPLETE).
The stack {STACK}-operations is at rest (CREATE_COMPLETE).
The API at {_ISSUER} gives 200 for its metadata.
The issuer is {_ISSUER}, and is served there.
The clock there is N s off this machine's.
2 public keys are published.
AnalyticsFunction is active, and live is its latest version 2.
AuthorizerFunction is active, and live is its latest version 2.
CleanupFunction is active, and live is its latest version 2.
ConsoleFunction is active, and live is its latest version 2.
DiscoveryFunction is active, and live is its latest version 2.
IntrospectFunction is active, and live is its latest version 2.
IssueFunction is active, and live is its latest version 2.
MigrateFunction is active, and live is its latest version 2.
RefreshFunction is active, and live is its latest version 2.
RevocationsFunction is active, and live is its latest version 2.
RevokeFunction is active, and live is its latest version 2.
RotateKeysFunction is active, and live is its latest version 2.
SessionsFunction is active, and live is its latest version 2.
The schema is up to date (N migrations).
The database's clock is N s off the functions'.
The reader can log in and has its rights.
The writer can log in and has its rights.
The migrator can log in and has its rights.
The Portal's tables fit the mapping.
The key KID (metadata) is in use for 0 days.
The key KID (signing) is in use for 0 days.
The key KID (token-chain) is in use for 0 days.
TokenKey is enabled and rotates.
OperationsKey is enabled and rotates.
PortalEventBus is there.
SecurityEventBus is there.
The schedule {STACK}-cleanup is on.
The schedule {STACK}-analytics is on.
The schedule {STACK}-rotate-keys is on.
The rule RULE is on.
DeadLetterQueue is empty.
None of {ALARMS} alarms is in ALARM."""
# Of template.yaml: what a revocation may take at the authorizer, and how long this machine may take besides.
REVOCATION_S, SLOW_MACHINE_S = 5, 5


def block(pages: Iterable[Path], part: str) -> str:
    """The one shell script of these pages that has this part."""
    [found] = [script for page in pages for script in code_blocks(page, "bash") if part in script]
    return found


class Deployed:
    """What the tests ask of the account that was deployed into."""

    def __init__(self, account: Account, portal: Portal, operator: Checkout, session: boto3.Session) -> None:
        self.account = account
        self.portal = portal
        self.operator = operator
        self._session = session

    def aws(self, service: str, region: str = REGION) -> Any:
        return self._session.client(
            service,
            region_name=region,
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
    a_wrong_combination(deployed)
    the_first_deployment(deployed)
    the_first_token(deployed)
    it_is_well(deployed)
    it_conforms(deployed)
    an_operator_s_command(deployed)
    another_team_s_api(deployed)
    a_failing_update(deployed)
    before = an_upgrade(deployed)
    the_quick_start(deployed)
    one_function_goes_back(deployed, before)
    the_edge(deployed)
    the_teardown(deployed)
    the_keys_are_taken_over(deployed)


def a_wrong_combination(deployed: Deployed) -> None:
    """Refused before anything is made, by the sentence of the template's rule; then right."""
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
        DbResourceId="prx-0123456789abcdef0",
        DbName=portal.schema,
        DbPort=str(portal.proxy.port),
    )

    with pytest.raises(CommandFailed, match="DatabaseKind existing-proxy needs DbHost"):
        deployed.operator.run(".venv-sam/bin/sam deploy --config-env prod-foundation")

    assert not deployed.aws("kms").list_keys()["Keys"]
    record(deployed, "prod-foundation", DbHost=portal.proxy.host)


def the_first_deployment(deployed: Deployed) -> None:
    """By the path for production, with an existing proxy."""
    portal = deployed.portal
    # The tutorial and the conformance suite end sessions and devices by bearer tokens, as a local client may, and the
    # tutorial reads what was revoked.
    record(
        deployed,
        "prod",
        DbCaFile=str(portal.proxy.ca_file),
        AccountScope="portal:read",
        RevocationsRoute="public",
    )
    record(deployed, "prod-operations", AlarmTopicArn=None)
    deployed.operator.run(block(DEPLOY_PAGES, "for class in reader writer migrator"))
    secrets = '"$STACK/reader $STACK/writer $STACK/migrator"'
    # The account has no domain: as in a trial, the API's own address is the issuer.
    here = {
        "SECRETS=   ": f"SECRETS={secrets}   ",
        "--parameter-overrides DatabaseTables": "--parameter-overrides Issuer=$(out ApiUrl) DatabaseTables",
    }

    printed = deployed.operator.run(
        filled(block(DEPLOY_PAGES, "prod-foundation --parameter-overrides"), here)
    )

    api = deployed.outputs(STACK)["ApiUrl"]
    assert deployed.curl(f"{api}/.well-known/oauth-authorization-server")[1]["issuer"] == api
    assert re.search(r'"applied": \[[^\]]*"0001', printed), "the migrations ran"
    assert portal.proxy.users == {"auth_tokens_migrator"}
    assert portal.proxy.refusals == []
    assert set(deployed.live_versions().values()) == {"2"}, "each function's second version is live"
    dashboards = deployed.aws("cloudwatch").list_dashboards()["DashboardEntries"]
    assert [dashboard["DashboardName"] for dashboard in dashboards] == [STACK]


def the_first_token(deployed: Deployed) -> None:
    [insert] = re.findall(
        r'"(INSERT INTO auth_users [^"]*)"', (DOCS / "how-to" / "deploy.md").read_text("utf-8")
    )
    deployed.portal.execute(insert.replace("$HASH", PasswordHasher().hash(PASSWORD)))
    deployed.warm_up()
    trial = block(DEPLOY_PAGES, "HASH=")
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


def it_is_well(deployed: Deployed) -> None:
    """By the page's own commands. A step that is wrong is found, too: the sign-in by a wrong password."""
    smoke(deployed, PASSWORD)
    with pytest.raises(CommandFailed, match=f"WRONG {USER} cannot sign in: POST /auth/login gives 401"):
        smoke(deployed, "another")

    found = doctor(deployed)
    assert (found["WRONG"], found["?"]) == ([], [])
    assert "\n".join(found["ok"]) == FOUND_WELL


def smoke(deployed: Deployed, password: str) -> None:
    """Raises CommandFailed where a step is wrong."""
    [command] = re.findall(r"^DEPLOY_PROBE_PASSWORD=.*", block(DEPLOY_PAGES, " doctor\n"), re.MULTILINE)
    here = {"PASSWORD=…": f"PASSWORD='{password}'", "probe@example.com": USER}
    deployed.operator.run(deployed.account.by_name + filled(command, here))


def doctor(deployed: Deployed) -> dict[str, list[str]]:
    """Its sentences by their marks, what differs from run to run taken out."""
    [command] = re.findall(r"^\S+ -m deploy \S+ doctor$", block(DEPLOY_PAGES, " doctor\n"), re.MULTILINE)
    printed = deployed.operator.run(f"{deployed.account.by_name}{command} || [ $? = 1 ]")
    for pattern, text in DIFFERS.items():
        printed = re.sub(pattern, text, printed)
    said: dict[str, list[str]] = {"ok": [], "WRONG": [], "?": [], "note": []}
    for line in printed.splitlines():
        mark, sentence = line.split(maxsplit=1)
        said[mark].append(sentence)
    return said


def it_conforms(deployed: Deployed) -> None:
    """A call that comes while another runs starts a process of its own here: their number is bounded, and they are
    started beforehand, as on a busy machine that may take longer than a function has."""
    [[user_id]] = deployed.portal.execute("SELECT id FROM auth_users WHERE username = %s", USER)
    as_operator = (
        f"export CONFORMANCE_USERS={user_id} CONFORMANCE_ACCESS_KEY={KEY.access_key}"
        f" CONFORMANCE_SECRET_KEY={KEY.secret_key}\n"
    )
    suite = (
        f".venv/bin/python -m tests.conformance --base-url {deployed.outputs(STACK)['ApiUrl']}"
        f" --parallel {','.join(map(str, PARALLEL))}"
    )
    starts = f"{suite} --rounds 1 --only parallel || true"

    printed = deployed.operator.run(
        f"{deployed.account.by_name}{as_operator}{starts}\necho of the test:\n{suite} --rounds {ROUNDS}"
    )

    tried = [line for line in printed.partition("of the test:")[2].splitlines() if f" {ROUNDS}  " in line]
    assert len(tried) == len([*scenarios(PARALLEL), *device_scenarios(PARALLEL)])
    assert all("| yes " in line for line in tried)


def an_operator_s_command(deployed: Deployed) -> None:
    """`tokens --stack`: it finds the API by the stack's outputs, and signs by the account's credentials."""
    session = deployed.login()
    sid = session["session_id"]
    found = tokens(deployed, f"whois {session['access_token']}")
    assert (found["username"], found["row"]["state"]) == (USER, "live")
    assert sid in live_sessions(deployed)

    for refused, told in (
        (f"revoke {USER} --reason trial", "Nothing was changed: confirm it by --yes"),
        ("whois nobody@example.com", "is no "),
        ("whois alice --stack another", "another"),
    ):
        with pytest.raises(CommandFailed, match=told):
            tokens(deployed, refused)
    assert sid in live_sessions(deployed)

    tokens(deployed, f"end {sid} --reason 'a lost phone' --yes")
    assert sid not in live_sessions(deployed)
    tokens(deployed, f"revoke {USER} --reason trial --yes")
    assert live_sessions(deployed) == set()

    [event] = tokens(deployed, f"events --type session_revoked --session {sid}")["events"]
    assert (event["user_id"], event["detail"]["note"]) == (found["user_id"], "a lost phone")
    assert event["detail"]["actor"].endswith(f"{ACCOUNT}:root")
    assert len(tokens(deployed, "keys")["keys"]) >= 3
    assert tokens(deployed, "debt")["dead_letters"] == 0
    deployed.operator.run(deployed.account.by_name + COMMAND.format("cleanup"))


def live_sessions(deployed: Deployed) -> set[str]:
    return {session["session_id"] for session in tokens(deployed, f"sessions {USER}")["sessions"]}


def tokens(deployed: Deployed, command: str) -> Any:
    """What it prints as JSON. Raises CommandFailed where its exit code is not 0."""
    return json.loads(deployed.operator.run(f"{deployed.account.by_name}{COMMAND.format(command)} --json"))


def another_team_s_api(deployed: Deployed) -> None:
    deployed.operator.run(
        filled(block((JOBS_PAGE,), "--stack-name jobs"), {"STACK=auth-tokens": f"STACK={STACK}"})
    )
    jobs, issuer = deployed.outputs("jobs"), deployed.outputs(STACK)["ApiUrl"]
    bearer = f"Authorization: Bearer {deployed.login()['access_token']}"
    # docs/how-to/authorizer.md, «What the caller is told»: an HTTP API has one answer to whoever it refuses.
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
    """The tutorial's life of a token, each call of it."""
    jobs = deployed.outputs("jobs")
    here = {
        "http://127.0.0.1:3000": deployed.outputs(STACK)["ApiUrl"],
        "local:local-secret": f"{KEY.access_key}:{KEY.secret_key}",
        "$BASE/examples/http": jobs["HttpApiUrl"],
        "$BASE/examples/rest": jobs["RestApiUrl"],
    }
    strict = 'curl() { command curl --fail-with-body "$@"; }\n'

    printed = deployed.operator.run(strict + filled(block((BY_CURL,), "BASE="), here))

    assert '"active": true' in printed
    assert deployed.portal.proxy.pins == []
    assert deployed.portal.proxy.refusals == []


def a_failing_update(deployed: Deployed) -> None:
    """Code and a setting are new and reach `live`; then a resource cannot be made."""
    before = deployed.live_versions()
    api = deployed.outputs(STACK)["ApiUrl"]
    record(deployed, "prod", Issuer=api, AccessTtlS=str(NEW_TTL_S))
    deployed.operator.change(*NEW_CODE)
    deployed.operator.change("template.yaml", "\nResources:\n", f"\nResources:\n{BROKEN}")

    with pytest.raises(CommandFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        deployed.operator.run(filled(block(DEPLOY_PAGES, "update-function-code"), OF_THE_PROXY_S_OWNER))

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

    deployed.operator.run(filled(block(DEPLOY_PAGES, "update-function-code"), OF_THE_PROXY_S_OWNER))

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
    taken_back = f"live is version {before}, not the latest {now}: taken back, or not moved."
    assert doctor(deployed)["WRONG"] == [f"DiscoveryFunction: {taken_back}"]
    deployed.operator.run(filled(moving, {"FUNCTION": name, "NUMBER": now}))
    assert has_new_code(deployed)


def the_edge(deployed: Deployed) -> None:
    """The example's commands: a domain of the API's own, CloudFront before it, and nobody around it any more."""
    ours, theirs = (
        deployed.aws("acm", region).request_certificate(DomainName=DOMAIN)["CertificateArn"]
        for region in (REGION, EDGE_REGION)
    )
    example = "arn:aws:acm:{}:123456789012:certificate/…"
    api = deployed.outputs(STACK)["ApiUrl"]
    here = {
        example.format(REGION): ours,
        example.format(EDGE_REGION): theirs,
        "$STACK doctor": "$STACK doctor >/dev/null",
    }

    deployed.operator.run(deployed.account.by_name + filled(block((EDGE_PAGE,), "create-secret"), here))

    smoke(deployed, PASSWORD)
    found = doctor(deployed)
    assert (found["WRONG"], found["?"]) == ([], [])
    assert f"The issuer is https://{DOMAIN}, and is served there." in found["ok"]
    status, refused = deployed.curl(f"{api}/.well-known/jwks.json")
    assert (status, refused["error"]) == (403, "access_denied")
    deployed.operator.run("aws cloudformation delete-stack --region us-east-1 --stack-name auth-tokens-edge")


def the_teardown(deployed: Deployed) -> None:
    """What remains is what the page says."""
    deployed.operator.run(".venv-sam/bin/sam delete --stack-name jobs")
    deployed.operator.run(filled(block(DEPLOY_PAGES, "sam delete"), {"auth-tokens-dev": STACK}))

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

    deployed.operator.run(filled(block(DEPLOY_PAGES, "--change-set-type IMPORT"), here))

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
