"""How a new version goes out, how much it may take, and what is kept of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from auth_tokens.observability import NAMESPACE
from auth_tokens.web.routes import ROUTES
from deploy.checks import CHECK
from local.templates.apis import load_apis
from local.templates.stacks import OPERATIONS, ORDER, PRODUCT, given_to
from local.templates.translate import translate
from tests.architecture.deployment import (
    PARAMETERS,
    functions,
    of_type,
    parameters,
    resources,
    resources_of,
    resources_with,
    variables,
    written,
    written_in,
)
from tests.deployment.checkout import NEW_CODE
from tests.docs.markdown import DOCS, ROOT, table

EACH = pytest.mark.parametrize("function", sorted(functions()))
GRADUAL = pytest.mark.parametrize("function", sorted(set(functions()) - {"migrate"}))
HTTP = {route.function for route in load_apis(PRODUCT, given_to(PRODUCT, PARAMETERS))["HttpApi"].routes}


def _properties(function: str) -> Any:
    return resources()[functions()[function]]["Properties"]


def _written(function: str) -> Any:
    return written()["Resources"][functions()[function]]["Properties"]


@EACH
def test_whoever_calls_a_function_gets_its_live_version(function: str) -> None:
    aliases = [
        a for a in of_type("AWS::Lambda::Alias").values() if a["FunctionName"] == functions()[function]
    ]

    assert [alias["Name"] for alias in aliases] == ["live"]


def test_a_new_layer_alone_makes_a_new_version_of_each_function(tmp_path: Path) -> None:
    """The package is in the layer: a release may change nothing else, and an alias follows versions only."""
    changed = tmp_path / "template.yaml"
    changed.write_text(PRODUCT.read_text("utf-8").replace("-shared\n", "-shared-2\n"), "utf-8")

    before, after = (_versions(translate(file, PARAMETERS)) for file in (PRODUCT, changed))

    assert len(before) == len(after) == len(functions())
    assert not before & after


def _versions(translated: dict[str, Any]) -> set[str]:
    found = translated["Resources"].items()
    return {name for name, body in found if body["Type"] == "AWS::Lambda::Version"}


@GRADUAL
def test_traffic_moves_as_the_parameter_says_and_back_on_an_alarm_of_that_version(function: str) -> None:
    name = functions()[function]
    among = resources_with(DeploymentType="Canary10Percent5Minutes")
    group = among[f"{name}DeploymentGroup"]["Properties"]
    alarm = among[f"{name.removesuffix('Function')}ErrorsAlarm"]["Properties"]
    alarms = [entry["Name"] for entry in group["AlarmConfiguration"]["Alarms"]]

    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert f"{name.removesuffix('Function')}ErrorsAlarm" in alarms
    assert ("FaultsAlarm" in alarms) == (name in HTTP)
    dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert dimensions["FunctionName"] == name
    assert dimensions["Resource"] == f"{name}:live"
    assert dimensions["ExecutedVersion"].startswith(f"{name}Version")


def test_migrate_has_no_traffic_to_move() -> None:
    assert "MigrateFunctionDeploymentGroup" not in resources()


def test_the_version_of_migrate_says_that_it_can_look_without_migrating() -> None:
    """`doctor` asks the live version, whose text is its own and not its function's («PublishVersion», Description)."""
    [version] = [
        v for v in of_type("AWS::Lambda::Version").values() if v["FunctionName"] == "MigrateFunction"
    ]

    assert json.dumps(CHECK) in version["Description"]


@EACH
def test_what_a_function_may_take_is_said(function: str) -> None:
    properties = _properties(function)

    assert 128 <= int(properties["MemorySize"]) <= 1769  # of one processor, as a request has one thread
    assert "Timeout" in properties
    assert _written(function)["ReservedConcurrentExecutions"]["Fn::If"][0] == "Reserve"


def test_concurrency_is_bounded_where_asked_for_and_by_as_much_as_the_parameter_says() -> None:
    bounds = [
        int(properties["ReservedConcurrentExecutions"])
        for properties in of_type("AWS::Lambda::Function", resources_with(ReserveConcurrency="true")).values()
    ]

    assert len(bounds) == len(functions())
    assert f"takes {sum(bounds)} of" in parameters()["ReserveConcurrency"]["Description"]
    unbounded = of_type("AWS::Lambda::Function").values()
    assert not [p for p in unbounded if "ReservedConcurrentExecutions" in p]


def test_what_is_scheduled_or_migrates_does_not_run_side_by_side_in_numbers() -> None:
    among = of_type("AWS::Lambda::Function", resources_with(ReserveConcurrency="true"))

    for name in ("CleanupFunction", "RotateKeysFunction", "MigrateFunction"):
        assert int(among[name]["ReservedConcurrentExecutions"]) <= 2


def test_every_log_group_is_encrypted_by_our_key_and_ends() -> None:
    groups = of_type("AWS::Logs::LogGroup")

    assert len(groups) == len(functions()) + 1
    for group in groups.values():
        assert group["KmsKeyId"] == "OperationsKey.Arn"
        assert int(group["RetentionInDays"]) > 0


def test_the_logs_key_is_for_just_these_log_groups() -> None:
    """Each by its name: a pattern would take in the log groups of a stack called STACK-x."""
    key = of_type("AWS::KMS::Key")["OperationsKey"]
    [named] = [
        s["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
        for s in key["KeyPolicy"]["Statement"]
        if "Service" in s["Principal"]
    ]

    every = resources_with(ProbeUserSecretArn="arn:secret")
    groups = {body["LogGroupName"] for body in of_type("AWS::Logs::LogGroup", every).values()}
    assert set(named) == {f"arn:aws:logs:eu-west-1:123456789012:log-group:{group}" for group in groups}


def _stage() -> Any:
    [stage] = of_type("AWS::ApiGatewayV2::Stage").values()
    return stage


def test_the_access_log_is_json_and_tells_no_address_agent_or_path() -> None:
    """A variable that ends in String comes with quotes of its own (API Gateway, «$context.error.messageString»)."""
    form = _stage()["AccessLogSettings"]["Format"]
    line = re.sub(
        r"\$context\.([A-Za-z.]+)", lambda found: '"x"' if found[1].endswith("String") else "x", form
    )

    assert {"requestId", "routeKey", "status", "responseLatency"} <= set(json.loads(line))
    assert not re.search(r"identity|sourceIp|userAgent|\$context\.path|authorizer", form)


def test_every_route_is_throttled_and_the_dear_ones_by_bounds_of_their_own() -> None:
    stage = _stage()
    bounds = {"ThrottlingRateLimit", "ThrottlingBurstLimit"}

    assert set(stage["DefaultRouteSettings"]) >= bounds
    assert set(stage["RouteSettings"]) == {"POST /auth/login", "POST /auth/step-up", "POST /auth/token"}
    assert set(stage["RouteSettings"]) <= set(ROUTES)
    assert all(set(settings) >= bounds for settings in stage["RouteSettings"].values())


def test_a_portal_event_that_cannot_be_delivered_is_kept_too() -> None:
    [rule] = of_type("AWS::Events::Rule").values()
    [policy] = of_type("AWS::SQS::QueuePolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]

    assert [target["DeadLetterConfig"] for target in rule["Targets"]] == [{"Arn": "DeadLetterQueue.Arn"}]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "RevokeFunctionPortalUsers.Arn"}}


def test_an_alarm_says_what_is_wrong_and_which_page_of_the_runbook_helps() -> None:
    for name, alarm in [*of_type(ALARMS[0]).items(), *of_type(ALARMS[1]).items()]:
        text, _, page = alarm["AlarmDescription"].partition(" docs/runbook/")
        assert text.endswith("."), name
        assert (DOCS / "runbook" / page).is_file(), name


def test_the_runbook_s_index_leads_from_each_alarm_to_the_page_that_it_names() -> None:
    rows = table(DOCS / "runbook" / "README.md", "By symptom", "What you see").rows
    pages = {
        name: target
        for row in rows
        for name in re.findall(r"`(\S+Alarm)`", row["Alarms"])
        for target in re.findall(r"\]\((.+)\)", row["Page"])
    }
    alarms = {**of_type(ALARMS[0]), **of_type(ALARMS[1])}
    led = {name: alarm["AlarmDescription"].rpartition("/")[2] for name, alarm in alarms.items()}

    for name, target in pages.items():
        assert f"`{name}`" in (DOCS / "runbook" / target).read_text("utf-8"), name
    by_function = {name for name in led if name.endswith("ErrorsAlarm") and name not in pages}
    assert {led.pop(name) for name in by_function} == {pages.pop("…ErrorsAlarm")}
    assert pages == led


def test_alarms_go_to_the_topic_if_there_is_one() -> None:
    """By themselves, or those of the product by way of one that names them."""
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    among = resources_with(AlarmTopicArn=topic)
    others = of_type("AWS::CloudWatch::CompositeAlarm", among).values()
    named = {name for other in others for name in re.findall(r'ALARM\("([^"]+)"\)', other["AlarmRule"])}
    own = {
        name: a
        for name, a in of_type("AWS::CloudWatch::Alarm", among).items()
        if a.get("AlarmName") not in named
    }

    assert all(alarm["AlarmActions"] == [topic] for alarm in [*own.values(), *others])
    assert set(own) <= set(resources_of(OPERATIONS))
    assert named == {
        a["AlarmName"] for a in of_type("AWS::CloudWatch::Alarm", resources_of(PRODUCT)).values()
    }
    assert all("AlarmActions" not in alarm for kind in ALARMS for alarm in of_type(kind).values())


ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def test_the_product_has_the_alarms_that_take_traffic_back_and_one_whose_threshold_is_its_setting() -> None:
    groups = of_type("AWS::CodeDeploy::DeploymentGroup").values()
    used = {entry["Name"] for group in groups for entry in group["AlarmConfiguration"]["Alarms"]}

    assert set(of_type(ALARMS[0], resources_of(PRODUCT))) == used | {"StalenessAlarm"}


def test_other_stacks_find_the_authorizer_s_live_version_and_what_its_tokens_say() -> None:
    found = {p["Name"]: p["Value"] for p in of_type("AWS::SSM::Parameter").values()}

    assert found == {
        "/local/authorizer-arn": "arn:aws:lambda:eu-west-1:123456789012:function:AuthorizerFunction",
        "/local/issuer": "https://tokens.test",
        "/local/audience": "portal",
        "/local/jwks-uri": "https://tokens.test/.well-known/jwks.json",
        "/local/portal-event-bus-arn": "PortalEventBus.Arn",
    }
    assert written()["Outputs"]["AuthorizerFunctionArn"]["Value"] == {"Ref": "AuthorizerFunction.Alias"}


def test_every_parameter_stands_in_a_group_once() -> None:
    for template in ORDER:
        groups = written_in(template)["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]

        assert sorted(grouped) == sorted(written_in(template)["Parameters"])


def test_nothing_but_where_it_runs_and_its_name_must_be_answered() -> None:
    asked = {name for name, parameter in parameters().items() if "Default" not in parameter}

    assert asked == {"Issuer", "VpcId", "SubnetIds"}


def test_the_template_reads_the_same_for_tools_that_know_no_anchors() -> None:
    for template in ORDER:
        text = template.read_text("utf-8")

        assert not re.search(r"^\s*[\w-]+: [&*]\w", text, re.MULTILINE)
        assert yaml_parse(text)["Resources"]


def _fields(query: str) -> set[str]:
    """The names in a query of Logs Insights that are fields of a line."""
    bare = re.sub(r'"[^"]*"', "", query)
    words = set(re.findall(r"@?\b[A-Za-z_]+\b", bare))
    named = set(re.findall(r"\bas (\w+)", bare))
    grammar = {
        "filter",
        "stats",
        "sort",
        "display",
        "by",
        "as",
        "desc",
        "asc",
        "and",
        "bin",
        "m",
        "ispresent",
    }
    return words - named - grammar - {"count", "latest", "pct"}


def test_saved_queries_ask_for_fields_that_the_logs_have() -> None:
    runbook = table(DOCS / "reference" / "logs.md", "Logs", "`message`").rows
    ours = {field for row in runbook for field in re.findall(r"`(\w+)`", row["Fields"])}
    ours |= {"message", "level", "service", "@timestamp", "error_type"}
    ours |= {
        row["Metric"].strip("`") for row in table(DOCS / "reference" / "metrics.md", "Metrics", "Metric").rows
    }
    gateway = set(json.loads(_stage()["AccessLogSettings"]["Format"]))
    groups = {group["LogGroupName"] for group in of_type("AWS::Logs::LogGroup").values()}

    for name, query in of_type("AWS::Logs::QueryDefinition").items():
        known = gateway if query["LogGroupNames"] == ["/aws/apigateway/local"] else ours
        assert _fields(query["QueryString"]) <= known, name
        assert query["Name"].startswith("local/")
        assert set(query["LogGroupNames"]) <= groups


def test_the_dashboard_shows_what_people_ask_for() -> None:
    [dashboard] = of_type("AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    metrics = {metric[1] for widget in widgets for metric in widget["properties"]["metrics"]}

    # Logins, refreshes, validations, staleness, reuse, limits, faults, database time, cleanup.
    assert metrics >= {
        "LoginSucceeded",
        "LoginFailed",
        "Refreshed",
        "AuthorizerAllowed",
        "AuthorizerRefused",
        "RevocationStaleness",
        "TokenReuseDetected",
        "RateLimited",
        "Unavailable",
        "ServerError",
        "DatabaseTime",
        "RowsDeleted",
    }
    for widget in widgets:
        for metric in widget["properties"]["metrics"]:
            names = metric[2:-1:2] if isinstance(metric[-1], dict) else metric[2::2]
            assert set(names) <= {"service", "ApiId", "ProxyName", "FunctionName"}


def test_a_metric_of_ours_is_asked_for_by_the_service_that_writes_it() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm").values()
    sums = [
        part["MetricStat"]["Metric"] for a in alarms for part in a.get("Metrics", []) if "MetricStat" in part
    ]
    ours = [metric for metric in [*alarms, *sums] if metric.get("Namespace") == NAMESPACE]

    assert len(ours) >= 10
    for alarm in ours:
        [dimension] = alarm["Dimensions"]
        assert dimension == {"Name": "service", "Value": variables("issue")["POWERTOOLS_SERVICE_NAME"]}


def test_what_make_test_deploy_changes_of_the_code_stands_there_once() -> None:
    file, old, _ = NEW_CODE

    assert (ROOT / file).read_text("utf-8").count(old) == 1
