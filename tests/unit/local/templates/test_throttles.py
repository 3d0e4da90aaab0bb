"""The throttles of a stage and its routes are read as they would be deployed; what is not counted here is refused."""

from pathlib import Path

import pytest

from local.templates.apis import load_apis
from local.templates.intrinsics import TemplateError
from local.templates.model import Api, Throttle
from local.templates.stacks import PRODUCT, given_to
from tests.architecture.deployment import PARAMETERS

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shared-authorizer"
SAMPLES = Path(__file__).parents[1] / "samples"


def test_the_services_own_limits_are_read_from_its_template() -> None:
    given = {**PARAMETERS, "RequestRatePerS": "7", "LoginRatePerS": "3"}

    throttles = load_apis(PRODUCT, given_to(PRODUCT, given))["HttpApi"].throttles

    assert throttles[""] == Throttle(rate_per_s=7, burst=7)
    assert throttles["POST /auth/login"] == Throttle(rate_per_s=3, burst=3)
    assert throttles["POST /auth/token"] == Throttle(rate_per_s=500, burst=500)


def loaded(tmp_path: Path, sample: str, settings: str) -> Api:
    template = tmp_path / "template.yaml"
    text = (SAMPLES / sample).read_text(encoding="utf-8")
    [api] = [line for line in text.splitlines() if line == "  JobsApi:"]
    head, rest = text.split(api, 1)
    name, properties = rest.split("    Properties:\n", 1)
    template.write_text(f"{head}{api}{name}    Properties:\n{settings}{properties}", encoding="utf-8")
    return load_apis(template, {"AuthorizerFunctionArn": ARN}, {ARN: "AuthorizerFunction"})["JobsApi"]


REST_SETTINGS = """      MethodSettings:
        - {HttpMethod: "*", ResourcePath: "/*", ThrottlingRateLimit: 9, ThrottlingBurstLimit: 8}
        - {HttpMethod: GET, ResourcePath: "/~1jobs", ThrottlingBurstLimit: 2}
        - {HttpMethod: POST, ResourcePath: "/other", LoggingLevel: INFO}
"""


def test_a_rest_apis_limits_are_its_method_settings(tmp_path: Path) -> None:
    throttles = loaded(tmp_path, "jobs_rest.yaml", REST_SETTINGS).throttles

    # Half of a setting leaves the other half to the account.
    assert throttles == {"": Throttle(9, 8), "GET /jobs": Throttle(10_000, 2)}


def test_a_limit_of_every_method_of_one_path_is_refused(tmp_path: Path) -> None:
    settings = REST_SETTINGS.replace("HttpMethod: GET", 'HttpMethod: "*"')

    with pytest.raises(TemplateError, match="MethodSettings"):
        loaded(tmp_path, "jobs_rest.yaml", settings)


def test_a_websocket_apis_limits_are_refused(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    text = (SAMPLES / "jobs_socket.yaml").read_text(encoding="utf-8")
    throttled = text.replace(
        "{StageName: live,", "{StageName: live, DefaultRouteSettings: {ThrottlingBurstLimit: 1},"
    )
    template.write_text(throttled, encoding="utf-8")

    with pytest.raises(TemplateError, match="throttling"):
        load_apis(template, {"AuthorizerFunctionArn": ARN}, {ARN: "Authorizer"})
