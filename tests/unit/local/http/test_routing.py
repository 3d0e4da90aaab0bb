"""Which route answers a path, and which paths reach none."""

import pytest

from local.http.routing import find_route, gateway_path
from local.templates.model import Api, ApiKind, Route


def api_of(kind: ApiKind, *routes: str) -> Api:
    keys = (route.split(" ") for route in routes)
    return Api(kind, "api", "$default", tuple(Route(key[0], key[-1], " ".join(key)) for key in keys))


def answering(api: Api, method: str, raw_path: str) -> str | None:
    match = find_route(api, method, gateway_path(api.kind, raw_path))
    return match.route.function if match else None


HTTP = api_of(
    ApiKind.HTTP,
    "GET /jobs",
    "POST /jobs",
    "GET /jobs/{id}",
    "GET /jobs/open",
    "ANY /jobs/{id}/notes",
    "GET /jobs/{id}/notes",
    "GET /files/{path+}",
    "ANY /files/public",
    "$default $default",
)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/jobs", "GET /jobs"),
        ("GET", "/jobs/7", "GET /jobs/{id}"),
        ("GET", "/jobs/open", "GET /jobs/open"),
        ("GET", "/jobs/7/notes", "GET /jobs/{id}/notes"),
        ("DELETE", "/jobs/7/notes", "ANY /jobs/{id}/notes"),
        ("GET", "/files/a/b/c", "GET /files/{path+}"),
        ("GET", "/files/public", "ANY /files/public"),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, route: str) -> None:
    assert answering(HTTP, method, path) == route


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/jobs"),
        ("DELETE", "/jobs"),
        ("get", "/jobs"),
        ("GET", "/jobs/"),
        ("GET", "//jobs"),
        ("GET", "/./jobs"),
        ("GET", "/x/../jobs"),
        ("GET", "/%2e/jobs"),
        ("GET", "/x/%2e%2e/jobs"),
        ("GET", "/Jobs"),
        ("GET", "/jobs;x"),
        ("GET", "/files/"),
        ("GET", "/jobs//notes"),
    ],
)
def test_another_spelling_of_a_path_falls_to_the_default_route(method: str, path: str) -> None:
    assert answering(HTTP, method, path) == "$default $default"


def test_without_a_default_route_an_unknown_path_has_no_route() -> None:
    assert answering(api_of(ApiKind.HTTP, "GET /jobs"), "GET", "/nothing") is None


def test_an_http_api_decodes_a_path_once_before_it_routes() -> None:
    match = find_route(HTTP, "GET", gateway_path(ApiKind.HTTP, "/jobs/a%20b%252F"))

    assert match is not None
    assert match.path_parameters == {"id": "a b%2F"}


def test_an_encoded_slash_divides_segments_in_an_http_api() -> None:
    assert answering(HTTP, "GET", "/jobs/7%2Fnotes") == "GET /jobs/{id}/notes"


def test_an_encoded_slash_stays_within_its_segment_in_a_rest_api() -> None:
    match = find_route(api_of(ApiKind.REST, "GET /jobs/{id}"), "GET", "/jobs/7%2Fnotes")

    assert match is not None
    assert match.route.path == "/jobs/{id}"


def test_a_rest_api_hands_on_path_parameters_as_they_were_sent() -> None:
    match = find_route(api_of(ApiKind.REST, "GET /jobs/{id}"), "GET", "/jobs/7%2Fnotes%20a+b")

    assert match is not None
    assert match.path_parameters == {"id": "7%2Fnotes%20a+b"}


@pytest.mark.parametrize(
    ("sent", "path"), [("/jobs/7%3Fx=1", "/jobs/7"), ("/%3F", "/"), ("/jobs/a%23b", "/jobs/a#b")]
)
def test_an_encoded_question_mark_cuts_the_path_of_an_http_api(sent: str, path: str) -> None:
    assert gateway_path(ApiKind.HTTP, sent) == path


def test_an_encoded_question_mark_stays_in_the_path_of_a_rest_api() -> None:
    assert gateway_path(ApiKind.REST, "/jobs/7%3Fx=1") == "/jobs/7%3Fx=1"


def test_a_path_that_is_not_utf8_is_refused_by_an_http_api() -> None:
    with pytest.raises(UnicodeDecodeError):
        gateway_path(ApiKind.HTTP, "/jobs/%ff")


def test_a_greedy_parameter_holds_the_rest_of_the_path() -> None:
    match = find_route(HTTP, "GET", "/files/a//b/")

    assert match is not None
    assert match.path_parameters == {"path": "a//b/"}


def test_a_rest_api_looks_for_the_method_only_on_the_most_specific_resource() -> None:
    api = api_of(ApiKind.REST, "ANY /{proxy+}", "POST /jobs")

    assert answering(api, "GET", "/jobs") is None
    assert answering(api, "POST", "/jobs") == "POST /jobs"
    assert answering(api, "GET", "/other") == "ANY /{proxy+}"


def test_the_root_is_a_path_of_its_own() -> None:
    api = api_of(ApiKind.HTTP, "GET /", "GET /{proxy+}")

    assert answering(api, "GET", "/") == "GET /"
