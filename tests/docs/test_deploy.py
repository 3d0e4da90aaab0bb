"""docs/deploy.md: its parameters, outputs, commands, SQL and sums are those of the template, the SDK and the schema."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest
from argon2 import PasswordHasher
from botocore import xform_name

from local.client import Client
from local.stack import LocalStack
from tests.architecture.change_set import Change
from tests.architecture.deployment import (
    STACKS,
    functions,
    of_type,
    parameters,
    resources_with,
    translated_with,
    written,
)
from tests.architecture.test_template_updates import COUNTS_IN, other, renewed_by, update
from tests.docs.markdown import DOCS, README, ROOT, code_blocks, table, tables

PAGE = DOCS / "deploy.md"
TEXT = PAGE.read_text("utf-8")
OUTPUTS = written()["Outputs"]
SCRIPTS = [*code_blocks(PAGE, "bash"), *code_blocks(PAGE, "sh")]
# Of the AWS CLI itself, not of an operation.
CLI_OPTIONS = {"query", "output", "cli-binary-format"}
RENAMED = {"no-enable-termination-protection": "enable-termination-protection"}


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _commands() -> list[list[str]]:
    """The `aws …` calls of the scripts, wherever they stand on their line."""
    text = "\n".join(SCRIPTS).replace("\\\n", " ")
    found = re.findall(r"\baws ([a-z-]+ (?:wait )?[a-z-]+[^\n;#]*)", text)
    return [shlex.split(re.sub(r"\$\(out (\w+)\)", r"OUT_\1", call), posix=True) for call in found]


@pytest.mark.parametrize("command", _commands(), ids=lambda command: " ".join(command[:2]))
def test_a_command_of_the_aws_cli_exists_with_its_options(command: list[str]) -> None:
    service, operation, *rest = command
    model = _model(service)
    options = [word[2:] for word in rest if word.startswith("--")]
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        name = {xform_name(waiter, "-"): waiter for waiter in waiters}[rest[0]]
        operation = xform_name(
            botocore.session.get_session().get_waiter_model(service).get_waiter(name).operation, "-"
        )
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    members = model.operation_model(operations[operation]).input_shape.members
    known = {xform_name(member, "-") for member in members} | CLI_OPTIONS
    assert {RENAMED.get(option, option) for option in options} <= known


def test_every_output_that_is_looked_up_exists() -> None:
    looked_up = set(re.findall(r"\$\(out (\w+)\)", TEXT))

    assert looked_up >= {"ApiUrl", "MigrateFunctionName"}
    assert looked_up <= set(OUTPUTS)


def test_every_parameter_that_is_given_or_named_exists() -> None:
    given = set(re.findall(r"\b((?:[A-Z][a-z]+)+)=", TEXT))
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", TEXT))

    assert given - {"OutputKey"} <= set(parameters())
    assert named <= set(parameters()) | set(OUTPUTS) | set(translated_with()["Resources"])


def test_the_trial_gives_what_has_no_default() -> None:
    [script] = [block for block in SCRIPTS if "HASH=" in block]
    needed = {name for name, parameter in parameters().items() if "Default" not in parameter}

    for overrides in re.findall(r"--parameter-overrides \\\n(.*)", script):
        assert set(re.findall(r"(\w+)=", overrides)) == needed | {"DatabaseState"}


def test_the_kinds_of_database_and_what_they_need_are_the_template_s() -> None:
    rows = {
        row["`DatabaseKind`"].strip("`"): row
        for row in table(PAGE, "The Portal's database exists already", "`DatabaseKind`").rows
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


def test_the_stack_policy_names_resources_of_the_template() -> None:
    policy = json.loads((ROOT / "deploy/stack-policy.json").read_text("utf-8"))
    allowed, kept, unchanged = policy["Statement"]
    names = {name.partition("/")[2] for name in kept["Resource"]}

    assert (allowed["Effect"], kept["Effect"], unchanged["Effect"]) == ("Allow", "Deny", "Deny")
    assert names <= set(translated_with()["Resources"])
    assert {name.partition("/")[2] for name in unchanged["Resource"]} == set(SECRETS)
    stateful = {name for name, body in written()["Resources"].items() if body["Type"] in KEPT_TYPES}
    assert stateful | {"AuthorizerFunction", "AuthorizerFunctionAliaslive"} == names


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
SECRETS = [n for n, b in written()["Resources"].items() if b["Type"] == "AWS::SecretsManager::Secret"]


def test_the_first_deployment_goes_in_the_order_in_which_it_can() -> None:
    """Users before the proxy's target group, which waits for them; tables before what runs by the clock."""
    [script] = [block for block in SCRIPTS if "HASH=" in block]
    steps = re.findall(r"DatabaseState=(\w+)|-m deploy \$STACK (users|grants)|(lambda invoke)", script)

    assert ["".join(step) for step in steps] == [
        "empty",
        "users",
        "users",
        "lambda invoke",
        "grants",
        "complete",
    ]


COSTS = [row for found in tables(PAGE) if found.titles == ("What", "Arithmetic", "$") for row in found.rows]


@pytest.mark.parametrize("row", COSTS, ids=lambda row: row["What"][:40])
def test_a_sum_is_right(row: dict[str, str]) -> None:
    total = 0.0
    for term in row["Arithmetic"].split(" + "):
        product = 1.0
        for factor in term.split(" × "):
            product *= float(factor)
        total += product

    assert f"{total:.2f}" == row["$"]


def test_a_sum_takes_every_row_above_it() -> None:
    parts: list[str] = []
    for row in COSTS:
        if row["What"] == "sum":
            assert row["Arithmetic"] == " + ".join(parts)
            parts = []
        else:
            parts.append(row["$"])
    assert parts == []


def test_there_are_no_more_alarms_and_metrics_than_are_paid_for() -> None:
    paid = {row["What"]: int(row["Arithmetic"].split(" ")[0]) for row in COSTS if "at most" in row["What"]}

    assert len(of_type("AWS::CloudWatch::Alarm")) <= paid["alarms, at most"]
    assert len(table(DOCS / "metrics.md", "Metrics", "Metric").rows) <= paid["custom metrics, at most"]


def test_the_readme_s_figures_are_this_page_s() -> None:
    text = README.read_text("utf-8")

    for row in COSTS:
        if row["What"] == "sum":
            assert f"${row['$']}" in text


EFFECTS = table(PAGE, "What a changed parameter does", "Parameter").rows
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
