"""The routes under /_local: they invoke functions, show metrics, add users, and leave every other path alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.http.messages import GatewayRequest, GatewayResponse
from local.routes import LocalRoutes
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
    metrics: Callable[[], str] | None = None,
    reference: Path = Path("/nowhere"),
) -> tuple[int, Any] | None:
    routes = LocalRoutes(runner or Runner(), {"issue": "IssueFunction"}, no_connection, metrics, reference)
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
        ("GET", "/_local/metrics"),
    ],
    ids=["another method", "no folder", "no route", "users are added by POST", "this runner collects none"],
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


def test_the_page_of_metrics_is_text() -> None:
    routes = LocalRoutes(Runner(), {}, no_connection, lambda: "größte 1\n", Path("/nowhere"))

    response = routes(GatewayRequest("GET", "/_local/metrics"))

    content_type = (("Content-Type", "text/plain; charset=utf-8"),)
    assert response == GatewayResponse(200, content_type, "größte 1\n".encode())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"count": 0}', b'{"count": 1001}', b'{"count": true}', b'{"count": "5"}']
)
def test_a_wrong_number_of_users_is_refused_before_the_database_is_asked(body: bytes) -> None:
    refused = (400, {"message": "count must be a whole number from 1 to 1000."})

    assert answer("POST", "/_local/users", body) == refused


def test_the_reference_page_is_served_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>größte</h1>", "utf-8")
    (tmp_path / "start.js").write_text("1", "utf-8")
    routes = LocalRoutes(Runner(), {}, no_connection, None, tmp_path)

    page, script = (routes(GatewayRequest("GET", f"/_local/reference/{name}")) for name in ("", "start.js"))

    assert page is not None and script is not None
    assert (page.status, page.body.decode()) == (200, "<h1>größte</h1>")
    assert dict(page.headers)["Content-Type"] == "text/html; charset=utf-8"
    assert dict(script.headers)["Content-Type"] == "text/javascript"


@pytest.mark.parametrize("name", ["", "index.html", "../secret.html", "a/b.html", "..", "."])
def test_a_reference_page_that_was_not_written_says_how_to_write_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.html").write_text("x", "utf-8")
    (tmp_path / "reference").mkdir()

    status, body = answer("GET", f"/_local/reference/{name}", reference=tmp_path / "reference") or (0, {})

    assert status == 404
    assert "make docs" in body["message"]
