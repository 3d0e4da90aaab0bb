"""What platform teams ask of a template: domain, boundary, signed code, tags, tracing, callers' rights, a probe."""

import json
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from auth_tokens.web.routes import ROUTES
from local.authorizers.policy import Decision, evaluate
from local.templates.arns import REGION
from tests.architecture.deployment import (
    MAX_STACK_NAME,
    PROBE,
    STACK,
    STACKS,
    each_statement,
    functions,
    of_type,
    parameters,
    resources,
    resources_with,
    written,
)
from tests.architecture.test_template_functions import HEADS, IAM_ROUTES
from tests.docs.markdown import DOCS, table

EACH_STACK = pytest.mark.parametrize("stack", STACKS)
ACCOUNT_RULES = "rules of the account"
PROBED = "kept started, probed"


def _api(among: Any) -> Any:
    return among["HttpApi"]["Properties"]["Body"]["servers"][0]["x-amazon-apigateway-endpoint-configuration"]


def test_by_default_there_is_no_domain_and_the_gateway_s_own_address_serves() -> None:
    kinds = {body["Type"] for body in resources().values()}

    assert not kinds & {"AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping"}
    assert _api(resources()) == {"disableExecuteApiEndpoint": False}


def test_a_domain_with_a_certificate_is_made_and_leads_to_the_api_at_its_base_path() -> None:
    among = resources_with(**STACKS["domain"])
    [domain] = of_type("AWS::ApiGatewayV2::DomainName", among).values()
    [mapping] = of_type("AWS::ApiGatewayV2::ApiMapping", among).values()

    assert domain["DomainName"] == "api.tokens.test"
    assert domain["DomainNameConfigurations"][0]["SecurityPolicy"] == "TLS_1_2"
    assert (mapping["DomainName"], mapping["ApiMappingKey"]) == ("ApiDomain", "tokens")
    assert _api(among) == {"disableExecuteApiEndpoint": True}


def test_a_domain_that_is_there_already_gets_the_mapping_alone() -> None:
    among = resources_with(**STACKS["domain of others"])
    [mapping] = of_type("AWS::ApiGatewayV2::ApiMapping", among).values()

    assert mapping["DomainName"] == "api.tokens.test"
    assert not of_type("AWS::ApiGatewayV2::DomainName", among)


def _roles(among: Any) -> dict[str, Any]:
    return of_type("AWS::IAM::Role", among)


@EACH_STACK
def test_every_role_has_the_boundary_where_there_is_one(stack: str) -> None:
    boundary = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary"}
    bound = _roles(resources_with(**{**STACKS[stack], **boundary}))

    assert {role.get("PermissionsBoundary") for role in bound.values()} == set(boundary.values())
    unbound = _roles(resources_with(**{**STACKS[stack], "PermissionsBoundaryArn": ""}))
    assert not [name for name, role in unbound.items() if "PermissionsBoundary" in role]


def test_codedeploy_s_role_has_what_sam_s_own_has() -> None:
    """samtranslator's `get_codedeploy_iam_role`; ours stands in for it, under its name."""
    role = _roles(resources())["CodeDeployServiceRole"]

    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"]
    groups = of_type("AWS::CodeDeploy::DeploymentGroup").values()
    assert {group["ServiceRoleArn"] for group in groups} == {"CodeDeployServiceRole.Arn"}


def test_signed_code_is_asked_of_every_function_or_of_none() -> None:
    given = STACKS[ACCOUNT_RULES] | STACKS[PROBED]
    asked = of_type("AWS::Lambda::Function", resources_with(**given))

    assert {f.get("CodeSigningConfigArn") for f in asked.values()} == {given["CodeSigningConfigArn"]}
    assert not [n for n, f in of_type("AWS::Lambda::Function").items() if "CodeSigningConfigArn" in f]


@pytest.mark.parametrize("mode", ["PassThrough", "Active"])
def test_tracing_is_lambda_s_own_and_writes_segments_and_nothing_else(mode: str) -> None:
    among = resources_with(Tracing=mode)

    for name in functions().values():
        assert among[name]["Properties"]["TracingConfig"] == {"Mode": mode}
    [policy] = [p for p in of_type("AWS::IAM::ManagedPolicy", among).values() if "Roles" in p]
    assert policy["Roles"] == [f"{name}Role" for name in functions().values()]
    [statement] = each_statement(policy["PolicyDocument"])
    assert statement["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def test_nothing_is_traced_by_default() -> None:
    assert not [n for n, f in of_type("AWS::Lambda::Function").items() if "TracingConfig" in f]
    assert "xray" not in str([*_roles(resources()).values(), of_type("AWS::IAM::ManagedPolicy")])


@pytest.mark.parametrize(("name", "count"), [("Authorizer", "5"), ("Refresh", "2")])
def test_environments_are_kept_started_where_a_number_says_so(name: str, count: str) -> None:
    kept = of_type("AWS::Lambda::Alias", resources_with(**STACKS[PROBED]))[f"{name}FunctionAliaslive"]

    assert kept["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": count}
    assert not [n for n, a in of_type("AWS::Lambda::Alias").items() if "ProvisionedConcurrencyConfig" in a]


@pytest.mark.parametrize("name", ["Authorizer", "Refresh"])
def test_no_more_are_kept_started_than_a_function_may_have(name: str) -> None:
    """Lambda refuses more than the reservation («Configuring provisioned concurrency»)."""
    reserved = resources_with(ReserveConcurrency="true")[f"{name}Function"]["Properties"]

    assert (
        parameters()[f"{name}ProvisionedConcurrency"]["MaxValue"] == reserved["ReservedConcurrentExecutions"]
    )


OPENS = {
    "MayIssuePolicy": {"POST /auth/issue"},
    "MayIntrospectPolicy": {"POST /auth/introspect"},
    "MayReadRevocationsPolicy": {"GET /admin/revocations", "HEAD /admin/revocations"},
    "MayInvestigatePolicy": {
        *(route for route in IAM_ROUTES | HEADS if route.startswith(("GET /admin/", "HEAD /admin/"))),
        "POST /admin/lookup",
        "POST /admin/security/findings/{finding_id}/state",
    },
    "MayAdministerPolicy": {route for route in IAM_ROUTES | HEADS if " /admin/" in route},
}


@pytest.mark.parametrize("policy", OPENS)
def test_a_caller_s_policy_opens_its_routes_and_no_other(policy: str) -> None:
    document = of_type("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]

    opened = {route for route in {*ROUTES, *HEADS} if evaluate(document, _arn(route)) is Decision.ALLOW}
    assert opened == OPENS[policy]


def test_together_the_callers_policies_open_every_signed_route() -> None:
    assert set.union(*OPENS.values()) - HEADS == IAM_ROUTES


def _arn(route: str) -> str:
    method, path = route.replace("{user_id}", "0a1b").split(" ")
    return f"arn:aws:execute-api:eu-west-1:123456789012:HttpApi/$default/{method}{path}"


def test_what_a_caller_s_policy_is_called_can_be_looked_up() -> None:
    outputs = written()["Outputs"]

    assert {f"{name}Arn" for name in OPENS} <= set(outputs)


def _probe() -> Any:
    return resources_with(**STACKS[PROBED])[PROBE]["Properties"]


def test_there_is_no_probe_by_default_and_no_hook() -> None:
    aliases = [body for body in resources().values() if body["Type"] == "AWS::Lambda::Alias"]

    assert PROBE not in resources()
    assert not [alias for alias in aliases if "BeforeAllowTrafficHook" in str(alias)]


def test_codedeploy_may_invoke_the_probe_by_its_name_which_fits() -> None:
    """AWSCodeDeployRoleForLambda: lambda:InvokeFunction on function:CodeDeployHook_* alone."""
    name = _probe()["FunctionName"]

    assert name.startswith("CodeDeployHook_")
    assert len(name.replace(STACK, "x" * MAX_STACK_NAME)) <= 64


def test_the_functions_that_the_probe_uses_wait_for_it_and_no_other_does() -> None:
    among = resources_with(**STACKS[PROBED])
    told = json.loads(_probe()["Environment"]["Variables"]["PROBED_FUNCTIONS"])
    hooked = {
        name
        for name, logical in functions().items()
        if "BeforeAllowTrafficHook" in str(among[f"{logical}Aliaslive"].get("UpdatePolicy"))
    }

    assert hooked == set(told)
    for name, (function, version, group) in told.items():
        logical = functions()[name]
        alias = among[f"{logical}Aliaslive"]
        assert function == logical
        assert version == alias["Properties"]["FunctionVersion"]
        assert group == alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]


def test_the_probe_may_invoke_what_it_probes_read_its_secret_and_report() -> None:
    [policy] = _roles(resources_with(**STACKS[PROBED]))["ProbeFunctionRole"]["Policies"]
    granted = {s["Sid"]: s for s in each_statement(policy["PolicyDocument"])}
    told = json.loads(_probe()["Environment"]["Variables"]["PROBED_FUNCTIONS"])

    assert granted["SignIn"]["Resource"] == STACKS[PROBED]["ProbeUserSecretArn"]
    assert granted["InvokeVersions"]["Resource"] == [
        f"arn:aws:lambda:eu-west-1:123456789012:function:{name}:*" for name, *_ in told.values()
    ]
    assert {a for s in granted.values() for a in s["Action"]} == {
        "secretsmanager:GetSecretValue",
        "lambda:InvokeFunction",
        "codedeploy:GetDeployment",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
    }


def test_the_page_says_which_resources_take_a_stack_s_tags() -> None:
    """`sam deploy --tags` tags the stack; CloudFormation hands its tags on where the type's schema says `taggable`."""
    kinds = {body["Type"] for stack in STACKS.values() for body in resources_with(**stack).values()}
    untagged = {kind for kind in kinds if not _tagging(kind).get("taggable")}

    rows = table(DOCS / "reference" / "parameters.md", "Tags", "Takes no tags").rows
    assert {row["Takes no tags"].strip("`") for row in rows} == untagged


def _tagging(kind: str) -> Any:
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema.get("tagging", {})
