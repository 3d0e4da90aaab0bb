"""What a request says of its caller."""

import pytest

from auth_tokens.domain.caller import Caller
from auth_tokens.domain.errors import InvalidRequest, TokenServiceError
from auth_tokens.domain.nesting import MAX_NESTING
from auth_tokens.domain.places import Place
from auth_tokens.web.request_body import idempotency_key, parse_body
from auth_tokens.web.requests import request_from


def event(**headers: str) -> dict[str, object]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "headers": named,
        "requestContext": {"http": {"sourceIp": "192.0.2.7", "userAgent": "app/1"}},
    }


def test_a_caller_is_placed_by_the_headers_of_cloudfront() -> None:
    request = request_from(
        event(
            CloudFront_Viewer_Country="IE",
            cloudfront_viewer_latitude="53.34980",
            cloudfront_viewer_longitude="-6.26030",
        )
    )

    assert request.caller == Caller("192.0.2.7", "app/1", Place("IE", (53.3, -6.3)))


@pytest.mark.parametrize(
    ("told", "at"), [(1_795_521_600_999, 1_795_521_600), (None, None), ("1795521600999", None), (True, None)]
)
def test_the_gateway_says_when_a_request_came(told: object, at: int | None) -> None:
    told_by = {"requestContext": {"timeEpoch": told, "http": {"sourceIp": "192.0.2.7"}}}

    assert request_from(told_by).caller.arrived_at == at


def test_a_caller_without_those_headers_is_nowhere() -> None:
    assert request_from(event(x_viewer_country="IE")).caller.place is None


def test_a_place_moves_neither_address_nor_user_agent() -> None:
    request = request_from(event(x_forwarded_for="203.0.113.9", cloudfront_viewer_address="203.0.113.9:1"))

    assert request.caller.address == "192.0.2.7"


@pytest.mark.parametrize(
    "degrees", ["\u066153", "\u200053.3", "53.3\u2000", "5_3", "nan", "inf", "1e1", "", "+53"]
)
def test_coordinates_that_are_no_plain_decimals_are_left_out(degrees: str) -> None:
    headers = {"cloudfront_viewer_country": "IE", "cloudfront_viewer_longitude": "-6.3"}

    request = request_from(event(**headers, cloudfront_viewer_latitude=degrees))

    assert request.caller.place == Place("IE")


@pytest.mark.parametrize(
    "media_type", ["application/json", " Application/JSON \t; charset=utf-8", "application/json;"]
)
def test_a_media_type_is_read_without_the_blanks_around_it(media_type: str) -> None:
    request = request_from({**event(content_type=media_type), "body": '{"a": "b"}'})

    assert parse_body(request).text("a") == "b"


@pytest.mark.parametrize("other", ["\u2000", "\u00a0", "\x0b", "\x1c", "\x85", "\0", "\n", ",", "x"])
def test_a_media_type_with_anything_else_around_it_is_refused(other: str) -> None:
    for media_type in (f"{other}application/json", f"application/json{other}", f"application/json{other};"):
        request = request_from({**event(content_type=media_type), "body": '{"a": "b"}'})

        with pytest.raises(TokenServiceError):
            parse_body(request)


def body_of(depth: int) -> str:
    return '{"a": "b", "c": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def test_a_body_may_nest_as_deep_as_we_say() -> None:
    request = request_from({**event(content_type="application/json"), "body": body_of(MAX_NESTING)})

    assert parse_body(request).text("a") == "b"


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 2500, 8000])
def test_a_body_that_nests_deeper_is_refused_whatever_the_interpreter_could_read(depth: int) -> None:
    request = request_from({**event(content_type="application/json"), "body": body_of(depth)})

    with pytest.raises(InvalidRequest, match=f"The body nests deeper than {MAX_NESTING} levels"):
        parse_body(request)


@pytest.mark.parametrize("key", ["\u2000k", "k\u00a0", "k k", "k\x0b", "k\x7f", "\u212a", "", "k\n"])
def test_an_idempotency_key_that_is_not_visible_ascii_is_refused(key: str) -> None:
    with pytest.raises(TokenServiceError, match=r"Idempotency-Key"):
        idempotency_key(request_from(event(Idempotency_Key=key)))


@pytest.mark.parametrize(
    ("user_id", "principal"),
    [
        ("AIDACKCEVSQ6C2EXAMPLE", "AIDACKCEVSQ6C2EXAMPLE"),
        ("AROACKCEVSQ6C2EXAMPLE:backend-1", "AROACKCEVSQ6C2EXAMPLE"),
        ("123456789012:anna", "123456789012:anna"),
        ("123456789012:bert", "123456789012:bert"),
        ("123456789012", "123456789012"),
    ],
    ids=["user", "role session", "federated user", "another of that account", "root"],
)
def test_a_principal_is_a_role_whatever_its_session_and_each_federated_user_of_an_account(
    user_id: str, principal: str
) -> None:
    signed = {"requestContext": {"authorizer": {"iam": {"userId": user_id}}}}

    assert request_from(signed).caller.principal == principal
