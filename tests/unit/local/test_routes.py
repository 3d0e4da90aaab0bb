"""The routes under /_local: they invoke functions, add users, show pages, and leave every other path alone."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from local.http.messages import GatewayRequest, json_response
from local.routes import LocalRoutes, Reads
from local.runners import FunctionError, PayloadTooLarge, Throttled


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
    assert answer("POST", path) is None


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
    reads: Reads = dict.fromkeys(("/_local/metrics", "/_local/logs/"), lambda name: json_response(200, name))

    assert answer("GET", path, reads=reads) == expected
