"""What a function answers becomes an HTTP answer, or the gateway's own error."""

from typing import Any

import pytest

from local.http import responses
from local.http.messages import GatewayResponse
from local.http.refusals import Refusal
from local.templates.model import ApiKind


def http(result: object) -> Any:
    return responses.from_lambda_response(ApiKind.HTTP, "2.0", result)


def rest(result: object) -> Any:
    return responses.from_lambda_response(ApiKind.REST, "1.0", result)


def refusal(answer: GatewayResponse | Refusal) -> tuple[int, str | None]:
    assert isinstance(answer, Refusal)
    return answer.status, answer.message


def test_a_v2_result_is_answered_as_it_says() -> None:
    answer = http({"statusCode": 201, "headers": {"Content-Type": "text/html"}, "body": "<p>"})

    assert answer == GatewayResponse(201, (("Content-Type", "text/html"),), b"<p>")


def test_each_cookie_becomes_a_header_of_its_own() -> None:
    answer = http({"statusCode": 204, "cookies": ["a=1; Path=/", "b=2"]})

    assert list(answer.header_values("Set-Cookie")) == ["a=1; Path=/", "b=2"]


def test_a_base64_body_is_decoded() -> None:
    assert http({"statusCode": 200, "body": "AAEC", "isBase64Encoded": True}).body == b"\0\1\2"
    assert rest({"statusCode": 200, "body": "AAEC", "isBase64Encoded": True}).body == b"\0\1\2"


def test_a_body_that_is_not_flagged_is_left_alone() -> None:
    assert http({"statusCode": 200, "body": "AAEC", "isBase64Encoded": "true"}).body == b"AAEC"


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ("Hello", b"Hello"),
        ({"message": "Hello"}, b'{"message": "Hello"}'),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
    ],
)
def test_a_v2_result_without_a_status_is_the_body_itself(result: object, body: bytes) -> None:
    assert http(result) == GatewayResponse(200, (("content-type", "application/json"),), body)


@pytest.mark.parametrize(
    ("kind", "payload_version", "content_type"),
    [
        (ApiKind.HTTP, "2.0", "text/plain;charset=UTF-8"),
        (ApiKind.HTTP, "1.0", "text/plain;charset=UTF-8"),
        (ApiKind.REST, "1.0", "application/json"),
    ],
)
def test_the_content_type_has_a_default_by_the_kind_of_the_api(
    kind: ApiKind, payload_version: str, content_type: str
) -> None:
    answer = responses.from_lambda_response(kind, payload_version, {"statusCode": 200, "body": "x"})

    assert isinstance(answer, GatewayResponse)
    assert list(answer.header_values("Content-Type")) == [content_type]


def test_a_status_may_be_written_as_text_and_header_values_as_numbers() -> None:
    answer = http({"statusCode": "429", "headers": {"Retry-After": 7, "X-Flag": True}})

    assert answer.status == 429
    assert list(answer.header_values("Retry-After")) == ["7"]
    assert list(answer.header_values("X-Flag")) == ["true"]


def test_a_function_does_not_frame_the_message() -> None:
    answer = http({"statusCode": 200, "headers": {"Content-Length": "9", "Connection": "close"}})

    assert [name for name, _ in answer.headers] == ["content-type"]


def test_rest_headers_of_both_lists_are_merged_without_repeating_a_pair() -> None:
    answer = rest(
        {
            "statusCode": 200,
            "headers": {"set-cookie": "a=1", "X-One": "1"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        }
    )

    assert list(answer.header_values("set-cookie")) == ["a=1", "b=2"]
    assert list(answer.header_values("X-One")) == ["1"]


def test_a_rest_api_renames_the_challenge_header() -> None:
    answer = rest({"statusCode": 401, "headers": {"WWW-Authenticate": "Bearer"}})

    assert list(answer.header_values("WWW-Authenticate")) == []
    assert list(answer.header_values("x-amzn-Remapped-WWW-Authenticate")) == ["Bearer"]


def test_an_http_api_leaves_the_challenge_header_alone() -> None:
    answer = http({"statusCode": 401, "headers": {"WWW-Authenticate": "Bearer"}})

    assert list(answer.header_values("WWW-Authenticate")) == ["Bearer"]


MALFORMED: list[dict[str, Any]] = [
    {"statusCode": None},
    {"statusCode": "abc"},
    {"statusCode": "²"},
    {"statusCode": 200.5},
    {"statusCode": True},
    {"statusCode": 42},
    {"statusCode": 700},
    {"statusCode": 200, "body": {"a": 1}},
    {"statusCode": 200, "body": b"bytes"},
    {"statusCode": 200, "body": "\ud800"},
    {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    {"statusCode": 200, "headers": ["a"]},
    {"statusCode": 200, "headers": {"a": {"b": 1}}},
    {"statusCode": 200, "headers": {"a": "line\r\nSet-Cookie: evil=1"}},
    {"statusCode": 200, "headers": {"a b": "c"}},
    {"statusCode": 200, "headers": {"a": "\u20ac"}},
]


@pytest.mark.parametrize(
    "result",
    [*MALFORMED, {"statusCode": 200, "cookies": "a=1"}, {"statusCode": 200, "cookies": [1]}],
)
def test_a_malformed_result_is_500_of_an_http_api(result: dict[str, Any]) -> None:
    assert refusal(http(result)) == (500, "Internal Server Error")


@pytest.mark.parametrize(
    "result",
    [
        *MALFORMED,
        None,
        "text",
        [],
        {},
        {"message": "no status"},
        {"statusCode": 200, "cookies": ["a=1"]},
        {"statusCode": 200, "multiValueHeaders": {"a": "b"}},
    ],
)
def test_a_malformed_result_is_502_of_a_rest_api(result: object) -> None:
    assert refusal(rest(result)) == (502, "Internal server error")


def test_a_result_that_is_no_json_is_malformed() -> None:
    assert http({1, 2}).status == 500
