"""Events have the members and types that AWS documents, and the values of the request."""

import base64
import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
)
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerEventV2,
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerTokenEvent,
)
from aws_lambda_powertools.utilities.data_classes.api_gateway_websocket_event import (
    APIGatewayWebSocketEvent,
)

from local.authorizers.events import authorizer_event
from local.http.call import Call, Handshake
from local.http.events import Authorized, IamCaller, integration_event
from local.http.messages import GatewayRequest
from local.sockets.events import SocketEvents
from local.templates.model import Api, ApiKind, Authorizer, AuthorizerType, IdentitySource, Route, SourceKind

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = 1_795_521_600.0
ALICE = Authorized("alice", {"sub": "alice", "level": 3})
ALICE_REST = Authorized("alice", {"sub": "alice", "level": "3"})
SIGNER = IamCaller("local", "arn:aws:iam::123456789012:user/local", "local")
REQUEST = GatewayRequest(
    method="POST",
    path="/jobs/7",
    query="tag=a&tag=b&state=open",
    headers=(
        ("Host", "api.example.com"),
        ("User-Agent", "tests/1"),
        ("Content-Type", "application/json"),
        ("X-Colour", "red"),
        ("X-Colour", "blue"),
        ("Cookie", "theme=dark; lang=en"),
        ("Authorization", "Bearer t"),
    ),
    body=b'{"n": 1}',
    source_ip="203.0.113.9",
)


def call_of(kind: ApiKind, request: GatewayRequest = REQUEST, payload: str = "2.0") -> Call:
    stage = "$default" if kind is ApiKind.HTTP and payload == "2.0" else "live"
    route = Route("POST", "/jobs/{id}", "JobsFunction", payload_version=payload)
    api = Api(kind, "jobsapi", stage, (route,), stage_variables={"colour": "green"})
    return Call(request, api, request.path, "id", NOW, route, {"id": "7"})


def handshake() -> Handshake:
    headers = tuple(pair for pair in REQUEST.headers if pair[0] != "Content-Type")
    request = replace(REQUEST, method="GET", path="/", headers=headers, body=b"")
    route = Route("", "$connect", "JobsFunction")
    api = Api(ApiKind.WEBSOCKET, "jobsapi", "live", (route,), stage_variables={"colour": "green"})
    return Handshake(request, api, "/", "id", NOW, route, {}, "connection")


def authorizer_of(kind: AuthorizerType, payload: str = "1.0") -> Authorizer:
    source = IdentitySource(SourceKind.HEADER, "Authorization")
    return Authorizer("Tokens", "AuthorizerFunction", kind, (source,), 0, payload)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def shape(value: object) -> object:
    """Members and JSON types; of headers only that they are text, for their set is the client's."""
    if isinstance(value, dict):
        return {
            name: "headers" if name in ("headers", "multiValueHeaders") else shape(item)
            for name, item in value.items()
        }
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def events() -> dict[str, Any]:
    http, rest = ApiKind.HTTP, ApiKind.REST
    request, token = AuthorizerType.REQUEST, AuthorizerType.TOKEN
    values = ("Bearer t",)
    socket = SocketEvents(handshake(), ALICE_REST)
    return {
        "authorizer_websocket": authorizer_event(handshake(), authorizer_of(request), values),
        "websocket_connect": socket.connect(),
        "websocket_message": socket.message("list", "id", NOW + 5, '{"action": "list"}'),
        "websocket_disconnect": socket.disconnect(NOW + 5, 1001, "Going away"),
        "http_v2": integration_event(call_of(http), ALICE),
        "http_v2_iam": integration_event(call_of(http), SIGNER),
        "http_v1": integration_event(call_of(http, payload="1.0"), ALICE_REST),
        "rest": integration_event(call_of(rest, payload="1.0"), ALICE_REST),
        "rest_iam": integration_event(call_of(rest, payload="1.0"), SIGNER),
        "authorizer_http_v2": authorizer_event(call_of(http), authorizer_of(request, "2.0"), values),
        "authorizer_http_v1": authorizer_event(call_of(http, payload="1.0"), authorizer_of(request), values),
        "authorizer_rest_request": authorizer_event(
            call_of(rest, payload="1.0"), authorizer_of(request), values
        ),
        "authorizer_rest_token": authorizer_event(call_of(rest, payload="1.0"), authorizer_of(token), values),
    }


EVENTS = events()


def own_ids(context: dict[str, Any]) -> tuple[str, ...]:
    """An end has no request of its own."""
    return ("requestId", "extendedRequestId") if context.get("eventType") == "DISCONNECT" else ()


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_has_the_documented_members_and_types(name: str) -> None:
    assert shape(EVENTS[name]) == shape(sample(name))


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_carries_the_values_of_the_request(name: str) -> None:
    expected, event = sample(name), copy.deepcopy(EVENTS[name])
    for headers in ("headers", "multiValueHeaders"):
        if headers in expected:
            assert expected.pop(headers).items() <= event.pop(headers).items()
    if "requestContext" in expected:
        # An id of the local resource, and ids made up for each event; AWS makes them all up.
        for name in ("resourceId", "messageId", *own_ids(expected["requestContext"])):
            expected["requestContext"].pop(name, None)
            event["requestContext"].pop(name, None)

    assert event == expected


def test_the_samples_are_all_compared() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(EVENTS)


def test_powertools_reads_a_v2_event() -> None:
    event = APIGatewayProxyEventV2(integration_event(call_of(ApiKind.HTTP), ALICE))

    assert event.request_context.http.method == "POST"
    assert event.request_context.http.source_ip == "203.0.113.9"
    assert event.request_context.authorizer is not None
    assert event.request_context.authorizer.get_lambda == {"sub": "alice", "level": 3}
    assert event.json_body == {"n": 1}
    assert event.cookies == ["theme=dark", "lang=en"]
    assert event.path == "/jobs/7"


def test_powertools_reads_the_signer_of_a_v2_event() -> None:
    event = APIGatewayProxyEventV2(integration_event(call_of(ApiKind.HTTP), SIGNER))

    assert event.request_context.authorizer is not None
    assert event.request_context.authorizer.iam is not None
    assert event.request_context.authorizer.iam.access_key == "local"


def test_powertools_reads_a_websockets_events() -> None:
    opened, message, ended = (
        APIGatewayWebSocketEvent(EVENTS[f"websocket_{name}"]) for name in ("connect", "message", "disconnect")
    )

    assert opened.request_context.event_type == "CONNECT"
    assert opened.headers["authorization"] == "Bearer t"
    assert opened.multi_value_query_string_parameters["tag"] == ["a", "b"]
    assert message.json_body == {"action": "list"}
    assert message.request_context.route_key == "list"
    assert message.request_context.message_id
    assert ended.request_context.disconnect_status_code == 1001
    assert ended.request_context.connected_at < ended.request_context.request_time_epoch


def test_ids_of_connections_messages_and_requests_do_not_repeat() -> None:
    socket = SocketEvents(handshake(), None)

    ids = {socket.message("list", "id", NOW, "")["requestContext"]["messageId"] for _ in range(100)}

    assert len(ids) == 100


def test_powertools_reads_a_rest_event() -> None:
    event = APIGatewayProxyEvent(integration_event(call_of(ApiKind.REST, payload="1.0"), ALICE_REST))

    assert event.resource == "/jobs/{id}"
    assert event.path == "/jobs/7"
    assert event.request_context.path == "/live/jobs/7"
    assert event.request_context.authorizer["principalId"] == "alice"
    assert event.multi_value_query_string_parameters == {"tag": ["a", "b"], "state": ["open"]}
    assert event.request_context.identity.source_ip == "203.0.113.9"


def test_powertools_reads_the_authorizer_events() -> None:
    v2 = APIGatewayAuthorizerEventV2(EVENTS["authorizer_http_v2"])
    request = APIGatewayAuthorizerRequestEvent(EVENTS["authorizer_rest_request"])
    token = APIGatewayAuthorizerTokenEvent(EVENTS["authorizer_rest_token"])

    assert v2.parsed_arn.http_method == "POST"
    assert v2.identity_source == ["Bearer t"]
    assert request.parsed_arn.stage == "live"
    assert request.path_parameters == {"id": "7"}
    assert token.authorization_token == "Bearer t"
    assert token.parsed_arn.resource == "jobs/7"


def test_v2_header_names_are_lower_case_and_cookies_stand_apart() -> None:
    headers = integration_event(call_of(ApiKind.HTTP), None)["headers"]

    assert all(name == name.lower() for name in headers)
    assert headers["x-colour"] == "red,blue"
    assert "cookie" not in headers


def test_a_cookie_without_a_name_never_arrives() -> None:
    request = replace(REQUEST, headers=(("Cookie", "a=1; nameless; =x; b=; c=d=e"), ("Cookie", "=")))

    assert integration_event(call_of(ApiKind.HTTP, request), None)["cookies"] == ["a=1", "b=", "c=d=e"]


def test_rest_header_names_keep_their_case_and_two_spellings_are_one_header() -> None:
    request = replace(REQUEST, headers=(("X-Colour", "red"), ("x-colour", "blue")))

    event = integration_event(call_of(ApiKind.REST, request, "1.0"), None)

    assert event["multiValueHeaders"]["X-Colour"] == ["red", "blue"]
    assert event["headers"]["X-Colour"] == "blue"
    assert "x-colour" not in event["headers"]
    assert event["multiValueHeaders"].keys() == event["headers"].keys()


def test_a_bare_v2_event_leaves_out_what_was_not_sent() -> None:
    request = GatewayRequest("GET", "/jobs/7", headers=(("Host", "h"),))
    call = replace(call_of(ApiKind.HTTP, request), path_parameters={})
    event = integration_event(replace(call, api=replace(call.api, stage_variables={})), None)

    absent = {"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"}
    assert not absent & event.keys()
    assert "authorizer" not in event["requestContext"]
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False
    assert event["requestContext"]["http"]["userAgent"] == ""


def test_a_bare_rest_event_has_null_for_what_was_not_sent() -> None:
    request = GatewayRequest("GET", "/jobs/7", headers=(("Host", "h"),))
    call = replace(call_of(ApiKind.REST, request, "1.0"), path_parameters={})

    event = integration_event(call, None)

    for member in ("body", "queryStringParameters", "multiValueQueryStringParameters"):
        assert event[member] is None
    assert event["pathParameters"] is None
    assert "authorizer" not in event["requestContext"]


def test_a_bare_rest_authorizer_event_has_empty_objects_for_what_was_not_sent() -> None:
    request = GatewayRequest("GET", "/jobs/7", headers=(("Host", "h"),))
    call = replace(call_of(ApiKind.REST, request, "1.0"), path_parameters={})

    event = authorizer_event(call, authorizer_of(AuthorizerType.REQUEST), ())

    assert event["queryStringParameters"] == {}
    assert event["pathParameters"] == {}
    assert "body" not in event


@pytest.mark.parametrize(
    ("content_type", "is_base64"),
    [
        ("application/json", False),
        ("Application/JSON; charset=utf-8", False),
        ("application/problem+json", False),
        ("text/plain", False),
        ("application/xml", False),
        ("application/x-www-form-urlencoded", True),
        ("application/octet-stream", True),
        ("image/png", True),
        (None, True),
    ],
)
def test_an_http_api_encodes_what_is_not_text_by_its_type(content_type: str | None, is_base64: bool) -> None:
    headers = (("Content-Type", content_type),) if content_type else ()
    event = integration_event(call_of(ApiKind.HTTP, replace(REQUEST, headers=headers, body=b"a=b")), None)

    assert event["isBase64Encoded"] is is_base64
    assert event["body"] == (base64.b64encode(b"a=b").decode() if is_base64 else "a=b")


def test_text_that_is_not_utf8_arrives_whole_through_an_http_api() -> None:
    event = integration_event(call_of(ApiKind.HTTP, replace(REQUEST, body=b"\xff\xfe")), None)

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\xfe"


def test_a_rest_api_encodes_only_its_binary_media_types() -> None:
    form = replace(REQUEST, headers=(("Content-Type", "image/png"),), body=b"\xff")
    call = call_of(ApiKind.REST, form, "1.0")
    binary = replace(call, api=replace(call.api, binary_media_types=("image/*",)))

    assert integration_event(call, None)["body"] == "\ufffd"
    assert integration_event(binary, None)["isBase64Encoded"] is True


def test_the_callers_address_comes_from_the_socket_and_ends_the_forwarded_list() -> None:
    spoofed = (
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Proto", "gopher"),
        ("Host", "evil.example"),
    )
    event = integration_event(call_of(ApiKind.HTTP, replace(REQUEST, headers=spoofed)), None)

    assert event["headers"]["x-forwarded-for"] == "10.0.0.1, 203.0.113.9"
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["requestContext"]["http"]["sourceIp"] == "203.0.113.9"
    assert event["requestContext"]["domainName"] == "jobsapi.execute-api.eu-west-1.amazonaws.com"


def test_the_query_is_decoded_in_the_parameters_and_raw_beside_them() -> None:
    event = integration_event(call_of(ApiKind.HTTP, replace(REQUEST, query="q=a%20b+c&empty=&flag")), None)

    assert event["rawQueryString"] == "q=a%20b+c&empty=&flag"
    assert event["queryStringParameters"] == {"q": "a b c", "empty": "", "flag": ""}


def test_a_named_stage_of_an_http_api_is_the_first_segment_of_the_raw_path() -> None:
    call = call_of(ApiKind.HTTP)
    event = integration_event(replace(call, api=replace(call.api, stage="live")), None)

    assert event["rawPath"] == "/live/jobs/7"
    assert event["requestContext"]["http"]["path"] == "/live/jobs/7"


def test_an_http_authorizer_without_identity_sources_gets_null_for_them() -> None:
    event = authorizer_event(call_of(ApiKind.HTTP), authorizer_of(AuthorizerType.REQUEST, "2.0"), ())

    assert event["identitySource"] is None
