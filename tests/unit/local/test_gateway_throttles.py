"""A stage and its routes take so many requests a second; the rest is answered by the gateway alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.environment import TEMPLATE
from local.gateway.gateway import Gateway
from local.gateway.intrinsics import TemplateError
from local.gateway.messages import GatewayRequest, GatewayResponse
from local.gateway.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    CustomRefusal,
    MountedApi,
    Route,
    Throttle,
)
from local.gateway.translate import load_apis
from local.templates import given_to
from tests.architecture.deployment import PARAMETERS

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shared-authorizer"
SAMPLES = Path(__file__).parent / "gateway_samples"
TOKENS = Authorizer("Tokens", "Authorizer", AuthorizerType.REQUEST, (), 0, "2.0", True)
API = Api(
    ApiKind.HTTP,
    "jobs",
    "$default",
    (
        Route("GET", "/jobs", "Function", TOKENS),
        Route("POST", "/login", "Function"),
        Route("ANY", "$default", "Function"),
    ),
    throttles={"": Throttle(rate_per_s=2, burst=3), "POST /login": Throttle(rate_per_s=0.5, burst=1)},
)


class Runner:
    """Lets everybody in and answers everything; remembers what was invoked."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.called.append(function)
        return {"isAuthorized": True} if function == "Authorizer" else {"statusCode": 200}

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def served(api: Api = API) -> tuple[Gateway, Runner, Clock]:
    runner, clock = Runner(), Clock()
    return Gateway([MountedApi(api)], runner, clock), runner, clock


def statuses(gate: Gateway, count: int, path: str = "/jobs", method: str = "GET") -> list[int]:
    answers = [gate.handle(GatewayRequest(method, path)) for _ in range(count)]
    assert all(isinstance(answer, GatewayResponse) for answer in answers)
    return [answer.status for answer in answers if isinstance(answer, GatewayResponse)]


def test_a_burst_passes_and_what_comes_on_top_of_it_is_429() -> None:
    gate, _, _ = served()

    assert statuses(gate, 5) == [200, 200, 200, 429, 429]


def test_a_route_takes_another_request_when_its_time_has_come_and_not_before() -> None:
    gate, _, clock = served()
    statuses(gate, 3)

    clock.now += 0.49
    assert statuses(gate, 1) == [429]
    clock.now += 0.01
    assert statuses(gate, 2) == [200, 429]


def test_a_quiet_time_saves_up_no_more_than_a_burst() -> None:
    gate, _, clock = served()
    statuses(gate, 3)

    clock.now += 3600

    assert statuses(gate, 4) == [200, 200, 200, 429]


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    gate, _, clock = served()
    statuses(gate, 2)

    clock.now -= 3600

    assert statuses(gate, 2) == [200, 429]


def test_a_route_of_its_own_limit_leaves_the_others_alone() -> None:
    gate, _, _ = served()

    assert statuses(gate, 2, "/login", "POST") == [200, 429]
    assert statuses(gate, 4) == [200, 200, 200, 429]
    assert statuses(gate, 4, "/other") == [200, 200, 200, 429]


def test_a_throttled_request_asks_neither_authorizer_nor_function() -> None:
    gate, runner, _ = served()
    statuses(gate, 3)
    runner.called.clear()

    statuses(gate, 1)

    assert runner.called == []


def test_a_limit_of_nothing_closes_a_route() -> None:
    gate, _, clock = served(replace(API, throttles={"": Throttle(rate_per_s=0, burst=0)}))
    clock.now += 3600

    assert statuses(gate, 2) == [429, 429]


def test_an_api_without_limits_has_none() -> None:
    gate, _, _ = served(replace(API, throttles={}))

    assert set(statuses(gate, 500)) == {200}


@pytest.mark.parametrize("kind", [ApiKind.HTTP, ApiKind.REST])
def test_the_answer_is_the_gateways_own(kind: ApiKind) -> None:
    gate, _, _ = served(replace(API, kind=kind, throttles={"": Throttle(0, 0)}))

    answer = gate.handle(GatewayRequest("GET", "/jobs"))

    assert isinstance(answer, GatewayResponse)
    assert (answer.status, json.loads(answer.body)) == (429, {"message": "Too Many Requests"})


def test_a_rest_api_may_answer_otherwise() -> None:
    custom = {"THROTTLED": CustomRefusal(503, (), '{"wait": "$context.error.message"}')}
    rest = replace(API, kind=ApiKind.REST, throttles={"": Throttle(0, 0)}, custom_refusals=custom)
    gate, _, _ = served(rest)

    answer = gate.handle(GatewayRequest("GET", "/jobs"))

    assert isinstance(answer, GatewayResponse)
    assert (answer.status, json.loads(answer.body)) == (503, {"wait": "Too Many Requests"})


# From the template


def test_the_services_own_limits_are_read_from_its_template() -> None:
    given = {**PARAMETERS, "RequestRatePerS": "7", "LoginRatePerS": "3"}

    throttles = load_apis(TEMPLATE, given_to(TEMPLATE, given))["HttpApi"].throttles

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
