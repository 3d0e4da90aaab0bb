"""Every answer of the running service is documented, and every documented answer is shown by a case."""

from dataclasses import replace

import pytest

from local.client import Reply
from tests.contract.cases import CASES, GOOD, REFRESH
from tests.contract.document import (
    DOCUMENT,
    OPERATIONS,
    answer_faults,
    at,
    body_schema,
    body_type,
    error_codes,
    member_schema,
    parameters,
    request_faults,
    resolved,
    responses,
)
from tests.contract.refusals import unhelpful
from tests.contract.visitor import FORM, JSON, Case, Visitor, Who

# Shown by test_outage.py, by too many logins below, or by nothing: a 500 is a fault that is not known of.
SHOWN_ELSEWHERE = {429, 500, 503}
# Of routes that the stack of these tests has switched on; tests/integration/revocation/test_published.py shows them.
SWITCHED_OFF = {("GET /auth/revocations", 404), ("GET /admin/revocations", 404)}
HEADERS_OF_EVERY_ANSWER = {
    "x-content-type-options",
    "strict-transport-security",
    "content-security-policy",
    "referrer-policy",
    "vary",
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_is_as_documented(visitor: Visitor, case: Case) -> None:
    reply = visitor.send(case)

    assert reply.status == case.status, reply.shortened()
    assert _error_in(reply) == case.error
    assert unhelpful(case, reply) == [], reply.shortened()
    assert answer_faults(responses(case.route)[reply.status], reply) == []
    is_stored_nowhere = reply.headers.get("cache-control") == "no-store"
    assert reply.headers.get("pragma") == ("no-cache" if is_stored_nowhere else None)


@pytest.mark.parametrize("route", OPERATIONS)
def test_every_documented_status_and_code_of_a_route_is_shown_by_a_case(route: str) -> None:
    shown = {(case.status, case.error) for case in CASES if case.route == route}

    for status, answer in responses(route).items():
        if status not in SHOWN_ELSEWHERE and (route, status) not in SWITCHED_OFF:
            assert status in {seen for seen, _ in shown}, status
            assert {(status, code) for code in error_codes(answer)} <= shown, status


@pytest.mark.parametrize("case", [case for case in GOOD if case.body is not None], ids=str)
def test_a_good_body_is_as_documented(case: Case) -> None:
    assert request_faults(body_schema(case.route), case.body) == []


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_route_is_asked_in_its_content_type_and_one_that_takes_a_form_in_json_as_well(route: str) -> None:
    shown = {case.content_type for case in GOOD if case.route == route and case.body is not None}

    documented = {body_type(route)} - {None}
    assert shown == documented | ({JSON} if FORM in documented else set())


def test_every_answer_of_the_service_has_its_headers_and_the_gateway_s_own_have_none(
    visitor: Visitor,
) -> None:
    ours = visitor.send(Case("GET /auth/session", "no credential", 401))
    gateway_s = visitor.send(Case("POST /auth/introspect", "unsigned", 403))

    assert all(name in DOCUMENT["info"]["description"].lower() for name in HEADERS_OF_EVERY_ANSWER)
    assert ours.headers.keys() >= HEADERS_OF_EVERY_ANSWER
    assert not gateway_s.headers.keys() & HEADERS_OF_EVERY_ANSWER


def test_too_many_logins_are_refused_as_documented(visitor: Visitor) -> None:
    body = {"username": f"nobody-{visitor.values['user_id']}", "password": "wrong"}
    attempt = Case("POST /auth/login", "again", 401, "invalid_credentials", body=body)

    replies = [visitor.send(attempt) for _ in range(11)]

    assert [reply.status for reply in replies] == [401] * 10 + [429]
    assert answer_faults(responses(attempt.route)[429], replies[-1]) == []


def test_a_detected_reuse_is_listed_as_documented(visitor: Visitor) -> None:
    refresh = Case("POST /auth/token", "refresh", 200, body=REFRESH)
    second = visitor.send(refresh).json["refresh_token"]
    visitor.send(replace(refresh, body={**REFRESH, "refresh_token": second}))
    visitor.send(refresh)

    wanted = {"session_id": "$session_id", "type": "token_reuse_detected"}
    listed = visitor.send(Case("GET /admin/security/events", "", 200, who=Who.SIGNED, query=wanted))

    assert len(listed.json["events"]) == 1
    assert answer_faults(responses("GET /admin/security/events")[200], listed) == []


def test_a_session_that_ended_by_reuse_is_shown_as_documented(visitor: Visitor) -> None:
    refresh = Case("POST /auth/token", "refresh", 200, body=REFRESH)
    second = visitor.send(refresh).json["refresh_token"]
    visitor.send(replace(refresh, body={**REFRESH, "refresh_token": second}))
    visitor.send(refresh)

    page = visitor.send(Case("GET /auth/sessions", "", 200, who=Who.COOKIE))

    assert visitor.values["session_id"] in [session["session_id"] for session in page.json["reused"]]
    assert answer_faults(responses("GET /auth/sessions")[200], page) == []


@pytest.mark.parametrize(
    ("route", "who", "body", "member"),
    [
        ("POST /auth/login", Who.ANYONE, {"password": "x"}, "username"),
        ("POST /auth/login", Who.ANYONE, {"username": "nobody"}, "password"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "acr"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "client_id"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "scope"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "device.id"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "device.name"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "device.platform"),
        ("POST /auth/token", Who.ANYONE, {"grant_type": "refresh_token"}, "refresh_token"),
        ("POST /auth/revoke", Who.ANYONE, {}, "token"),
        ("POST /auth/introspect", Who.SIGNED, {}, "token"),
        ("PATCH /auth/devices/{device_id}", Who.BEARER, {}, "name"),
        ("POST /admin/users/{user_id}/revoke", Who.SIGNED, {}, "reason"),
        ("POST /admin/sessions/{session_id}/revoke", Who.SIGNED, {}, "reason"),
        ("POST /admin/devices/{device_id}/revoke", Who.SIGNED, {}, "reason"),
        ("POST /admin/lookup", Who.SIGNED, {}, "name"),
        ("POST /admin/revoke-before", Who.SIGNED, {"before": 1, "user_id": "$user_id"}, "reason"),
    ],
)
def test_a_text_is_taken_at_its_documented_length_and_refused_beyond(
    visitor: Visitor, route: str, who: Who, body: dict[str, object], member: str
) -> None:
    length = member_schema(body_schema(route), member)["maxLength"]

    longest = visitor.send(Case(route, "longest", 0, who=who, body={**body, **_nested(member, "x" * length)}))
    longer = visitor.send(
        Case(route, "longer", 0, who=who, body={**body, **_nested(member, "x" * (length + 1))})
    )

    assert longest.status != 500
    assert not longest.body or "longer" not in longest.json.get("error_description", "")
    assert longer.json["error_description"] == f"{member} is longer than {length} characters."


@pytest.mark.parametrize("character", ["x", "é", "😀", "\x01"], ids=ascii)
@pytest.mark.parametrize(
    ("route", "who", "body", "member"),
    [
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "device.name"),
        ("POST /auth/issue", Who.SIGNED, {"user_id": "$user_id", "amr": ["pwd"]}, "device.platform"),
        ("PATCH /auth/devices/{device_id}", Who.BEARER, {}, "name"),
        ("POST /admin/users/{user_id}/revoke", Who.SIGNED, {}, "reason"),
        ("POST /admin/revoke-before", Who.SIGNED, {"before": 1, "user_id": "$user_id"}, "reason"),
    ],
)
def test_a_text_of_the_documented_length_is_taken_whatever_its_characters(
    visitor: Visitor, route: str, who: Who, body: dict[str, object], member: str, character: str
) -> None:
    length = member_schema(body_schema(route), member)["maxLength"]

    taken = visitor.send(Case(route, "", 0, who=who, body={**body, **_nested(member, character * length)}))

    assert taken.status == 200, taken.shortened()


@pytest.mark.parametrize("acr", ["é", "two words", "\x7f"], ids=ascii)
def test_an_assurance_class_is_visible_ascii_or_refused_by_name(visitor: Visitor, acr: str) -> None:
    body = {"user_id": "$user_id", "amr": ["pwd"], "acr": acr}

    refused = visitor.send(Case("POST /auth/issue", "", 0, who=Who.SIGNED, body=body))

    assert (refused.status, refused.json["error"]) == (400, "invalid_request")
    assert refused.json["error_description"].startswith("acr ")


def test_an_instant_beyond_all_time_finds_no_event(visitor: Visitor) -> None:
    wanted = {"since": str(resolved(parameters("GET /admin/security/events")["since"]["schema"])["maximum"])}

    found = visitor.send(Case("GET /admin/security/events", "", 200, who=Who.SIGNED, query=wanted))

    assert found.json["events"] == []


@pytest.mark.parametrize(
    ("route", "who", "name"),
    [
        ("GET /auth/sessions", Who.BEARER, "limit"),
        ("GET /admin/users/{user_id}/sessions", Who.SIGNED, "limit"),
        ("GET /admin/users/{user_id}/devices", Who.SIGNED, "limit"),
        ("GET /admin/security/events", Who.SIGNED, "limit"),
        ("GET /admin/security/events", Who.SIGNED, "since"),
        ("GET /admin/security/summary", Who.SIGNED, "span_s"),
    ],
)
def test_a_number_is_taken_at_its_documented_ends_and_refused_beyond(
    visitor: Visitor, route: str, who: Who, name: str
) -> None:
    schema = resolved(parameters(route)[name]["schema"])
    low, high = schema["minimum"], schema["maximum"]

    statuses = [
        visitor.send(Case(route, "", 0, who=who, query={name: str(value)})).status
        for value in (low - 1, low, high, high + 1)
    ]

    assert statuses == [400, 200, 200, 400]


@pytest.mark.parametrize(
    ("route", "who", "name", "counted"),
    [
        ("GET /admin/security/events", Who.SIGNED, "limit", "events"),
        ("GET /auth/sessions", Who.BEARER, "limit", "sessions"),
    ],
)
def test_a_page_is_as_long_as_asked_and_its_cursor_leads_on(
    visitor: Visitor, route: str, who: Who, name: str, counted: str
) -> None:
    first = visitor.send(Case(route, "", 200, who=who, query={name: "1"})).json
    second = visitor.send(
        Case(route, "", 200, who=who, query={name: "1", "cursor": first["next_cursor"]})
    ).json

    assert len(first[counted]) == len(second[counted]) == 1
    assert first[counted] != second[counted]


def test_a_span_not_asked_for_is_the_documented_one(visitor: Visitor) -> None:
    route = "GET /admin/security/summary"

    reply = visitor.send(Case(route, "", 200, who=Who.SIGNED))

    length = reply.json["until"] - reply.json["since"]
    assert 0 <= length - parameters(route)["span_s"]["schema"]["default"] <= 3600


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_another_method_of_a_path_is_answered_as_documented(visitor: Visitor, path: str) -> None:
    reply = visitor.send(Case(f"PUT {path}", "", 405))

    assert reply.status == 405
    assert reply.headers["allow"] == _methods_of(path)
    assert answer_faults(at("components responses MethodNotAllowed"), reply) == []


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_a_preflight_is_answered_as_documented(visitor: Visitor, path: str) -> None:
    reply = visitor.send(Case(f"OPTIONS {path}", "", 204, headers={"Origin": "https://elsewhere.example"}))

    assert reply.status == 204
    assert reply.headers["access-control-allow-methods"] == _methods_of(path)
    assert "access-control-allow-origin" not in reply.headers
    assert answer_faults(at("components responses Preflight"), reply) == []


def test_an_unknown_path_is_answered_as_documented(visitor: Visitor) -> None:
    reply = visitor.send(Case("GET /auth/nothing", "", 404))

    assert reply.status == 404
    assert answer_faults(at("components responses NotFound"), reply) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.route.startswith("GET ")], ids=str)
def test_head_is_answered_as_get_without_the_body(visitor: Visitor, case: Case) -> None:
    get, head = visitor.send(case), visitor.send(replace(case, route=case.route.replace("GET ", "HEAD ")))

    assert (head.status, head.body) == (case.status, b"")
    assert _lasting(head) == _lasting(get)


def _lasting(reply: Reply) -> dict[str, str]:
    """The headers that two answers to one request share. Content-Length may be left out of HEAD's."""
    return {
        name: value
        for name, value in reply.headers.items()
        if name not in {"apigw-requestid", "content-length", "date"}
    }


def _error_in(reply: Reply) -> str | None:
    body = reply.json if reply.headers.get("content-type") == "application/json" else None
    return body.get("error") if isinstance(body, dict) else None


def _methods_of(path: str) -> str:
    methods = {route.split(" ")[0] for route in OPERATIONS if route.split(" ")[1] == path}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _nested(member: str, value: str) -> dict[str, object]:
    outer, _, inner = member.partition(".")
    return {outer: {inner: value}} if inner else {outer: value}
