"""A refusal is answered as its kind of API does, or as a REST API's gateway responses say."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.http import refusals
from local.http.call import Arrival
from local.http.gateway_responses import refusal_answer
from local.http.messages import GatewayRequest, GatewayResponse
from local.http.refusals import UNAUTHORIZED, Refusal
from local.templates.model import Api, ApiKind, CustomRefusal, RefusalType

STEP_UP = {"error": "insufficient_user_authentication", "max_age": 300, "principalId": "alice"}
DENIED = refusals.denied(ApiKind.REST, STEP_UP, is_explicit=False)


def arrival(kind: ApiKind = ApiKind.REST, **customs: CustomRefusal) -> Arrival:
    headers = (("X-Key", "k"), ("User-Agent", "tests/1"))
    request = GatewayRequest("GET", "/jobs", "page=1&page=2", headers, source_ip="203.0.113.9")
    api = Api(kind, "jobs", "live", (), stage_variables={"colour": "green"}, custom_refusals=customs)
    return Arrival(request, api, "/jobs", "id-1", 0.0)


def custom(
    body: str | None = None, status: int | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> CustomRefusal:
    return CustomRefusal(status, headers, body)


def said(answer: GatewayResponse) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("kind", "refusal", "status", "body"),
    [
        (ApiKind.HTTP, refusals.no_route(ApiKind.HTTP), 404, {"message": "Not Found"}),
        (ApiKind.REST, refusals.no_route(ApiKind.REST), 403, {"message": "Missing Authentication Token"}),
        (ApiKind.HTTP, refusals.timed_out(ApiKind.HTTP), 503, {"message": "Service Unavailable"}),
        (ApiKind.REST, refusals.timed_out(ApiKind.REST), 504, {"message": "Endpoint request timed out"}),
        (ApiKind.HTTP, refusals.throttled_function(ApiKind.HTTP), 503, {"message": "Service Unavailable"}),
        (ApiKind.REST, refusals.throttled_function(ApiKind.REST), 500, {"message": "Internal server error"}),
        (ApiKind.HTTP, refusals.too_large(ApiKind.HTTP), 413, {"message": "Request Entity Too Large"}),
        (ApiKind.REST, refusals.too_large(ApiKind.REST), 413, {"message": "Request Too Long"}),
        (ApiKind.HTTP, refusals.throttled(), 429, {"message": "Too Many Requests"}),
        (ApiKind.REST, refusals.throttled(), 429, {"message": "Too Many Requests"}),
        (ApiKind.HTTP, refusals.function_failed(ApiKind.HTTP), 500, {"message": "Internal Server Error"}),
        (ApiKind.REST, refusals.function_failed(ApiKind.REST), 502, {"message": "Internal server error"}),
        (ApiKind.HTTP, refusals.authorizer_broken(ApiKind.HTTP), 500, {"message": "Internal Server Error"}),
        (ApiKind.REST, refusals.authorizer_broken(ApiKind.REST), 500, {"message": None}),
        (ApiKind.HTTP, refusals.denied(ApiKind.HTTP, {}, is_explicit=True), 403, {"message": "Forbidden"}),
        (ApiKind.REST, DENIED, 403, {"Message": "User is not authorized to access this resource"}),
    ],
)
def test_the_gateway_speaks_as_each_api_does(
    kind: ApiKind, refusal: Refusal, status: int, body: dict[str, str | None]
) -> None:
    answer = refusal_answer(refusal, arrival(kind))

    assert said(answer) == (status, body)
    assert list(answer.header_values("content-type")) == ["application/json"]


def test_a_gateway_response_adds_its_headers_and_leaves_the_body() -> None:
    challenge = custom(headers=(("WWW-Authenticate", "'Bearer realm=\"jobs\"'"),))

    answer = refusal_answer(UNAUTHORIZED, arrival(UNAUTHORIZED=challenge))

    assert said(answer) == (401, {"message": "Unauthorized"})
    assert list(answer.header_values("WWW-Authenticate")) == ['Bearer realm="jobs"']


def test_a_header_may_be_a_variable_and_is_absent_without_a_value() -> None:
    names = ["method.request.header.x-key", "method.request.querystring.page", "context.stage"]
    names += ["stageVariables.colour", "context.authorizer.error", "method.request.header.absent"]
    headers = tuple((f"X-{number}", name) for number, name in enumerate(names))

    answer = refusal_answer(DENIED, arrival(ACCESS_DENIED=custom(headers=headers)))

    assert answer.headers[1:] == (
        ("X-0", "k"),
        ("X-1", "2"),
        ("X-2", "live"),
        ("X-3", "green"),
        ("X-4", "insufficient_user_authentication"),
    )


def test_a_value_with_a_line_break_becomes_no_header() -> None:
    refusal = replace(DENIED, authorizer={"error": "a\r\nSet-Cookie: evil=1"})
    headers = (("X-Error", "context.authorizer.error"),)

    answer = refusal_answer(refusal, arrival(ACCESS_DENIED=custom(headers=headers)))

    assert answer.headers == (("Content-Type", "application/json"),)


def test_a_template_is_filled_with_variables_and_empty_where_there_is_none() -> None:
    template = (
        '{"message": $context.error.messageString, "error": "$context.authorizer.error",'
        ' "acr_values": "$context.authorizer.acr_values", "max_age": "$context.authorizer.max_age",'
        ' "type": "$context.error.responseType", "of": "$context.authorizer.principalId",'
        ' "key": "$method.request.header.X-Key", "at": "$context.identity.sourceIp $context.requestId",'
        ' "route": "$context.resourcePath", "odd": "$context.a.b $method.request.path.id $other"}'
    )

    answer = refusal_answer(DENIED, arrival(ACCESS_DENIED=custom(template)))

    assert said(answer) == (
        403,
        {
            "message": "User is not authorized to access this resource",
            "error": "insufficient_user_authentication",
            "acr_values": "",
            "max_age": "300",
            "type": "ACCESS_DENIED",
            "of": "alice",
            "key": "k",
            "at": "203.0.113.9 id-1",
            "route": "",
            "odd": "  $other",
        },
    )


def test_a_message_that_is_not_there_is_null_where_it_is_quoted() -> None:
    broken = refusals.authorizer_broken(ApiKind.REST)
    template = '{"m": $context.error.messageString, "n": "$context.error.message"}'

    answer = refusal_answer(broken, arrival(AUTHORIZER_CONFIGURATION_ERROR=custom(template)))

    assert said(answer) == (500, {"m": None, "n": ""})


@pytest.mark.parametrize(
    ("refusal", "default"),
    [
        (UNAUTHORIZED, "DEFAULT_4XX"),
        (DENIED, "DEFAULT_4XX"),
        (refusals.no_route(ApiKind.REST), "DEFAULT_4XX"),
        (refusals.URI_TOO_LONG, "DEFAULT_4XX"),
        (refusals.timed_out(ApiKind.REST), "DEFAULT_5XX"),
        (refusals.function_failed(ApiKind.REST), "DEFAULT_5XX"),
        (refusals.authorizer_broken(ApiKind.REST), "DEFAULT_5XX"),
    ],
    ids=lambda value: value.type.value if isinstance(value, Refusal) else value,
)
def test_a_type_without_its_own_response_takes_the_default_of_its_class(
    refusal: Refusal, default: str
) -> None:
    type_template = custom('"$context.error.responseType"')
    other = "DEFAULT_5XX" if default == "DEFAULT_4XX" else "DEFAULT_4XX"

    assert said(refusal_answer(refusal, arrival(**{default: type_template, other: custom("other")}))) == (
        refusal.status,
        refusal.type.value,
    )


def test_a_type_with_its_own_response_leaves_the_default_alone() -> None:
    own, default = custom('"own"'), custom('"default"', 418, (("X-Default", "'1'"),))

    answer = refusal_answer(UNAUTHORIZED, arrival(UNAUTHORIZED=own, DEFAULT_4XX=default))

    assert said(answer) == (401, "own")
    assert list(answer.header_values("X-Default")) == []


def test_a_response_may_have_another_status() -> None:
    answer = refusal_answer(DENIED, arrival(ACCESS_DENIED=custom(status=401)))

    assert answer.status == 401


def test_every_type_that_aws_lists_is_known() -> None:
    assert {"EXPIRED_TOKEN", "THROTTLED", "WAF_FILTERED"} <= set(RefusalType.__members__)
    assert all(member.value == name for name, member in RefusalType.__members__.items())
