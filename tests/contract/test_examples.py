"""The examples of docs/openapi.yaml are what the running service answered.

`RECORD=1 pytest tests/contract/test_examples.py` writes them anew, at the end of the document. What differs from run to
run stands there as a fixed value: ids, tokens, instants, keys.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from auth_tokens.domain.errors import Unavailable
from auth_tokens.web.responses import error_response, server_error
from local.client import Reply
from local.seed import SeedUser
from local.stack import LocalStack
from tests.contract.cases import CASES, LOGIN
from tests.contract.document import (
    DOCUMENT,
    OPERATIONS,
    PATH,
    body_schema,
    body_type,
    error_codes,
    request_faults,
    resolved,
    responses,
)
from tests.contract.visitor import Case, Visitor

MARK = "\n  # Recorded by tests/contract/test_examples.py.\n"
EXAMPLES: Mapping[str, Any] = DOCUMENT["components"].get("examples", {})


def _case(route: str, name: str, **changes: Any) -> Case:
    [found] = [case for case in CASES if case.route == route and case.name == name]
    return replace(found, **changes)


LOG_IN, TOKEN, INTROSPECT = "POST /auth/login", "POST /auth/token", "POST /auth/introspect"
SESSIONS, ISSUE, LOGOUT = "GET /auth/sessions", "POST /auth/issue", "POST /auth/logout"
NO_PASSWORD = _case(LOG_IN, "no password")
PHONE = {"name": "Alice's phone", "platform": "Android", "remember": True}

# By the name of the example. The request, where there is a body, is `NAME-request`; the response `NAME-response`.
RECORDED: dict[str, Case] = {
    "login-bearer": _case(LOG_IN, "a password"),
    "login-remembered-device": _case(LOG_IN, "a password", body={**LOGIN, "device": PHONE}),
    "login-cookie": _case(LOG_IN, "a cookie wanted"),
    "login-refused": _case(LOG_IN, "a wrong password"),
    "issue": _case(ISSUE, "every option"),
    "issue-in-session": _case(ISSUE, "in a live session"),
    "step-up-bearer": _case("POST /auth/step-up", "a bearer"),
    "step-up-cookie": _case("POST /auth/step-up", "a browser"),
    "unmet-authentication-requirements": _case("POST /auth/step-up", "a stronger class"),
    "refresh": _case(TOKEN, "a refresh token"),
    "invalid-proof": _case("GET /auth/session", "no proof"),
    "nonce-needed": _case("GET /auth/session", "a proof without a nonce"),
    "refresh-cookie": _case(TOKEN, "a browser's cookie"),
    "exchange": _case(TOKEN, "a device token"),
    "refresh-refused": _case(TOKEN, "garbage"),
    "unsupported-grant-type": _case(TOKEN, "a password grant"),
    "invalid-scope": _case(TOKEN, "too wide a scope"),
    "invalid-target": _case(TOKEN, "an audience"),
    "revoke": _case("POST /auth/revoke", "of $refresh_token"),
    "logout": _case(LOGOUT, "but for the devices"),
    "session-bearer": _case("GET /auth/session", "a bearer"),
    "session-cookie": _case("GET /auth/session", "a browser"),
    "sessions": _case(SESSIONS, "a browser's first page"),
    "devices": _case("GET /auth/devices", "a browser's first page"),
    "own-events": _case("GET /auth/events", "a browser's first page"),
    "rename-device": _case("PATCH /auth/devices/{device_id}", "their own", body={"name": "Work phone"}),
    "introspect-access-token": _case(INTROSPECT, "of $access_token"),
    "introspect-refresh-token": _case(INTROSPECT, "of $refresh_token"),
    "introspect-inactive-token": _case(INTROSPECT, "garbage with a hint"),
    "keys": _case("GET /.well-known/jwks.json", "anyone"),
    "page-settings": _case("GET /pages/{page}", "settings.json"),
    "metadata": _case("GET /.well-known/oauth-authorization-server", "anyone"),
    "revocations": _case("GET /auth/revocations", "everything"),
    "other-history": _case("GET /auth/revocations", "of another history"),
    "look-up": _case("POST /admin/lookup", "a user by id"),
    "revoke-session": _case("POST /admin/sessions/{session_id}/revoke", "but for its device"),
    "revoke-device": _case("POST /admin/devices/{device_id}/revoke", "anybody's"),
    "findings": _case("GET /admin/security/findings", "all", query={"user_id": "$user_id", "state": "open"}),
    "finding": _case("GET /admin/security/findings/{finding_id}", "one"),
    "sessions-of-source": _case("GET /console/findings/{finding_id}/sessions", "of a source"),
    "end-sessions": _case("POST /console/sessions/revoke", "those listed"),
    "inbox": _case("GET /console/inbox", "what is open", query={"user_id": "$user_id"}),
    "finding-state": _case("POST /admin/security/findings/{finding_id}/state", "in hand"),
    "replay": _case("POST /admin/security/events/replay", "a span"),
    "skip-event": _case("POST /admin/security/events/{event_id}/skip", "one that waits"),
    "recount": _case("POST /admin/security/figures/recount", "from now on"),
    "debt": _case("GET /admin/debt", "all"),
    "key-list": _case("GET /admin/keys", "all"),
    "rotate": _case("POST /admin/keys/rotate", "what is due"),
    "withdraw": _case("POST /admin/keys/withdraw", "the standby"),
    "revoke-user": _case("POST /admin/users/{user_id}/revoke", "with a reason"),
    "revoke-before": _case("POST /admin/revoke-before", "everything"),
    "revoke-before-user": _case("POST /admin/revoke-before", "a user"),
    "cutoffs": _case("GET /admin/revoke-before", "in force"),
    "security-events": _case("GET /admin/security/events", "a user's of a type"),
    "security-summary": _case("GET /admin/security/summary", "of a minute"),
    "user-for-operator": _case("GET /console/users/{user_id}", "a user"),
    "invalid-request": NO_PASSWORD,
    "invalid-client": _case(LOG_IN, "no such client"),
    "invalid-token": _case("GET /auth/session", "a bad token"),
    "step-up": _case("GET /console/summary", "a weak sign-in"),
    "insufficient-scope": _case(SESSIONS, "a narrow token"),
    "access-denied": _case(TOKEN, "a cookie_without_csrf"),
    "session-limit-reached": _case(LOG_IN, "one session too many"),
    "not-found": _case("GET /admin/users/{user_id}/sessions", "too long an id"),
    "payload-too-large": _case(LOG_IN, "too long a body"),
    "unsupported-media-type": _case(LOG_IN, "plain text"),
    "not-signed": _case(INTROSPECT, "unsigned"),
}
# A request that only shows its refusal is no example of a request.
REFUSED = {name for name, case in RECORDED.items() if case.status >= 400}

_ID, _INSTANT = "01977e5b-2c00-7000-8000-00000000000", 1_750_000_000
_FIXED: dict[str, Any] = {
    "access_token": "header.payload.signature",
    "session_id": f"{_ID}1",
    "sid": f"{_ID}1",
    "device_id": f"{_ID}2",
    "jti": f"{_ID}3",
    "id": f"{_ID}4",
    "user_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "sub": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "username": "alice@example.com",
    "address": "192.0.2.7",
    "user_agent": "ExampleApp/1.0",
    "csrf_token": "C" * 43,
    "kid": "K" * 43,
    "x": "X" * 43,
    "y": "Y" * 43,
    "source": "5" * 32,
    "request_id": "JKJaXmPLvHcESHA=",
    "next_cursor": "n" * 24,
    "session_ids": [f"{_ID}1"],
    "changed": True,
    "ids": "A" * 22,
    "next_sessions_cursor": None,
    "next_devices_cursor": None,
    "subject": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "event_id": f"{_ID}4",
    "finding_id": f"{_ID}4",
    "newest_id": f"{_ID}4",
    "counts": {"open": 12, "acknowledged": 1, "closed": 30},
    "steps": [f"{'K' * 43} gone", "signing 3 published"],
    "withdrawn": "K" * 43,
    "pending": 0,
    "oldest_due_s": 0,
    "due": 0,
    "oldest_due_at": None,
    "rolled_up_at": _INSTANT,
    "as_of": {"events": _INSTANT, "hours": _INSTANT, "census": _INSTANT},
    "top_sources": [{"source": "5" * 32, "failures": 12}],
}
# How much the cases before have left: another amount with each new case.
_AMOUNTS = {"revoked", "live_devices", "live_sessions"}
_INSTANTS = {"at", "iat", "exp", "auth_time", "since", "until", "before", "authorizers_by"}
_LISTS = {"keys", "sessions", "devices", "events", "series", "top_sources", "cutoffs"}
_LISTS |= {"findings", "evidence", "cleanup", "groups"}
# Null where they do not apply.
_OPTIONAL = {"user_id"}
# Objects of counts; `events` is a list of events elsewhere, each with a type.
_COUNTS = {"series", "events", "figures"}
_OPAQUE = re.compile(r"(aut_[rds]t_)[A-Za-z0-9_-]{100}")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_LOCAL_URL = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def arrive(
    stack: LocalStack, user: SeedUser, full_user: Mapping[str, str], findings: Mapping[str, str]
) -> Callable[[], Visitor]:
    """Another visitor who has just arrived."""

    def arrived() -> Visitor:
        return Visitor.arrived(stack.base_url, user.username, user.id, **full_user, **findings)

    return arrived


def test_the_examples_are_what_the_service_answers(arrive: Callable[[], Visitor]) -> None:
    recorded = dict(_recorded(arrive))
    if os.environ.get("RECORD"):
        text = PATH.read_text("utf-8").split(MARK)[0].rstrip("\n")
        written = yaml.safe_dump({"examples": recorded}, sort_keys=False, allow_unicode=True, width=120)
        indented = "".join(f"  {line}\n" for line in written.splitlines())
        PATH.write_text(f"{text}\n{MARK}{indented}", "utf-8")
        pytest.fail("The examples were written anew; run again without RECORD.")

    assert recorded == EXAMPLES


def test_an_example_of_a_request_is_one_that_the_document_allows() -> None:
    for name in RECORDED.keys() - REFUSED:
        if f"{name}-request" in EXAMPLES:
            assert (
                request_faults(body_schema(RECORDED[name].route), EXAMPLES[f"{name}-request"]["value"]) == []
            )


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_route_s_body_and_its_json_answers_have_examples(route: str) -> None:
    bodies = [body for answer in responses(route).values() for body in _json_bodies(answer)]
    if body_type(route) is not None:
        bodies.append(OPERATIONS[route]["requestBody"]["content"][body_type(route)])

    assert all(body.get("examples") for body in bodies)


def test_every_error_code_has_an_example() -> None:
    coded = {
        code for route in OPERATIONS for answer in responses(route).values() for code in error_codes(answer)
    }

    assert {value["value"].get("error") for value in EXAMPLES.values()} >= coded


def _recorded(arrive: Callable[[], Visitor]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, case in RECORDED.items():
        visitor = arrive()
        reply = visitor.send(case)
        assert reply.status == case.status, (name, reply.shortened())
        if name not in REFUSED and isinstance(case.body, Mapping):
            yield f"{name}-request", {"value": _fixed(visitor.filled(case.body))}
        if reply.body:
            yield f"{name}-response", {"value": _fixed(reply.json)}
    yield "rate-limited-response", {"value": _too_many(arrive()).json}
    yield "throttled-response", {"value": {"message": "Too Many Requests"}}
    yield "server-error-response", {"value": server_error().body}
    yield "unavailable-response", {"value": error_response(Unavailable("detail")).body}


def _too_many(visitor: Visitor) -> Reply:
    body = {**LOGIN, "username": f"nobody-{visitor.values['device_id']}"}
    return [visitor.send(replace(NO_PASSWORD, body=body)) for _ in range(11)][-1]


def _fixed(node: Any, key: str = "") -> Any:
    """The node with what differs from run to run as a fixed value, and of each list of objects the first."""
    if key in _FIXED and not (key in _OPTIONAL and node is None):
        return _FIXED[key]
    if key in _AMOUNTS:
        return node and 12
    if isinstance(node, dict):
        is_counts = key in _COUNTS and "type" not in node
        return {
            name: 0 if is_counts and name != "at" else _fixed(value, name) for name, value in node.items()
        }
    if isinstance(node, list):
        return [_fixed(item, key) for item in (node[:1] if key in _LISTS else node)]
    if key in _INSTANTS or key.endswith("_at"):
        return node and _INSTANT
    if not isinstance(node, str):
        return node
    node = _LOCAL_URL.sub("https://auth.example.com", _JWT.sub(_FIXED["access_token"], node))
    return _OPAQUE.sub(lambda found: found[1] + "A" * 100, node)


def _json_bodies(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = resolved(answer).get("content", {})
    if "application/json" in content:
        yield content["application/json"]
