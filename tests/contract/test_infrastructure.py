"""How the authorizer is attached by SAM, CDK and Terraform: the three say the same. None of it is deployed here."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.host.paths import ROOT
from local.templates.translate import translate
from tests.docs.markdown import DOCS, blocks

READERS = Path(__file__).parent / "infrastructure"
ATTACH = ROOT / "examples" / "attach"
JOBS = ROOT / "examples" / "jobs-api"
PAGE = DOCS / "tutorials" / "protect-an-api.md"
NODE = ROOT / ".venv-node" / "bin" / "node"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer:live"
ORIGIN = "https://app.example.com"
TIMEOUT_S = 120
# A result cache would let a revoked token pass; an identity source would refuse a browser that has a cookie alone.
ATTACHED = {"payload": "2.0", "simple": True, "ttl_s": 0, "identity_source": []}


@pytest.fixture(scope="module")
def by_cdk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resources of the app, synthesised."""
    folder = tmp_path_factory.mktemp("cdk")
    shutil.copy(ATTACH / "cdk.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    (folder / "node_modules").symlink_to(READERS / "node_modules")
    _run(
        folder / "cdk.ts",
        cwd=JOBS,
        CDK_CONTEXT_JSON=json.dumps({"authorizerArn": ARN}),
        CDK_OUTDIR=str(folder / "out"),
    )
    template = json.loads((folder / "out" / "jobs.template.json").read_text("utf-8"))
    resources: dict[str, Any] = template["Resources"]
    return resources


@pytest.fixture(scope="module")
def by_terraform() -> dict[str, Any]:
    """The resources of the file, as HashiCorp's own parser reads them."""
    parsed = _run(READERS / "hcl.mjs", given=(ATTACH / "main.tf").read_text("utf-8"))
    resources: dict[str, Any] = json.loads(parsed)["resource"]
    return resources


def test_sam_attaches_it_without_cache_and_identity_source() -> None:
    body = translate(JOBS / "template.yaml", {"AuthorizerFunctionArn": ARN})["Resources"]["JobsHttpApi"][
        "Properties"
    ]["Body"]
    scheme = body["components"]["securitySchemes"]["Tokens"]["x-amazon-apigateway-authorizer"]

    assert {
        "payload": scheme["authorizerPayloadFormatVersion"],
        "simple": scheme["enableSimpleResponses"],
        "ttl_s": scheme["authorizerResultTtlInSeconds"],
        "identity_source": scheme.get("identitySource", []),
    } == ATTACHED


def test_cdk_attaches_it_alike(by_cdk: dict[str, Any]) -> None:
    [authorizer] = _of_type(by_cdk, "ApiGatewayV2::Authorizer")
    permitted = [permission["FunctionName"] for permission in _of_type(by_cdk, "Lambda::Permission")]

    assert {
        "payload": authorizer["AuthorizerPayloadFormatVersion"],
        "simple": authorizer["EnableSimpleResponses"],
        "ttl_s": authorizer["AuthorizerResultTtlInSeconds"],
        "identity_source": authorizer.get("IdentitySource", []),
    } == ATTACHED
    assert ARN in json.dumps(authorizer["AuthorizerUri"])
    assert ARN in permitted


def test_cdk_s_gateway_answers_preflights_itself(by_cdk: dict[str, Any]) -> None:
    routes = _of_type(by_cdk, "ApiGatewayV2::Route")
    [api] = _of_type(by_cdk, "ApiGatewayV2::Api")

    assert {(route["RouteKey"], route["AuthorizationType"]) for route in routes} == {
        ("GET /jobs", "CUSTOM"),
        ("POST /jobs", "CUSTOM"),
    }
    assert api["CorsConfiguration"]["AllowOrigins"] == [ORIGIN]
    assert "authorization" in api["CorsConfiguration"]["AllowHeaders"]


def test_terraform_attaches_it_alike(by_terraform: dict[str, Any]) -> None:
    [authorizer] = by_terraform["aws_apigatewayv2_authorizer"]["tokens"]
    permitted = [one["function_name"] for [one] in by_terraform["aws_lambda_permission"].values()]

    assert {
        "payload": authorizer["authorizer_payload_format_version"],
        "simple": authorizer["enable_simple_responses"],
        "ttl_s": authorizer["authorizer_result_ttl_in_seconds"],
        "identity_source": authorizer.get("identity_sources", []),
    } == ATTACHED
    assert "${var.authorizer_arn}" in authorizer["authorizer_uri"]
    assert "${var.authorizer_arn}" in permitted


def test_terraform_s_gateway_answers_preflights_itself(by_terraform: dict[str, Any]) -> None:
    [route] = by_terraform["aws_apigatewayv2_route"]["jobs"]
    [api] = by_terraform["aws_apigatewayv2_api"]["jobs"]
    [cors] = api["cors_configuration"]

    assert route["authorization_type"] == "CUSTOM"
    assert "OPTIONS" not in route["for_each"] and "ANY" not in route["for_each"]
    assert cors["allow_origins"] == [ORIGIN]
    assert "authorization" in cors["allow_headers"]


@pytest.mark.parametrize(("language", "file"), [("ts", "cdk.ts"), ("hcl", "main.tf")])
def test_the_tutorial_shows_the_file(language: str, file: str) -> None:
    [shown] = [block.text for block in blocks(PAGE) if block.language == language]

    assert shown == (ATTACH / file).read_text("utf-8")


def _of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [body["Properties"] for body in resources.values() if body["Type"] == f"AWS::{kind}"]


def _run(script: Path, *, given: str = "", cwd: Path = READERS, **environment: str) -> str:
    done = subprocess.run(
        [NODE, script],
        input=given,
        cwd=cwd,
        env={"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
