"""Behind a trusted edge the viewer's address counts; without its key nobody's word about an address does."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from auth_tokens.domain.edge import NO_EDGE, AddressSource, Edge
from auth_tokens.domain.places import Place
from auth_tokens.web.handler import http_handler
from auth_tokens.web.requests import Request, request_from
from auth_tokens.web.responses import Response
from tests.support.world import RecordedTelemetry

KEY, NEXT = "k" * 32, "n" * 40
SOURCE = "203.0.113.50"
VIEWER = "198.51.100.7"
EDGE = Edge("x-edge-key", tuple(sha256(key.encode()).digest() for key in (KEY, NEXT)))
FORWARDING = replace(EDGE, address_source=AddressSource.FORWARDED)
IAM = {"iam": {"userId": "AIDA1", "userArn": "arn:aws:iam::1:user/x"}}


def event(headers: dict[str, str], authorizer: Any = None) -> dict[str, Any]:
    context: dict[str, Any] = {"http": {"method": "POST", "sourceIp": SOURCE}}
    if authorizer:
        context["authorizer"] = authorizer
    return {"routeKey": "POST /x", "headers": headers, "requestContext": context}


def seen(headers: dict[str, str], edge: Edge = EDGE) -> Request:
    return request_from(event(headers), edge)


def cloudfront(address: str, key: str | None = KEY, name: str = "X-Edge-Key") -> dict[str, str]:
    keyed = {} if key is None else {name: key}
    return {"CloudFront-Viewer-Address": address, **keyed}


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("198.51.100.7:46532", "198.51.100.7"),
        ("2001:db8::1:443", "2001:db8::1"),
        ("2001:db8:1:2:3:4:5:6:65535", "2001:db8:1:2:3:4:5:6"),
        ("::1:443", "::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:198.51.100.7:443", "198.51.100.7"),
    ],
)
def test_the_viewer_s_address_of_cloudfront_is_taken_without_its_port(told: str, address: str) -> None:
    assert seen(cloudfront(told)).caller.address == address


@pytest.mark.parametrize(
    "told",
    [
        "",
        "198.51.100.7",
        "198.51.100.7:",
        "198.51.100.7:x",
        "unknown:443",
        "198.51.100.7:1, 198.51.100.8:2",
        ":443",
        "2001:db8::g:443",
        "198.51.100.7:123456",
        "198.51.100.7:\u0661",
    ],
)
def test_what_is_no_address_of_a_viewer_leaves_the_caller_where_the_gateway_saw_it(told: str) -> None:
    request = seen(cloudfront(told))

    assert request.caller.address == SOURCE
    assert request.is_viewer_unknown


@pytest.mark.parametrize("key", [KEY, NEXT])
def test_both_keys_are_taken_while_one_replaces_the_other(key: str) -> None:
    assert seen(cloudfront(f"{VIEWER}:1", key)).caller.address == VIEWER


@pytest.mark.parametrize(
    "key",
    [None, "", "wrong" * 8, KEY[:-1], KEY + "k", KEY.upper(), f" {KEY} x", f"{KEY},{KEY}", "\ud800" * 40],
)
def test_without_the_edge_s_key_no_header_moves_the_caller(key: str | None) -> None:
    headers = cloudfront(f"{VIEWER}:1", key) | {"X-Forwarded-For": VIEWER, "CloudFront-Viewer-Country": "IE"}

    for edge in (EDGE, FORWARDING):
        caller = seen(headers, edge).caller
        assert (caller.address, caller.place) == (SOURCE, None)


def test_the_key_in_another_header_is_no_key() -> None:
    assert seen(cloudfront(f"{VIEWER}:1", KEY, "X-Other")).caller.address == SOURCE


def test_a_key_that_is_too_short_is_none_even_if_it_is_in_the_settings() -> None:
    short = Edge("x-edge-key", (sha256(b"k" * 31).digest(),))

    assert seen(cloudfront(f"{VIEWER}:1", "k" * 31), short).caller.address == SOURCE


def test_without_an_edge_in_the_settings_an_empty_key_opens_nothing() -> None:
    for headers in (
        cloudfront(f"{VIEWER}:1"),
        cloudfront(f"{VIEWER}:1", ""),
        {"": KEY, **cloudfront(f"{VIEWER}:1")},
    ):
        assert seen(headers, NO_EDGE).caller.address == SOURCE


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        (VIEWER, VIEWER),
        (f"{VIEWER}, {SOURCE}", VIEWER),
        (f"192.0.2.1, {VIEWER}", VIEWER),
        (f"192.0.2.1,{VIEWER} , {SOURCE}", VIEWER),
        (f"{SOURCE}, {VIEWER}, {SOURCE}", VIEWER),
        (f"{VIEWER}:4711, {SOURCE}", VIEWER),
        ("2001:db8::1, " + SOURCE, "2001:db8::1"),
        (f"{VIEWER}, unknown", SOURCE),
        (f"{VIEWER},", SOURCE),
        ("", SOURCE),
    ],
)
def test_of_forwarded_hops_the_last_before_the_edge_is_the_caller(hops: str, address: str) -> None:
    assert seen({"X-Forwarded-For": hops, "X-Edge-Key": KEY}, FORWARDING).caller.address == address


def test_an_edge_that_forwards_is_not_believed_what_it_passes_on_of_cloudfront() -> None:
    headers = cloudfront("192.0.2.66:1") | {"X-Forwarded-For": VIEWER}

    assert seen(headers, FORWARDING).caller.address == VIEWER
    assert seen(headers, EDGE).caller.address == "192.0.2.66"


@pytest.mark.parametrize(
    ("edge", "key", "is_believed"), [(NO_EDGE, None, True), (EDGE, KEY, True), (EDGE, None, False)]
)
def test_a_place_is_the_edge_s_word_where_there_is_one(
    edge: Edge, key: str | None, is_believed: bool
) -> None:
    headers = cloudfront(f"{VIEWER}:1", key) | {"CloudFront-Viewer-Country": "IE"}

    assert seen(headers, edge).caller.place == (Place("IE") if is_believed else None)


def answered(edge: Edge, sent: dict[str, Any]) -> tuple[int, dict[str, float]]:
    telemetry = RecordedTelemetry()
    handler = http_handler({"POST /x": lambda _: Response()}, telemetry, (), edge)
    return handler(sent, None)["statusCode"], telemetry.counts


REQUIRED = replace(EDGE, is_required=True)


def test_a_required_edge_lets_in_what_came_through_it_and_what_is_signed() -> None:
    assert answered(REQUIRED, event(cloudfront(f"{VIEWER}:1")))[0] == 200
    assert answered(REQUIRED, event({}, IAM))[0] == 200
    assert answered(REQUIRED, event(cloudfront(f"{VIEWER}:1", None)))[0] == 403
    assert answered(REQUIRED, event({"X-Edge-Key": "wrong" * 8}))[0] == 403


def test_an_edge_that_is_not_required_leaves_others_to_their_own_address() -> None:
    assert answered(EDGE, event({}))[0] == 200


def test_an_edge_that_does_not_say_where_the_viewer_is_is_reported() -> None:
    assert answered(EDGE, event({"X-Edge-Key": KEY}))[1] == {"EdgeAddressMissing": 1}
    assert answered(EDGE, event(cloudfront(f"{VIEWER}:1")))[1] == {}
    assert answered(EDGE, event({}))[1] == {}


def test_the_key_is_in_no_line() -> None:
    telemetry = RecordedTelemetry()
    http_handler({}, telemetry, (), REQUIRED)(event({"X-Edge-Key": KEY + "x"}), None)

    assert KEY not in str(telemetry.lines)
