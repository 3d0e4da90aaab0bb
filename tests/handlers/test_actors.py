"""Who did it: every act on somebody else's account names its actor, target and request, in the event and in the log
line; and a route for IAM principals is closed to a request without one, whatever the template says."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from auth_tokens.web.requests import DIRECT
from local.client import Client, Reply
from local.seed import PASSWORD, USERS
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from local.templates.arns import ACCOUNT_ID
from tests.architecture.deployment import written
from tests.conftest import new_stack
from tests.support.world import RecordedTelemetry

ALICE, BOB, CAROL = USERS[0], USERS[1], USERS[2]
NO_ID = "01900000-0000-7000-8000-000000000000"
LINES = RecordedTelemetry()
BACKEND = {
    "userId": "AROABACKEND:deploy-7",
    "userArn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/backend/deploy-7",
    "accountId": ACCOUNT_ID,
}


@pytest.fixture(scope="module")
def stack(database: DatabaseAddress, administrator: Any, aws: LocalAws) -> Iterator[LocalStack]:
    """A service whose log lines are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auth_tokens.bootstrap.powertools.powertools", lambda: LINES)
        patch.setattr("auth_tokens.bootstrap.telemetry.standard", lambda: LINES)
        with new_stack(database, administrator, aws, "inprocess") as started:
            yield started


def http_event(route: str, body: Any = None, *, iam: object = None, **parameters: str) -> dict[str, Any]:
    method, path = route.split(" ")
    context: dict[str, Any] = {
        "http": {"method": method, "path": path.format_map(parameters), "sourceIp": "192.0.2.7"},
        "requestId": f"request-{uuid.uuid4().hex[:8]}",
    }
    if iam is not None:
        context["authorizer"] = {"iam": iam}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path.format_map(parameters),
        "headers": {"content-type": "application/json"},
        "pathParameters": parameters,
        "requestContext": context,
        "body": json.dumps(body) if body is not None else "",
    }


def last_line(message: str) -> dict[str, object]:
    return [fields for name, fields in LINES.lines if name == message][-1]


def last_request(route: str) -> dict[str, object]:
    return [fields for name, fields in LINES.lines if name == "request" and fields["route"] == route][-1]


def last_event(stack: LocalStack, kind: str) -> dict[str, Any]:
    event = http_event("GET /admin/security/events", iam=BACKEND)
    event["rawQueryString"] = f"type={kind}&limit=1"
    reply = stack.invoke("analytics", event)
    assert reply["statusCode"] == 200, reply["body"]
    [found] = json.loads(reply["body"])["events"]
    return dict(found)


def issued(stack: LocalStack, user_id: str = BOB.id, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stack.invoke("issue", {"user_id": user_id, "amr": ["pwd"], **options})
    assert "session_id" in answer, answer
    return answer


def live_sessions(stack: LocalStack, user_id: str) -> int:
    reply = stack.invoke(
        "sessions", http_event("GET /admin/users/{user_id}/sessions", iam=BACKEND, user_id=user_id)
    )
    return len(json.loads(reply["body"])["sessions"])


# --- IAM routes without a principal


def iam_routes() -> list[tuple[str, str]]:
    """(function, route) of every route that the template wants signed."""
    return [
        (body["Properties"]["CodeUri"].removeprefix("functions/"), f"{p['Method']} {p['Path']}")
        for body in written()["Resources"].values()
        if body["Type"] == "AWS::Serverless::Function"
        for p in (event["Properties"] for event in body["Properties"].get("Events", {}).values())
        if p.get("Auth", {}).get("Authorizer") == "AWS_IAM"
    ]


BODIES: dict[str, Any] = {
    "POST /auth/issue": {"user_id": BOB.id, "amr": ["mfa"]},
    "POST /auth/introspect": {"token": "x"},
    "POST /admin/users/{user_id}/revoke": {"reason": "test"},
    "POST /admin/lookup": {"user_id": BOB.id},
    "POST /admin/security/findings/{finding_id}/state": {"state": "closed"},
    "POST /admin/security/events/replay": {"since": 1, "until": 2, "reason": "test"},
    "POST /admin/security/events/{event_id}/skip": {"reason": "test"},
    "POST /admin/security/figures/recount": {"since": int(time.time()), "reason": "test"},
    "POST /admin/keys/rotate": {"reason": "test"},
    "POST /admin/keys/withdraw": {"kid": "metadata.2", "reason": "test"},
    "POST /admin/sessions/{session_id}/revoke": {"reason": "test"},
    "POST /admin/devices/{device_id}/revoke": {"reason": "test"},
    "POST /admin/revoke-before": {"reason": "test", "before": 1, "confirm": "end every session"},
}
UNSIGNED: dict[str, object] = {
    "no authorizer": {},
    "null": {"authorizer": None},
    "no iam": {"authorizer": {}},
    "iam null": {"authorizer": {"iam": None}},
    "iam empty": {"authorizer": {"iam": {}}},
    "iam a text": {"authorizer": {"iam": "AIDA1"}},
    "an authorizer that is a list": {"authorizer": ["iam"]},
    "user id empty": {"authorizer": {"iam": {"userId": ""}}},
    "user id null": {"authorizer": {"iam": {"userId": None, "userArn": BACKEND["userArn"]}}},
    "a session without a role": {"authorizer": {"iam": {"userId": ":deploy-7"}}},
    "a JWT authorizer's": {"authorizer": {"jwt": {"claims": {"sub": "AIDA1"}}}},
    "a Lambda authorizer's": {"authorizer": {"lambda": {"iam": {"userId": "AIDA1"}, "userId": "AIDA1"}}},
}


def path_values(session: dict[str, Any]) -> dict[str, str]:
    """For the parameters of paths: BOB, and a session of his."""
    of_session = {name: session[name] for name in ("session_id", "device_id")}
    return {"user_id": BOB.id, **of_session, "finding_id": NO_ID, "event_id": NO_ID}


def test_the_template_has_signed_routes() -> None:
    assert {route for _, route in iam_routes()} >= set(BODIES)


@pytest.mark.parametrize(("function", "route"), iam_routes(), ids=lambda value: str(value))
def test_a_signed_route_without_a_principal_is_refused_and_does_nothing(
    stack: LocalStack, function: str, route: str
) -> None:
    values = path_values(issued(stack))
    before = live_sessions(stack, BOB.id)

    for form, authorizer in UNSIGNED.items():
        event = http_event(route, BODIES.get(route), **values)
        event["requestContext"] |= authorizer
        reply = stack.invoke(function, event)

        assert reply["statusCode"] == 403, form
        assert (
            reply["body"] == ""
            if route.startswith("HEAD ")
            else json.loads(reply["body"])["error"] == "access_denied"
        ), form
    assert live_sessions(stack, BOB.id) == before


def test_the_same_routes_with_a_principal_are_served(stack: LocalStack) -> None:
    for function, route in iam_routes():
        event = http_event(route, BODIES.get(route), iam=BACKEND, **path_values(issued(stack)))
        is_of_nothing = "{finding_id}" in route or "{event_id}" in route

        assert stack.invoke(function, event)["statusCode"] == (404 if is_of_nothing else 200), route


# --- Trusted issue


def test_a_trusted_issue_names_its_actor_target_and_request(stack: LocalStack) -> None:
    event = http_event("POST /auth/issue", {"user_id": BOB.id, "amr": ["mfa"]}, iam=BACKEND)
    request_id = event["requestContext"]["requestId"]

    session = json.loads(stack.invoke("issue", event)["body"])

    told, line = last_event(stack, "session_issued"), last_request("POST /auth/issue")
    assert (told["user_id"], told["session_id"]) == (BOB.id, session["session_id"])
    assert told["detail"]["actor"] == BACKEND["userArn"]
    assert told["detail"]["request_id"] == request_id
    assert line["actor"] == BACKEND["userArn"]
    assert (line["user_id"], line["session_id"]) == (BOB.id, session["session_id"])
    assert line["request_id"] == request_id


def test_a_refused_trusted_issue_names_its_actor_and_target_in_the_line(stack: LocalStack) -> None:
    event = http_event("POST /auth/issue", {"user_id": CAROL.id, "amr": ["mfa"]}, iam=BACKEND)

    assert stack.invoke("issue", event)["statusCode"] == 403

    line = last_line("request")
    assert (line["actor"], line["user_id"]) == (BACKEND["userArn"], CAROL.id)
    assert line["outcome"] == "access_denied"


def test_a_direct_issue_names_its_request_for_cloudtrail(stack: LocalStack) -> None:
    session = issued(stack)

    line, told = last_line("direct_issue"), last_event(stack, "session_issued")
    assert line["actor"] == DIRECT == told["detail"]["actor"]
    assert line["request_id"] == told["detail"]["request_id"] != ""
    assert (line["user_id"], line["session_id"]) == (BOB.id, session["session_id"])


def test_a_refused_direct_issue_names_its_target(stack: LocalStack) -> None:
    assert stack.invoke("issue", {"user_id": CAROL.id, "amr": ["pwd"]})["error"] == "access_denied"

    line = last_line("direct_issue")
    assert (line["actor"], line["user_id"], line["outcome"]) == (DIRECT, CAROL.id, "access_denied")


@pytest.mark.parametrize("is_direct", [False, True], ids=["signed", "direct"])
def test_a_backend_that_vouches_in_a_live_session_is_named(stack: LocalStack, is_direct: bool) -> None:
    session = issued(stack)["session_id"]
    said = {"session_id": session, "user_id": BOB.id, "amr": ["otp"]}

    stack.invoke("issue", said if is_direct else http_event("POST /auth/issue", said, iam=BACKEND))

    told, line = last_event(stack, "step_up_succeeded"), last_line("direct_issue" if is_direct else "request")
    actor = DIRECT if is_direct else BACKEND["userArn"]
    if not is_direct:
        line = last_request("POST /auth/issue")
    assert (told["user_id"], told["session_id"], told["detail"]["actor"]) == (BOB.id, session, actor)
    assert (line["user_id"], line["session_id"], line["actor"]) == (BOB.id, session, actor)


def test_a_step_up_names_no_actor(stack: LocalStack) -> None:
    body = {"password": PASSWORD, "refresh_token": issued(stack)["refresh_token"]}

    reply = stack.invoke("issue", http_event("POST /auth/step-up", body))

    assert reply["statusCode"] == 200, reply["body"]
    assert "actor" not in last_event(stack, "step_up_succeeded")["detail"]


# --- Operators' revocation, the Portal's events


def test_an_operators_revocation_names_its_actor_target_and_request(stack: LocalStack) -> None:
    issued(stack)
    event = http_event(
        "POST /admin/users/{user_id}/revoke", {"reason": "phone lost"}, iam=BACKEND, user_id=BOB.id
    )

    assert stack.invoke("revoke", event)["statusCode"] == 200

    line, told = last_line("request"), last_event(stack, "user_revoked")
    assert (line["actor"], line["user_id"]) == (BACKEND["userArn"], BOB.id)
    assert told["user_id"] == BOB.id
    assert told["detail"]["actor"] == BACKEND["userArn"]
    assert told["detail"]["request_id"] == line["request_id"] == event["requestContext"]["requestId"]
    assert told["detail"]["note"] == "phone lost"


@pytest.mark.parametrize("what", ["session", "device"])
def test_an_operators_end_of_one_names_its_actor_target_and_reason(stack: LocalStack, what: str) -> None:
    session = issued(stack)
    route = f"POST /admin/{what}s/{{{what}_id}}/revoke"
    event = http_event(route, {"reason": "phone lost"}, iam=BACKEND, **path_values(session))

    reply = stack.invoke("revoke", event)

    assert json.loads(reply["body"]) == {"user_id": BOB.id, "revoked": 2}
    line, told = last_request(route), last_event(stack, f"{what}_revoked")
    assert holds(
        line,
        {"actor": BACKEND["userArn"], "user_id": BOB.id, f"{what}_id": session[f"{what}_id"]},
    )
    assert holds(told["detail"], {"reason": "admin", "note": "phone lost", "actor": BACKEND["userArn"]})


def test_a_look_up_names_who_asked_and_whom_for(stack: LocalStack) -> None:
    event = http_event("POST /admin/lookup", {"name": BOB.username.upper()}, iam=BACKEND)

    assert json.loads(stack.invoke("sessions", event)["body"])["user_id"] == BOB.id

    assert holds(last_request("POST /admin/lookup"), {"actor": BACKEND["userArn"], "user_id": BOB.id})


def test_a_user_that_signs_without_an_arn_is_named_by_its_id(stack: LocalStack) -> None:
    issued(stack)
    event = http_event(
        "POST /admin/users/{user_id}/revoke",
        {"reason": "x"},
        iam={"userId": "AIDAEXAMPLE"},
        user_id=BOB.id,
    )

    stack.invoke("revoke", event)

    assert last_event(stack, "user_revoked")["detail"]["actor"] == "AIDAEXAMPLE"


def test_an_event_of_the_portal_names_its_sender_and_its_own_id(stack: LocalStack) -> None:
    issued(stack)
    event = {
        "source": "portal.users",
        "detail-type": "UserDisabled",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "account": "111122223333",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "detail": {"user_id": BOB.id},
    }

    stack.invoke("revoke", event)

    line, told = last_line("portal_event"), last_event(stack, "user_revoked")
    assert told["detail"]["actor"] == line["actor"] == "portal.users@111122223333"
    assert told["detail"]["request_id"] == line["request_id"] == event["id"]
    assert line["user_id"] == told["user_id"] == BOB.id


# --- The operators' page


class Operator:
    """Alice, signed in by password in a browser."""

    def __init__(self, stack: LocalStack) -> None:
        self.client = Client(stack.base_url)
        reply = self.client.post(
            "/auth/login", {"username": ALICE.username, "password": PASSWORD, "mode": "cookie"}
        )
        self.session_id = reply.json["session_id"]
        self.cookie = reply.cookies[0].split(";")[0]
        self.headers = {"X-CSRF-Token": reply.json["csrf_token"]}

    @property
    def act(self) -> dict[str, str]:
        return {"actor": f"user:{ALICE.id}", "actor_session": self.session_id}

    def post(self, path: str, **body: Any) -> Reply:
        return self.client.post(path, body, cookie=self.cookie, headers=self.headers)


def holds(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return {**found, **wanted} == found


@pytest.mark.parametrize("what", ["user", "session", "device"])
def test_what_an_operator_ends_on_the_page_names_operator_target_request_and_reason(
    stack: LocalStack, what: str
) -> None:
    operator, session = Operator(stack), issued(stack)
    target = path_values(session)[f"{what}_id"]

    reply = operator.post(f"/console/{what}s/{target}/revoke", reason="phone lost")

    assert reply.status == 200 and reply.json["revoked"] >= 2
    line, told = last_line("request"), last_event(stack, f"{what}_revoked")
    assert holds(line, {**operator.act, "user_id": BOB.id, f"{what}_id": target})
    wanted = {"request_id": line["request_id"], "reason": "admin", "note": "phone lost"}
    assert holds(told["detail"], {**operator.act, **wanted})
    assert told["user_id"] == BOB.id


def test_what_an_operator_says_of_a_finding_names_the_operator(stack: LocalStack) -> None:
    operator = Operator(stack)
    for _ in range(5):
        issued(stack)
    stack.invoke("analytics", {"source": "aws.scheduler"})
    finding = last_event(stack, "finding")["id"]

    reply = operator.post(f"/console/findings/{finding}/state", state="closed", note="a test")

    assert (reply.json["state"], reply.json["changed_by"]) == ("closed", operator.act["actor"])
    assert holds(last_line("request"), {**operator.act, "finding_id": finding})
    told = last_event(stack, "finding_changed")["detail"]
    assert holds(told, {**operator.act, "finding_id": finding, "note": "a test"})


def test_an_operators_act_that_finds_nothing_names_the_operator_too(stack: LocalStack) -> None:
    operator = Operator(stack)

    assert operator.post(f"/console/sessions/{uuid.uuid4()}/revoke", reason="phone lost").status == 404

    assert holds(last_line("request"), {**operator.act, "outcome": "not_found"})


@pytest.mark.parametrize("path", ["/console/summary", "/console/events", f"/console/users/{BOB.id}"])
def test_what_an_operator_looks_at_names_the_operator(stack: LocalStack, path: str) -> None:
    operator = Operator(stack)

    assert operator.client.get(path, cookie=operator.cookie).status == 200

    assert holds(last_line("request"), operator.act)


def test_somebody_without_the_label_is_named_where_they_are_turned_away(stack: LocalStack) -> None:
    event = http_event("GET /console/summary")
    login = Client(stack.base_url).post(
        "/auth/login", {"username": BOB.username, "password": PASSWORD, "mode": "cookie"}
    )
    event["cookies"] = [login.cookies[0].split(";")[0]]

    assert stack.invoke("console", event)["statusCode"] == 403

    assert holds(last_line("request"), {"actor": f"user:{BOB.id}", "outcome": "access_denied"})


# --- Users who act for themselves


def test_a_users_own_logout_names_no_actor_but_the_request(stack: LocalStack) -> None:
    session = issued(stack)

    assert Client(stack.base_url).post("/auth/logout", {}, bearer=session["access_token"]).status == 204

    told = last_event(stack, "session_revoked")
    assert told["session_id"] == session["session_id"]
    assert "actor" not in told["detail"]
    line = last_request("POST /auth/logout")
    assert told["detail"]["request_id"] == line["request_id"]
    assert "actor" not in line


# --- Keys (last: for some seconds warm environments go on signing by the withdrawn one)


def test_a_withdrawal_of_a_key_names_key_actor_and_request(stack: LocalStack) -> None:
    issued(stack)
    stack.invoke("rotate_keys", {})
    [row, *_] = json.loads(Client(stack.base_url).get("/.well-known/jwks.json").body)["keys"]

    stack.invoke("rotate_keys", {"withdraw": row["kid"]})

    line, told = last_line("rotate_keys"), last_event(stack, "signing_key_withdrawn")
    assert holds(line, {"withdrawn": row["kid"], "actor": DIRECT})
    assert told["detail"] == {"kid": row["kid"], "actor": DIRECT, "request_id": line["request_id"]}
