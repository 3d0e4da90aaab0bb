"""What an operator mistypes is refused with what would be right, before anything is read or done."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from auth_tokens.domain.analytics.finding_states import FindingState
from auth_tokens.domain.analytics.findings import Rule, Severity
from auth_tokens.domain.events import EventType
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.analytics.summarise import SummariseDeps
from auth_tokens.usecases.findings import FindingsDeps
from auth_tokens.usecases.inbox import InboxDeps
from auth_tokens.usecases.list_events import ListEventsDeps
from auth_tokens.web.console_routes import post_end_of_sessions
from auth_tokens.web.event_export import get_export
from auth_tokens.web.event_routes import get_events, get_summary
from auth_tokens.web.finding_routes import get_findings, get_inbox, post_finding_state
from auth_tokens.web.handler import Route, http_handler
from auth_tokens.web.look_up_route import look_up_route
from auth_tokens.web.operator_ends import end_of_device, end_of_session, end_of_user
from tests.support.memory_figures import MemoryRollups
from tests.support.world import Clock, RecordedTelemetry
from tests.unit.usecases.analytics.test_take_census import MemoryTaker
from tests.unit.usecases.test_findings import Log

# What would end, change or look up something is handed nothing to do it with: a refusal must come before.
NOTHING: Any = None
LOG, CLOCK, IDS = Log([]), Clock(), IdForm.TEXT
EVENTS, FINDINGS = ListEventsDeps(LOG, CLOCK), FindingsDeps(LOG, LOG, CLOCK)
ROUTES: Mapping[str, Route] = {
    "GET /console/events": get_events(EVENTS, IDS),
    "GET /console/events/export": get_export(EVENTS, IDS, ()),
    "GET /console/findings": get_findings(FINDINGS, IDS),
    "GET /console/inbox": get_inbox(InboxDeps(LOG, LOG), IDS, runbook=""),
    "GET /console/summary": get_summary(
        SummariseDeps(MemoryRollups({}), MemoryTaker(0), CLOCK, retention_s=0)
    ),
    "POST /console/findings/{finding_id}/state": post_finding_state(FINDINGS),
    "POST /console/lookup": look_up_route(NOTHING, IDS),
    "POST /console/users/{user_id}/revoke": end_of_user(NOTHING, IDS),
    "POST /console/sessions/{session_id}/revoke": end_of_session(NOTHING),
    "POST /console/devices/{device_id}/revoke": end_of_device(NOTHING),
    "POST /console/sessions/revoke": post_end_of_sessions(NOTHING),
}
HANDLE = http_handler(ROUTES, RecordedTelemetry(), ())
PATH = {"finding_id": "x", "user_id": "x", "session_id": "x", "device_id": "x"}
INSTANT = "2026-12-01T03:00Z"
MISSPELT = {
    "type=login_faild": [kind.value for kind in EventType],
    "type=login_failed,logout": [kind.value for kind in EventType],
    "typ=login_failed": ["type", "user_id", "since"],
    "severity=critical": [severity.value for severity in Severity],
    "source=192.0.2.7": ["32 hexadecimal digits"],
    "session_id=17": ["a UUID"],
    "since=yesterday": [INSTANT],
    "since=2026-12-01": [INSTANT],
    "until=2026-12-01T03:00": [INSTANT],
    "until=1e9": [INSTANT],
    "user_id=two%20words": ["id of a user", "sub"],
    "cursor=2": ["the next_cursor of the page before"],
}
QUERIES = [
    *(("GET /console/events", query, says) for query, says in MISSPELT.items()),
    *(("GET /console/events/export", query, says) for query, says in MISSPELT.items() if "typ=" not in query),
    ("GET /console/events", "limit=all", ["a whole number"]),
    ("GET /console/events", "limit=1000", ["1 to 200"]),
    ("GET /console/events/export", "format=xls", ["csv, json"]),
    ("GET /console/events/export", "limit=5", ["format", "cursor"]),
    *(
        (route, query, says)
        for route in ("GET /console/findings", "GET /console/inbox")
        for query, says in {
            "state=done": [state.value for state in FindingState],
            "rule=stuffing": [rule.value for rule in Rule],
            "severity=worst": [severity.value for severity in Severity],
            "user_id=%00": ["id of a user"],
            "cursor=2": ["the next_cursor of the page before"],
            "limit=0": ["1 to "],
        }.items()
    ),
    ("GET /console/summary", "span=1d", ["span_s", "since", "starts"]),
    ("GET /console/summary", "span_s=1d", ["a whole number"]),
    ("GET /console/summary", "step=week", ["5min, hour, day"]),
    ("GET /console/summary", "starts=2026-12-01", [INSTANT]),
]
REASON = {"reason": "came from that source"}
BODIES: list[tuple[str, Any, list[str]]] = [
    ("POST /console/findings/{finding_id}/state", {}, ["open, acknowledged, closed"]),
    ("POST /console/findings/{finding_id}/state", {"state": "ack"}, ["open, acknowledged, closed"]),
    ("POST /console/lookup", {}, ["exactly one of name, user_id, id"]),
    ("POST /console/lookup", {"nme": "alice"}, ["name, user_id, id"]),
    ("POST /console/users/{user_id}/revoke", {}, ["reason"]),
    ("POST /console/users/{user_id}/revoke", {"reason": " " * 201}, ["200 characters"]),
    ("POST /console/sessions/{session_id}/revoke", {**REASON, "keep_device": "no"}, ["true or false"]),
    ("POST /console/devices/{device_id}/revoke", {**REASON, "keep_device": True}, ["reason"]),
    ("POST /console/sessions/revoke", REASON, ["session_ids", "1 to 100 ids"]),
    ("POST /console/sessions/revoke", {**REASON, "session_ids": []}, ["1 to 100 ids"]),
    ("POST /console/sessions/revoke", {**REASON, "session_ids": ["all"]}, ["1 to 100 ids"]),
    ("POST /console/sessions/revoke", {"session_ids": [str(i) for i in range(101)]}, ["1 to 100 ids"]),
]


def refusal(route: str, query: str = "", body: Any = None) -> str:
    """What the refusal says; it is one."""
    event = {
        "routeKey": route,
        "rawQueryString": query,
        "pathParameters": PATH,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body) if body is not None else None,
        "requestContext": {"http": {"method": route.partition(" ")[0]}},
    }
    answer = HANDLE(event, None)
    assert answer["statusCode"] == 400, answer["body"]
    return str(json.loads(answer["body"])["error_description"])


@pytest.mark.parametrize(("route", "query", "says"), QUERIES)
def test_a_mistyped_filter_is_refused_with_what_there_is(route: str, query: str, says: list[str]) -> None:
    text = refusal(route, query)

    assert [word for word in says if word not in text] == []


@pytest.mark.parametrize(("route", "body", "says"), BODIES)
def test_a_mistyped_act_is_refused_with_what_it_needs(route: str, body: Any, says: list[str]) -> None:
    text = refusal(route, body=body)

    assert [word for word in says if word not in text] == []
