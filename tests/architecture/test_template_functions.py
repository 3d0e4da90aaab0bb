"""Functions, routes, schedules and events: the folders, the template and the handlers say the same."""

import ast
import re
from collections import Counter
from dataclasses import replace

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from auth_tokens.web.routes import ROUTES
from local.host.paths import ROOT
from local.templates.apis import load_apis
from local.templates.stacks import JOBS_TEMPLATE, ORDER, PRODUCT, given_to
from local.traffic.detection import ANALYSIS_S
from tests.architecture.deployment import (
    FUNCTIONS,
    JOBS_PARAMETERS,
    MAX_STACK_NAME,
    PARAMETERS,
    STACK,
    functions,
    jobs_resources,
    of_type,
    resources,
    written,
)

EACH = pytest.mark.parametrize("function", sorted(functions()))
IAM_ROUTES = {
    "POST /auth/issue",
    "POST /auth/introspect",
    "GET /admin/revocations",
    "GET /admin/users/{user_id}/sessions",
    "POST /admin/users/{user_id}/revoke",
    "POST /admin/lookup",
    "GET /admin/security/findings",
    "GET /admin/security/findings/{finding_id}",
    "POST /admin/security/findings/{finding_id}/state",
    "POST /admin/security/events/replay",
    "POST /admin/security/events/{event_id}/skip",
    "POST /admin/security/figures/recount",
    "GET /admin/debt",
    "GET /admin/keys",
    "POST /admin/keys/rotate",
    "POST /admin/keys/withdraw",
    "GET /admin/users/{user_id}/devices",
    "POST /admin/sessions/{session_id}/revoke",
    "POST /admin/devices/{device_id}/revoke",
    "GET /admin/revoke-before",
    "POST /admin/revoke-before",
    "GET /admin/security/events",
    "GET /admin/security/summary",
}
HEADS = {route.replace("GET ", "HEAD ") for route in ROUTES if route.startswith("GET ")}
SCHEDULES = {
    "CleanupFunction": "rate(5 minutes)",
    "AnalyticsFunction": "rate(5 minutes)",
    "RotateKeysFunction": "rate(1 day)",
}
# Properties that fix the physical name of a resource.
NAMES = {
    "Name",
    "AlarmName",
    "AliasName",
    "DBProxyName",
    "DashboardName",
    "FunctionName",
    "LayerName",
    "LogGroupName",
    "QueueName",
    "RoleName",
}
# Types whose name says which resource they are for, or is one within that.
REFERRING = {
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::RDS::DBProxyTargetGroup",
}
DEPLOYED = load_apis(PRODUCT, given_to(PRODUCT, PARAMETERS))["HttpApi"]
AUTHORIZER = {JOBS_PARAMETERS["AuthorizerFunctionArn"]: "AuthorizerFunction"}
JOBS = load_apis(JOBS_TEMPLATE, JOBS_PARAMETERS, AUTHORIZER)


def handled_by(function: str) -> set[str]:
    """The routes that a handler's source names."""
    tree = ast.parse((FUNCTIONS / function / "app.py").read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {text for text in texts if re.fullmatch(r"\$default|[A-Z]+ /\S+", text)}


def _called(arn: str) -> str:
    """The logical id of the function that an ARN names, locally the same."""
    return arn.rpartition(":")[2]


def test_every_folder_is_deployed_and_every_function_has_its_folder() -> None:
    folders = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}

    assert folders == set(functions())


def test_every_folder_has_a_handler() -> None:
    bare = [p.name for p in FUNCTIONS.iterdir() if p.is_dir() and not (p / "app.py").exists()]

    assert bare == []


@EACH
def test_a_function_is_named_after_its_folder(function: str) -> None:
    assert functions()[function] == "".join(map(str.capitalize, function.split("_"))) + "Function"


@EACH
def test_a_handler_is_short(function: str) -> None:
    lines = (FUNCTIONS / function / "app.py").read_text(encoding="utf-8").splitlines()

    assert 15 <= len(lines) <= 100


@EACH
def test_a_function_runs_as_the_layer_is_built(function: str) -> None:
    properties = resources()[functions()[function]]["Properties"]
    [layer] = of_type("AWS::Lambda::LayerVersion").values()

    assert properties["Handler"] == "app.handler"
    assert [properties["Runtime"]] == layer["CompatibleRuntimes"]
    assert properties["Architectures"] == layer["CompatibleArchitectures"]
    assert len(properties["Layers"]) == 1


@EACH
def test_a_function_has_its_own_log_group_with_an_end(function: str) -> None:
    group = resources()[functions()[function]]["Properties"]["LoggingConfig"]["LogGroup"]
    users = [p["LoggingConfig"]["LogGroup"] for p in of_type("AWS::Lambda::Function").values()]

    assert users.count(group) == 1
    assert int(resources()[group]["Properties"]["RetentionInDays"]) > 0


@EACH
def test_a_function_behind_the_api_answers_before_the_gateway_gives_up(function: str) -> None:
    timeout_s = resources()[functions()[function]]["Properties"]["Timeout"]

    # API Gateway's own limit is 30 s: a function that may take as long has nobody to answer.
    if function in {"cleanup", "migrate"}:
        assert timeout_s <= 900
    else:
        assert timeout_s <= 30


def test_make_traffic_waits_for_the_analysis_as_long_as_its_function_may_take() -> None:
    assert resources()[functions()["analytics"]]["Properties"]["Timeout"] < ANALYSIS_S


def test_every_route_of_the_contract_is_deployed_once_and_no_other() -> None:
    assert Counter(route.key for route in DEPLOYED.routes) == Counter([*ROUTES, *HEADS, "$default"])


def test_head_is_deployed_as_get_is() -> None:
    """The same function, behind the same check of the signature."""
    deployed = {route.key: route for route in DEPLOYED.routes}

    for head in HEADS:
        get = deployed[head.replace("HEAD ", "GET ")]
        assert replace(deployed[head], method="GET") == get


def test_exactly_the_routes_of_trusted_callers_ask_for_iam() -> None:
    signed = {route.key for route in DEPLOYED.routes if route.iam}

    assert signed - HEADS == IAM_ROUTES


def test_no_route_of_ours_is_behind_the_authorizer() -> None:
    assert [route.key for route in DEPLOYED.routes if route.authorizer] == []


@EACH
def test_a_function_is_given_the_routes_that_it_handles(function: str) -> None:
    given = {route.key for route in DEPLOYED.routes if route.function == functions()[function]} - HEADS

    assert given == handled_by(function)


def test_the_gateway_leaves_cors_to_the_functions() -> None:
    assert "CorsConfiguration" not in written()["Resources"]["HttpApi"]["Properties"]
    assert "x-amazon-apigateway-cors" not in resources()["HttpApi"]["Properties"]["Body"]


def test_the_scheduled_functions_are_called_as_often_as_they_should() -> None:
    schedules = of_type("AWS::Scheduler::Schedule").values()

    assert {_called(s["Target"]["Arn"]): s["ScheduleExpression"] for s in schedules} == SCHEDULES
    assert all(s.get("State", "ENABLED") == "ENABLED" for s in schedules)


def test_the_portal_s_user_events_reach_revoke() -> None:
    [rule] = of_type("AWS::Events::Rule").values()

    assert rule["EventBusName"] == "PortalEventBus"
    assert [_called(target["Arn"]) for target in rule["Targets"]] == ["RevokeFunction"]
    assert rule["EventPattern"] == {
        "source": ["portal.users"],
        "detail-type": ["UserDisabled", "UserDeleted", "PasswordChanged"],
    }


def test_what_is_called_without_a_caller_waiting_keeps_its_failures() -> None:
    kept = {
        properties["FunctionName"]: properties["DestinationConfig"]["OnFailure"]["Destination"]
        for properties in of_type("AWS::Lambda::EventInvokeConfig").values()
    }

    called = {"RevokeFunction", *SCHEDULES}
    assert kept == dict.fromkeys(called, "DeadLetterQueue.Arn")


def test_a_second_stack_in_the_same_account_finds_no_name_taken() -> None:
    fixed = [
        f"{name}.{key}"
        for name, body in resources().items()
        for key, value in body.get("Properties", {}).items()
        if key in NAMES and STACK not in str(value) and body["Type"] not in REFERRING
    ]

    assert fixed == []


# Service limits of names that the schemas do not state; a generated name CloudFormation cuts by itself.
LIMITS = {"AWS::RDS::DBProxy": 63, "AWS::Lambda::LayerVersion": 140, "AWS::CloudWatch::Dashboard": 255}


def test_names_made_of_the_stack_s_fit_with_the_longest_name_that_a_stack_may_have() -> None:
    """And nobody knows a role by its name, which CloudFormation cuts at 64 characters: all by their ARN."""
    lengths = {
        (body["Type"], key): len(str(value).replace(STACK, "x" * MAX_STACK_NAME))
        for body in resources().values()
        for key, value in body.get("Properties", {}).items()
        if key in NAMES and STACK in str(value) and body["Type"] not in REFERRING
    }

    assert len(lengths) >= 8
    for (kind, key), length in lengths.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema["properties"][key]
        assert length <= min(schema.get("maxLength", 2048), LIMITS.get(kind, 2048)), kind
    pattern = r"role/\$\{(AWS::StackName|ProductStack)\}|Role-\*"
    assert [each.name for each in ORDER if re.search(pattern, each.read_text("utf-8"))] == []


@pytest.mark.parametrize("api", ["JobsHttpApi", "JobsRestApi"])
def test_the_example_puts_every_route_behind_the_authorizer_without_a_cache(api: str) -> None:
    assert {route.key for route in JOBS[api].routes} == {"GET /jobs", "POST /jobs", "DELETE /jobs/{id}"}
    for route in JOBS[api].routes:
        assert route.authorizer is not None
        assert route.authorizer.function == "AuthorizerFunction"
        assert route.authorizer.ttl_s == 0


CACHE_TIME = re.compile(
    r"(?:ReauthorizeEvery|AuthorizerResultTtlInSeconds|authorizer_result_ttl_in_seconds)\W+(\d+)"
    r"|resultsCacheTtl\W+(?:cdk\.)?Duration\.\w+\((\d+)",
    re.IGNORECASE,
)
SHOWN = [
    path
    for folder in ("examples", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".yaml", ".md", ".tf", ".ts"} and "node_modules" not in path.parts
]


def test_no_authorizer_of_an_example_caches_since_repeated_proofs_alone_would_hit() -> None:
    """DPoP: docs/how-to/authorizer.md, «The result cache and proofs»."""
    times = {
        path: {"".join(found) for found in CACHE_TIME.findall(path.read_text("utf-8"))} for path in SHOWN
    }

    assert len([path for path, found in times.items() if found]) >= 3
    assert {path: found for path, found in times.items() if not found <= {"0"}} == {}


@pytest.mark.parametrize(
    ("api", "schemes"), [("JobsHttpApi", "components"), ("JobsRestApi", "securityDefinitions")]
)
def test_the_example_says_so_itself_since_a_rest_api_would_cache_for_five_minutes(
    api: str, schemes: str
) -> None:
    body = jobs_resources()[api]["Properties"]["Body"]
    definitions = body[schemes]["securitySchemes"] if schemes == "components" else body[schemes]

    assert definitions["Tokens"]["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"] == 0


def test_the_example_s_http_api_names_no_identity_source_so_that_header_and_cookie_both_count() -> None:
    [authorizer] = {route.authorizer for route in JOBS["JobsHttpApi"].routes}

    assert authorizer is not None
    assert list(authorizer.identity_sources) == []
