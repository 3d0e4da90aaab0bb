"""The gateway as a whole: mounts, routes, authorization, functions, limits."""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.gateway.gateway import MAX_PAYLOAD_BYTES, Gateway
from local.http.messages import GatewayRequest, GatewayResponse
from local.http.sigv4 import LOCAL_KEY, LOCAL_ROLE_KEY, SigningKey
from local.runners import FunctionError, PayloadTooLarge, Throttled
from local.templates.model import (
    Api,
    ApiKind,
    Authorizer,
    AuthorizerType,
    CustomRefusal,
    IdentitySource,
    MountedApi,
    Route,
    SourceKind,
)

HEADER = (IdentitySource(SourceKind.HEADER, "Authorization"),)
SIMPLE = Authorizer("Simple", "Authorizer", AuthorizerType.REQUEST, HEADER, 60, "2.0", True)
TOKEN = Authorizer("Token", "Authorizer", AuthorizerType.TOKEN, HEADER, 60)


class FakeRunner:
    """Functions by name; every call is remembered."""

    def __init__(self, **functions: Callable[[Any], Any]) -> None:
        self.functions = functions
        self.calls: list[tuple[str, Any, float | None]] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.calls.append((function, event, timeout_s))
        return self.functions[function](event)

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


def echo(event: Any) -> Any:
    return {"statusCode": 200, "body": json.dumps(event)}


def authorizer(event: Any) -> Any:
    context = {"sub": "alice", "level": 3}
    if event.get("version") == "2.0":
        return {"isAuthorized": event["identitySource"] == ["Bearer good"], "context": context}
    if event["authorizationToken"] != "Bearer good":
        raise FunctionError("Exception", "Unauthorized", {})
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "alice", "policyDocument": policy, "context": context}


ROOT = Api(
    ApiKind.HTTP,
    "tokens",
    "$default",
    (
        Route("GET", "/open", "Echo"),
        Route("POST", "/signed", "Echo", iam=True),
        Route("GET", "/jobs/{id}", "Echo", SIMPLE, timeout_s=7.0),
        Route("ANY", "$default", "Fallback"),
    ),
)
HTTP_JOBS = Api(
    ApiKind.HTTP,
    "jobs",
    "$default",
    (Route("GET", "/jobs", "Echo", SIMPLE), Route("GET", "/", "Echo")),
)
REST_JOBS = Api(
    ApiKind.REST,
    "jobsrest",
    "live",
    (
        Route("GET", "/jobs", "Echo", TOKEN, payload_version="1.0", timeout_s=29.0),
        Route("POST", "/signed", "Echo", iam=True, payload_version="1.0"),
    ),
)
MOUNTS = [
    MountedApi(ROOT),
    MountedApi(HTTP_JOBS, "/examples/http"),
    MountedApi(REST_JOBS, "/examples/rest"),
]


def gateway(**functions: Callable[[Any], Any]) -> tuple[Gateway, FakeRunner]:
    known: dict[str, Callable[[Any], Any]] = {
        "Echo": echo,
        "Fallback": echo,
        "Authorizer": authorizer,
    }
    runner = FakeRunner(**{**known, **functions})
    return Gateway(MOUNTS, runner), runner


def get(path: str, token: str | None = None, method: str = "GET") -> GatewayRequest:
    headers = (("Host", "localhost"),) + ((("Authorization", token),) if token else ())
    return GatewayRequest(method, path, headers=headers)


def document(response: GatewayResponse) -> Any:
    return json.loads(response.body)


def test_an_open_route_reaches_its_function() -> None:
    gate, runner = gateway()

    answer = gate.handle(get("/open"))

    assert answer.status == 200
    assert document(answer)["routeKey"] == "GET /open"
    assert runner.calls[0][0] == "Echo"


def test_an_authorizer_of_an_http_api_has_ten_seconds_and_a_route_the_time_of_its_integration() -> None:
    gate, runner = gateway()

    gate.handle(get("/jobs/7", "Bearer good"))

    assert [(name, timeout) for name, _, timeout in runner.calls] == [
        ("Authorizer", 10.0),
        ("Echo", 7.0),
    ]


def test_the_event_time_comes_from_the_gateways_clock() -> None:
    runner = FakeRunner(Echo=echo)

    answer = Gateway(MOUNTS, runner, clock=lambda: 1_795_521_600.25).handle(get("/open"))

    context = document(answer)["requestContext"]
    assert context["timeEpoch"] == 1_795_521_600_250
    assert context["time"] == "24/Nov/2026:12:00:00 +0000"


def test_an_unknown_path_goes_to_the_default_route() -> None:
    gate, _ = gateway()

    event = document(gate.handle(get("/nothing", method="DELETE")))

    assert event["routeKey"] == "$default"
    assert event["requestContext"]["http"]["method"] == "DELETE"
    assert "pathParameters" not in event


def test_a_mounted_http_api_sees_its_own_path() -> None:
    gate, _ = gateway()

    event = document(gate.handle(get("/examples/http/jobs", "Bearer good")))

    assert event["rawPath"] == "/jobs"
    assert event["requestContext"]["apiId"] == "jobs"
    assert event["requestContext"]["authorizer"] == {"lambda": {"sub": "alice", "level": 3}}


def test_a_mounted_rest_api_sees_its_own_path_and_its_stage() -> None:
    gate, _ = gateway()

    event = document(gate.handle(get("/examples/rest/jobs", "Bearer good")))

    assert event["path"] == "/jobs"
    assert event["requestContext"]["path"] == "/live/jobs"
    expected = {"principalId": "alice", "sub": "alice", "level": "3"}
    assert event["requestContext"]["authorizer"] == expected


def test_the_mount_itself_is_the_root_of_its_api() -> None:
    gate, _ = gateway()

    assert document(gate.handle(get("/examples/http")))["rawPath"] == "/"
    assert document(gate.handle(get("/examples/http/")))["rawPath"] == "/"


def test_a_path_that_only_begins_like_a_mount_belongs_to_the_root() -> None:
    gate, _ = gateway()

    for path in ("/examples/https/jobs", "/examples%2Fhttp/jobs", "//examples/http/jobs"):
        event = document(gate.handle(get(path, "Bearer good")))
        assert event["requestContext"]["apiId"] == "tokens"


def test_without_a_root_api_an_unmounted_path_is_not_found() -> None:
    gate = Gateway([MountedApi(HTTP_JOBS, "/jobs-api")], FakeRunner())

    assert gate.handle(get("/other")).status == 404


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/examples/http/nothing", 404, "Not Found"),
        ("/examples/rest/nothing", 403, "Missing Authentication Token"),
    ],
)
def test_an_unknown_route_is_answered_as_its_api_does(path: str, status: int, message: str) -> None:
    gate, runner = gateway()

    answer = gate.handle(get(path, "Bearer good"))

    assert (answer.status, document(answer)) == (status, {"message": message})
    assert runner.calls == []


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/jobs/7", None, 401),
        ("/jobs/7", "Bearer bad", 403),
        ("/examples/http/jobs", "Bearer bad", 403),
        ("/examples/rest/jobs", None, 401),
        ("/examples/rest/jobs", "Bearer bad", 401),
    ],
)
def test_a_refused_caller_never_reaches_the_function(path: str, token: str | None, status: int) -> None:
    gate, runner = gateway()

    assert gate.handle(get(path, token)).status == status
    assert "Echo" not in [name for name, _, _ in runner.calls]


@pytest.mark.parametrize(
    ("path", "token", "status", "type_"),
    [
        ("/jobs", None, 401, "UNAUTHORIZED"),
        ("/jobs", "Bearer bad", 401, "UNAUTHORIZED"),
        ("/nothing", "Bearer good", 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("/broken", "Bearer good", 502, "DEFAULT_5XX"),
    ],
)
def test_a_refusal_of_a_rest_api_is_answered_by_its_gateway_responses(
    path: str, token: str | None, status: int, type_: str
) -> None:
    told = CustomRefusal(None, (), '"$context.error.responseType of $context.resourcePath"')
    routes = (*REST_JOBS.routes, Route("GET", "/broken", "Broken", payload_version="1.0"))
    customs = {"DEFAULT_4XX": told, "DEFAULT_5XX": told}
    api = replace(REST_JOBS, routes=routes, custom_refusals=customs)
    gate = Gateway([MountedApi(api)], FakeRunner(Authorizer=authorizer, Echo=echo, Broken=lambda event: {}))

    answer = gate.handle(get(path, token))

    where = path if path != "/nothing" else ""
    assert (answer.status, document(answer)) == (status, f"{type_} of {where}")


def test_the_same_credential_at_two_mounted_apis_is_asked_about_twice() -> None:
    gate, runner = gateway()

    gate.handle(get("/jobs/7", "Bearer good"))
    gate.handle(get("/examples/http/jobs", "Bearer good"))
    gate.handle(get("/jobs/8", "Bearer good"))

    assert [name for name, _, _ in runner.calls].count("Authorizer") == 2


def test_another_spelling_of_a_guarded_path_does_not_slip_past_its_authorizer() -> None:
    gate, runner = gateway()

    for path in ("/jobs/%37", "/jobs/7%2F..%2F8", "/jobs//7", "/./jobs/7", "/x/%2e%2e/jobs/7"):
        answer = gate.handle(get(path))
        reached = [name for name, _, _ in runner.calls]
        assert answer.status == 401 or reached[-1] == "Fallback", path
    assert "Echo" not in [name for name, _, _ in runner.calls]


def test_a_path_that_is_not_utf8_is_a_bad_request() -> None:
    gate, _ = gateway()

    assert gate.handle(get("/jobs/%ff")).status == 400


def test_the_payload_limit_is_ten_megabytes() -> None:
    gate, _ = gateway()
    at_limit = GatewayRequest("POST", "/none", body=b"a" * MAX_PAYLOAD_BYTES)
    over = GatewayRequest("POST", "/none", body=b"a" * (MAX_PAYLOAD_BYTES + 1))

    assert gate.handle(at_limit).status == 200
    answer = gate.handle(over)
    assert (answer.status, document(answer)) == (413, {"message": "Request Entity Too Large"})


def raising(error: Exception) -> Callable[[Any], Any]:
    def function(event: Any) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/open", FunctionError("KeyError", "secret detail", {}), 500),
        ("/open", TimeoutError(), 503),
        ("/examples/rest/jobs", FunctionError("KeyError", "secret detail", {}), 502),
        ("/examples/rest/jobs", TimeoutError(), 504),
        ("/open", Throttled("TooManyRequestsException", "secret detail"), 503),
        ("/examples/rest/jobs", Throttled("TooManyRequestsException", "secret detail"), 500),
        ("/open", PayloadTooLarge("RequestEntityTooLargeException", "secret detail"), 413),
        ("/examples/rest/jobs", PayloadTooLarge("RequestEntityTooLargeException", "secret detail"), 413),
    ],
)
def test_a_failing_function_is_answered_without_its_details(path: str, error: Exception, status: int) -> None:
    gate, _ = gateway(Echo=raising(error))

    answer = gate.handle(get(path, "Bearer good"))

    assert answer.status == status
    assert b"secret detail" not in answer.body


def test_a_function_that_ran_out_of_its_own_time_has_failed_however_late_it_is() -> None:
    api = replace(ROOT, routes=(Route("GET", "/open", "Echo", timeout_s=0.0),))
    late = raising(FunctionError("Sandbox.Timedout", "Task timed out after 10.00 seconds"))

    assert Gateway([MountedApi(api)], FakeRunner(Echo=late)).handle(get("/open")).status == 500


def test_an_answer_of_an_http_api_names_its_request_by_the_id_of_its_kind() -> None:
    gate, _ = gateway()

    answer = gate.handle(get("/open"))

    request_id = document(answer)["requestContext"]["requestId"]
    assert list(answer.header_values("apigw-requestid")) == [request_id]
    assert len(base64.b64decode(request_id, validate=True)) == 11


def test_an_answer_of_a_rest_api_names_its_request_by_both_of_its_ids() -> None:
    gate, _ = gateway()

    answer = gate.handle(get("/examples/rest/jobs", "Bearer good"))

    context = document(answer)["requestContext"]
    assert list(answer.header_values("x-amzn-RequestId")) == [context["requestId"]]
    assert list(answer.header_values("x-amz-apigw-id")) == [context["extendedRequestId"]]
    assert str(uuid.UUID(context["requestId"])) == context["requestId"]
    assert len(base64.b64decode(context["extendedRequestId"], validate=True)) == 11


@pytest.mark.parametrize("path", ["/examples/rest/nothing", "/examples/http/nothing"])
def test_a_refusal_names_its_request_as_well(path: str) -> None:
    gate, _ = gateway()

    first, second = gate.handle(get(path)), gate.handle(get(path))

    names = {"x-amzn-requestid", "x-amz-apigw-id", "apigw-requestid"}
    ids = [pair for answer in (first, second) for pair in answer.headers if pair[0].lower() in names]
    assert len(set(ids)) == len(ids) == (4 if "rest" in path else 2)


def test_repeated_response_cookies_stay_apart() -> None:
    gate, _ = gateway(Echo=lambda event: {"statusCode": 204, "cookies": ["a=1", "b=2"]})

    assert list(gate.handle(get("/open")).header_values("set-cookie")) == ["a=1", "b=2"]


def signed(path: str, body: bytes = b"{}", secret: str = "local-secret") -> GatewayRequest:
    return signed_by(replace(LOCAL_KEY, secret_key=secret), path, body)


def signed_by(key: SigningKey, path: str, body: bytes = b"{}") -> GatewayRequest:
    request = AWSRequest("POST", f"http://localhost{path}", data=body)
    credentials = Credentials(key.access_key, key.secret_key, key.session_token or None)
    SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(request)
    headers = (("Host", "localhost"), *request.headers.items())
    return GatewayRequest("POST", path, headers=headers, body=body)


def test_a_signed_call_of_an_iam_route_names_the_signer() -> None:
    gate, _ = gateway()

    event = document(gate.handle(signed("/signed")))

    iam = event["requestContext"]["authorizer"]["iam"]
    assert iam["accessKey"] == "local"
    assert iam["userArn"] == "arn:aws:iam::123456789012:user/local"


def test_a_signed_call_of_a_mounted_rest_route_names_the_signer() -> None:
    gate, _ = gateway()

    event = document(gate.handle(signed("/examples/rest/signed")))

    assert event["requestContext"]["identity"]["accessKey"] == "local"


def test_a_caller_with_a_roles_temporary_credentials_is_an_assumed_role_and_its_session() -> None:
    gate, _ = gateway()
    arn = "arn:aws:sts::123456789012:assumed-role/local-backend/worker"

    iam = document(gate.handle(signed_by(LOCAL_ROLE_KEY, "/signed")))["requestContext"]["authorizer"]["iam"]
    rest = document(gate.handle(signed_by(LOCAL_ROLE_KEY, "/examples/rest/signed")))
    identity = rest["requestContext"]["identity"]

    assert (iam["userArn"], identity["userArn"]) == (arn, arn)
    assert iam["accessKey"] == identity["accessKey"] == LOCAL_ROLE_KEY.access_key
    ids = {iam["userId"], iam["callerId"], identity["user"], identity["caller"]}
    assert ids == {"AROALOCALBACKEND:worker"}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (signed("/signed", secret="wrong"), "Forbidden"),
        (signed_by(replace(LOCAL_ROLE_KEY, session_token=""), "/signed"), "Forbidden"),
        (get("/signed", method="POST"), "Forbidden"),
        (get("/signed", "Bearer good", "POST"), "Forbidden"),
        (signed("/examples/rest/signed", secret="wrong"), "Forbidden"),
        (get("/examples/rest/signed", method="POST"), "Missing Authentication Token"),
    ],
)
def test_an_iam_route_refuses_a_call_that_is_not_signed_right(request_: GatewayRequest, message: str) -> None:
    gate, runner = gateway()

    answer = gate.handle(request_)

    assert (answer.status, document(answer)) == (403, {"message": message})
    assert answer.reason.startswith(
        ("gateway: invalid signature: ", "gateway: missing authentication token: ")
    )
    assert runner.calls == []


@pytest.mark.parametrize("prefix", ["examples", "/examples/", "/"])
def test_a_mount_prefix_is_a_path_without_its_last_slash(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        MountedApi(ROOT, prefix)
