"""The routes under /_local: they invoke functions, add users, show pages, and leave every other path alone."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from local.http.messages import GatewayRequest, json_response
from local.parameters import own_parameters
from local.routes import LocalRoutes, Reads
from local.runners import FunctionError, PayloadTooLarge, Throttled
from local.templates.apis import load_apis
from local.templates.stacks import PRODUCT, given_to


class Runner:
    """Returns its events, or raises an error; remembers what was invoked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.called: list[tuple[str, Any]] = []

    def invoke(self, function: str, event: Any, timeout_s: float | None = None) -> Any:
        self.called.append((function, event))
        if self.error:
            raise self.error
        return {"seen": event}

    def drop(self, function: str | None = None) -> None: ...

    def close(self) -> None: ...


PAGES: Reads = dict.fromkeys(("/", "/_local/metrics", "/_local/logs/"), lambda name: json_response(200, name))


def status_of(method: str, path: str, **headers: str) -> int | None:
    """The status of a request with headers; None for one that is left to the gateway."""
    runner = Runner()
    response = LocalRoutes(runner, {"issue": "IssueFunction"}, no_connection, PAGES)(
        GatewayRequest(method, path, headers=tuple(headers.items()))
    )
    assert runner.called == []
    return response.status if response else None


def no_connection() -> Any:
    pytest.fail("the database was asked")


def answer(
    method: str,
    path: str,
    body: bytes = b"",
    runner: Runner | None = None,
    reads: Reads = MappingProxyType({}),
) -> tuple[int, Any] | None:
    routes = LocalRoutes(runner or Runner(), {"issue": "IssueFunction"}, no_connection, reads)
    response = routes(GatewayRequest(method, path, body=body))
    return None if response is None else (response.status, json.loads(response.body))


@pytest.mark.parametrize("path", ["/", "/auth/login", "/_local", "/_localhost/x"])
def test_a_path_outside_is_left_to_the_gateway(path: str) -> None:
    assert answer("POST", path, reads=PAGES) is None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_landing_page_is_the_root_alone(method: str) -> None:
    assert answer(method, "/", reads=PAGES) == (200, "")
    assert answer(method, "/auth/session", reads=PAGES) is None
    assert answer(method, "/_local/other", reads=PAGES) == (404, {"message": "Not Found"})
    assert answer(method, "/") is None


def test_the_deployed_service_has_no_path_of_local_mode() -> None:
    deployed = load_apis(PRODUCT, given_to(PRODUCT, own_parameters("http://127.0.0.1:3000")))

    paths = {route.path for route in deployed["HttpApi"].routes}

    assert "/auth/login" in paths
    assert not [path for path in paths if path == "/" or path.startswith("/_local")]


@pytest.mark.parametrize("path", ["/", "/_local/logs/a", "/auth/login"])
def test_another_host_has_no_path_here_not_even_of_the_service(path: str) -> None:
    assert status_of("GET", path, Host="attacker.example") == 421


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 403),
        ("GET", "/_local/logs/a", 403),
        ("POST", "/_local/invoke/issue", 403),
        ("POST", "/_local/users", 403),
        ("POST", "/auth/login", None),
    ],
)
def test_a_page_of_another_origin_has_the_paths_of_the_service_alone(
    method: str, path: str, status: int | None
) -> None:
    assert status_of(method, path, Host="127.0.0.1:3000", Origin="http://127.0.0.1:5173") == status


@pytest.mark.parametrize(("body", "event"), [(b'{"a": 1}', {"a": 1}), (b"", {})])
def test_a_function_is_invoked_by_the_name_of_its_folder(body: bytes, event: Any) -> None:
    runner = Runner()

    assert answer("POST", "/_local/invoke/issue", body, runner) == (200, {"seen": event})
    assert runner.called == [("IssueFunction", event)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_local/invoke/issue"),
        ("POST", "/_local/invoke/IssueFunction"),
        ("POST", "/_local/other"),
        ("GET", "/_local/users"),
    ],
    ids=["another method", "no folder", "no route", "users are added by POST"],
)
def test_anything_else_is_404_and_invokes_nothing(method: str, path: str) -> None:
    runner = Runner()

    assert answer(method, path, runner=runner) == (404, {"message": "Not Found"})
    assert runner.called == []


@pytest.mark.parametrize(
    ("body", "error", "expected"),
    [
        (b"{", None, (400, {"message": "The body is not JSON."})),
        (b"{}", PayloadTooLarge("T", "too large"), (413, {"message": "too large"})),
        (b"{}", Throttled("T", "Rate Exceeded."), (429, {"message": "Rate Exceeded."})),
        (b"{}", FunctionError("Odd", "no"), (500, {"errorType": "Odd", "errorMessage": "no"})),
    ],
    ids=["no JSON", "too large", "throttled", "failed"],
)
def test_a_failure_has_its_status(body: bytes, error: Exception | None, expected: tuple[int, Any]) -> None:
    assert answer("POST", "/_local/invoke/issue", body, Runner(error)) == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"count": 0}', b'{"count": 1001}', b'{"count": true}', b'{"count": "5"}']
)
def test_a_wrong_number_of_users_is_refused_before_the_database_is_asked(body: bytes) -> None:
    refused = (400, {"message": "count must be a whole number from 1 to 1000."})

    assert answer("POST", "/_local/users", body) == refused


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/_local/metrics", (200, "")),
        ("/_local/logs/", (200, "")),
        ("/_local/logs/a/b", (200, "a/b")),
        ("/_local/metrics/", (404, {"message": "Not Found"})),
        ("/_local/log", (404, {"message": "Not Found"})),
    ],
)
def test_a_path_is_read_by_its_name_and_below_a_folder_by_the_rest(
    path: str, expected: tuple[int, Any]
) -> None:
    assert answer("GET", path, reads=PAGES) == expected
