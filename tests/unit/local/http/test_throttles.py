"""A stage and its routes take so many requests a second; the rest is answered by the gateway alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.gateway.gateway import Gateway
from local.http.messages import GatewayRequest, GatewayResponse
from local.templates.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    CustomRefusal,
    MountedApi,
    Route,
    Throttle,
)

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
