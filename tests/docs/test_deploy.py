"""The pages about the stacks: parameters, outputs, SQL and sums are those of the templates and the schema."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from samtranslator.yaml_helper import yaml_parse

from local.client import Client
from local.stack import LocalStack
from local.templates.stacks import FOUNDATION, PRODUCT
from tests.architecture.change_set import Change, refused
from tests.architecture.deployment import (
    STACKS,
    functions,
    of_type,
    parameters,
    resources,
    resources_with,
    translated_with,
    translation,
    written,
    written_in,
)
from tests.architecture.test_samconfig import CONFIG
from tests.architecture.test_template_updates import COUNTS_IN, before_update, other, renewed_by, update
from tests.docs.markdown import DEPLOY_PAGES, DOCS, README, ROOT, code_blocks, table

PAGE = DOCS / "how-to" / "deploy.md"
TEXT = "\n".join(page.read_text("utf-8") for page in DEPLOY_PAGES)
OUTPUTS = written()["Outputs"]
SCRIPTS = [script for page in DEPLOY_PAGES for script in code_blocks(page, "bash")]
FIRST = {
    stage: next(s for s in SCRIPTS if f"--config-env {stage} --parameter-overrides" in s and "users" in s)
    for stage in ("dev", "prod")
}


def test_every_output_that_is_looked_up_exists() -> None:
    looked_up = set(re.findall(r"\$\(out (\w+)( foundation)?\)", TEXT))

    assert {name for name, _ in looked_up} >= {"ApiUrl", "MigrateFunctionName"}
    for name, part in looked_up:
        assert name in written_in(FOUNDATION if part else PRODUCT)["Outputs"], name


def test_every_parameter_that_is_given_or_named_exists() -> None:
    given = set(re.findall(r"\b((?:[A-Z][a-z]+)+)=", TEXT))
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", TEXT))

    assert given - {"OutputKey"} <= set(parameters())
    assert named <= set(parameters()) | set(OUTPUTS) | set(translated_with()["Resources"])


@pytest.mark.parametrize("stage", FIRST)
def test_a_first_deployment_says_how_far_the_database_is_and_leaves_the_rest_to_the_record(
    stage: str,
) -> None:
    said = re.findall(r"--parameter-overrides (.*)", FIRST[stage])

    given = {name for overrides in said for name in re.findall(r"(\w+)=", overrides)}
    assert given - {"Issuer"} == {"DatabaseUsers", "DatabaseTables"}


@pytest.mark.parametrize("script", [s for s in SCRIPTS if "--config-env" in s])
def test_an_environment_that_is_deployed_is_in_the_record_for_the_stack_that_is_meant(script: str) -> None:
    [stack] = re.findall(r"^STACK=(\S+)", script, re.MULTILINE)

    for name in re.findall(r"--config-env (\S+)", script):
        _, _, part = name.partition("-")
        assert CONFIG[name]["deploy"]["parameters"]["stack_name"] == f"{stack}-{part}".removesuffix("-")


def test_a_function_has_answered_before_the_client_gives_up() -> None:
    waits = [int(found) for found in re.findall(r"--cli-read-timeout (\d+)", TEXT)]
    calls = re.findall(r"aws lambda invoke .*", TEXT)

    assert len(waits) == len(calls) > 0
    assert min(waits) > resources()["MigrateFunction"]["Properties"]["Timeout"]


def test_the_kinds_of_database_and_what_they_need_are_the_template_s() -> None:
    rows = {
        row["`DatabaseKind`"].strip("`"): row
        for row in table(PAGE, "Production, with the Portal's database", "`DatabaseKind`").rows
    }

    assert list(rows) == parameters()["DatabaseKind"]["AllowedValues"]
    rules = {name: rule for name, rule in written()["Rules"].items() if name.startswith("Existing")}
    assert len(rules) == 2
    for rule in rules.values():
        kind = rule["RuleCondition"]["Fn::Equals"][1]
        needed = set(re.findall(r"'Ref': '(\w+)'", str(rule["Assertions"])))
        assert all(f"`{name}`" in rows[kind]["You give"] for name in needed), kind


def test_the_user_of_the_page_can_log_in(stack: LocalStack) -> None:
    [insert] = re.findall(r'"(INSERT INTO auth_users [^"]*)"', TEXT)
    username, password = "page@example.com", "a password of the page"
    statement = insert.replace("$HASH", PasswordHasher().hash(password)).replace(
        "alice@example.com", username
    )
    connection = stack.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)

    reply = Client(stack.base_url).post("/auth/login", {"username": username, "password": password})

    assert reply.status == 200, reply.shortened()


def test_prod_s_numbers_are_the_template_s() -> None:
    [cluster] = of_type("AWS::RDS::DBCluster", resources_with(Stage="prod")).values()
    assert f"for {cluster['BackupRetentionPeriod']} days" in TEXT
    assert f"({parameters()['DbPoolPercent']['Default']} %)" in TEXT


@pytest.mark.parametrize(
    ("file", "template", "more"),
    [
        ("stack-policy-foundation.json", FOUNDATION, set()),
        ("stack-policy.json", PRODUCT, {"AuthorizerFunction", "AuthorizerFunctionAliaslive"}),
    ],
    ids=["foundation", "product"],
)
def test_a_stack_policy_names_what_is_kept_of_its_template(file: str, template: Path, more: set[str]) -> None:
    policy = json.loads((ROOT / "deploy" / file).read_text("utf-8"))
    allowed, kept, *unchanged = policy["Statement"]
    names = {name.partition("/")[2] for name in kept["Resource"]}

    assert (allowed["Effect"], kept["Effect"], *(s["Effect"] for s in unchanged)) == (
        "Allow",
        *["Deny"] * (1 + len(unchanged)),
    )
    assert names <= set(translation(template)[0]["Resources"])
    own = written_in(template)["Resources"]
    secrets = {name for name, body in own.items() if body["Type"] == "AWS::SecretsManager::Secret"}
    assert {name.partition("/")[2] for s in unchanged for name in s["Resource"]} == secrets
    assert {name for name, body in own.items() if body["Type"] in KEPT_TYPES} | more == names


def test_what_is_kept_is_in_the_foundation_but_for_the_api() -> None:
    kept = {n for n, body in written()["Resources"].items() if body["Type"] in KEPT_TYPES}

    assert kept - set(written_in(FOUNDATION)["Resources"]) == {"HttpApi"}


def test_the_keys_to_import_are_the_foundation_s() -> None:
    keys = yaml_parse((ROOT / "deploy/keys.yaml").read_text("utf-8"))["Resources"]
    foundation = written_in(FOUNDATION)["Resources"]
    named = set(re.findall(r'"LogicalResourceId": "(\w+)"', TEXT))

    assert (
        set(keys)
        == named
        == {n for n, k in foundation.items() if k["Type"] == "AWS::KMS::Key"} - {"SigningKey"}
    )
    for name, key in keys.items():
        own = foundation[name]
        assert (key["Type"], key["DeletionPolicy"], key["UpdateReplacePolicy"]) == (
            own["Type"],
            "Retain",
            "Retain",
        )
        properties = {k: v for k, v in key["Properties"].items() if k != "KeyPolicy"}
        assert properties == {k: own["Properties"][k] for k in properties}
        [administer] = key["Properties"]["KeyPolicy"]["Statement"]
        assert set(administer["Action"]) <= set(own["Properties"]["KeyPolicy"]["Statement"][0]["Action"])


# What cannot be made again as it was: data, keys, passwords, and addresses that others have written down.
KEPT_TYPES = {
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBProxy",
    "AWS::RDS::DBProxyTargetGroup",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::Serverless::HttpApi",
}


@pytest.mark.parametrize("stage", FIRST)
def test_the_first_deployment_goes_in_the_order_in_which_it_can(stage: str) -> None:
    """Users before the proxy's target group, which waits for them; tables before what runs by the clock; each stack
    after the one that it imports from."""
    step = r"--config-env (\S+)|(Database\w+=made)|-m deploy \$STACK (users|grants)|(lambda invoke)"
    steps = ["".join(found).removeprefix(stage) or "product" for found in re.findall(step, FIRST[stage])]

    assert steps == [
        "-foundation",
        "users",
        *("-foundation", "DatabaseUsers=made"),
        "product",
        "lambda invoke",
        "grants",
        *("product", "DatabaseTables=made"),
        "-operations",
    ]


def test_the_stacks_go_in_the_opposite_order() -> None:
    [script] = [script for script in SCRIPTS if "sam delete" in script]

    assert "for stack in $STACK-operations $STACK $STACK-foundation; do" in script


BILLED = {
    row["By the hour or month"]: row
    for row in table(DOCS / "reference" / "billing.md", "What is billed", "By the hour or month").rows
}


@pytest.mark.parametrize(
    ("column", "given"),
    [("Of a trial", STACKS["new"]), ("Of prod with the Portal's database", STACKS["prod"])],
)
def test_what_is_billed_is_what_is_made(column: str, given: dict[str, str]) -> None:
    among = resources_with(**given)
    # RDS makes one more, of the database's own administrator.
    managed = [c for c in of_type("AWS::RDS::DBCluster", among).values() if c["ManageMasterUserPassword"]]
    kinds = {
        "RDS Proxy": "RDS::DBProxy",
        "Aurora Serverless v2": "RDS::DBCluster",
        "interface endpoints, in each zone": "EC2::VPCEndpoint",
        "KMS keys": "KMS::Key",
        "secrets": "SecretsManager::Secret",
        "alarms, at most": "CloudWatch::Alarm",
        "composite alarms": "CloudWatch::CompositeAlarm",
        "dashboards": "CloudWatch::Dashboard",
    }
    made = {what: len(of_type(f"AWS::{kind}", among)) for what, kind in kinds.items()}
    made["secrets"] += len(managed)
    made["custom metrics, at most"] = 70

    assert {what: int(row[column].partition(",")[0]) for what, row in BILLED.items()} == made


def test_there_are_no_more_metrics_than_are_billed() -> None:
    assert len(table(DOCS / "reference" / "metrics.md", "Metrics", "Metric").rows) <= 70


def test_no_page_has_a_price() -> None:
    for page in (*DEPLOY_PAGES, README):
        assert not re.search(r"\$\d+\.\d", page.read_text("utf-8"))


EFFECTS = table(DOCS / "reference" / "parameters.md", "What a changed parameter does", "Parameter").rows
LISTED = {name: row for row in EFFECTS for name in re.findall(r"`(\w+)`", row["Parameter"])}
ALL_VERSIONS = {"New versions": "all", "Made, replaced, removed": "nothing"}
# What follows from new versions, or is a text that a parameter stands in.
FOLLOWS = {"AWS::Lambda::Version", "AWS::AppConfig::HostedConfigurationVersion"}


@pytest.mark.parametrize("parameter", sorted(parameters()))
def test_the_page_says_what_a_changed_parameter_makes_replaces_and_removes(parameter: str) -> None:
    stack = STACKS[COUNTS_IN.get(parameter, "new")]
    after = {**stack, parameter: other(parameter)}
    made = {**translated_with(**stack)["Resources"], **translated_with(**after)["Resources"]}
    types = {name: body["Type"] for name, body in made.items()}
    found = {
        name: line.change for name, line in update(parameter).items() if line.change is not Change.MODIFY
    }
    before = before_update(parameter)
    if refused(before, {**before, parameter: other(parameter)}):
        assert LISTED[parameter]["Made, replaced, removed"] == "refused"
        return
    names = {logical: short for short, logical in functions().items()}
    renewed = sorted(names[name] for name in renewed_by(update(parameter)))
    versions = {0: "none", len(names): "all"}.get(len(renewed), ", ".join(renewed))
    said = LISTED.get(parameter, ALL_VERSIONS)

    assert said["New versions"] == versions
    others = {f"`{name}`": VERBS[change] for name, change in found.items() if types[name] not in FOLLOWS}
    assert dict(_said(said["Made, replaced, removed"])) == others


VERBS = {Change.ADD: "made", Change.REPLACE: "replaced", Change.REMOVE: "removed"}


def _said(text: str) -> Iterator[tuple[str, str]]:
    """`A`, `B` are removed, `C` is made → each with its verb."""
    for names, verb in re.findall(r"((?:`\w+`(?:, )?)+) (?:is|are) (made|replaced|removed)", text):
        yield from ((name, verb) for name in re.findall(r"`\w+`", names))
