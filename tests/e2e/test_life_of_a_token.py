"""The contract over HTTP, by both runners: what a client, an operator and another team's API see."""

import base64
import json
import time
from typing import Any

import pytest

from local.client import Client, Reply
from local.http.sigv4 import LOCAL_ROLE_KEY
from local.seed import PASSWORD, USERS
from local.stack import JOBS_HTTP, JOBS_REST, LocalStack

ALICE, BOB, CAROL, DAVE = (user.username for user in USERS)


@pytest.fixture(params=["stack", "lambda_stack"], ids=["in process", "lambda runtime"])
def served(request: pytest.FixtureRequest) -> LocalStack:
    """Each test runs once by each runner."""
    chosen: LocalStack = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def client(served: LocalStack) -> Client:
    return Client(served.base_url)


def login(client: Client, username: str = BOB, **options: Any) -> Any:
    reply = client.post("/auth/login", {"username": username, "password": PASSWORD, **options})
    assert reply.status == 200, reply.shortened()
    return reply.json


def refresh(client: Client, token: str, **headers: str) -> Reply:
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return client.form("/auth/token", fields, headers=headers)


def session_cookie(reply: Reply) -> str:
    [cookie] = reply.cookies
    return cookie.split(";")[0]


def test_login_answers_what_the_contract_says(client: Client) -> None:
    reply = client.post("/auth/login", {"username": ALICE, "password": PASSWORD})

    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "scope",
        "session_id",
        "device_id",
    }
    assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 600)


def test_a_users_preference_shortens_the_access_token(client: Client) -> None:
    assert login(client, DAVE)["expires_in"] == 60


@pytest.mark.parametrize("prefix", [JOBS_HTTP, JOBS_REST])
def test_another_teams_api_lets_a_token_in_on_every_route_and_nobody_without(
    client: Client, prefix: str
) -> None:
    access = login(client, ALICE)["access_token"]

    listed = client.get(f"{prefix}/jobs", bearer=access)
    made = client.post(f"{prefix}/jobs", {"name": "a job"}, bearer=access)
    bare = client.get(f"{prefix}/jobs")
    garbled = client.get(f"{prefix}/jobs", bearer=access[:-4] + "AAAA")

    assert (listed.status, made.status // 100) == (200, 2)
    assert bare.status in (401, 403)
    assert garbled.status in (401, 403)


def test_a_refresh_repeats_and_then_detects_the_thief(client: Client) -> None:
    first = login(client)
    second = refresh(client, first["refresh_token"])
    again = refresh(client, first["refresh_token"])
    assert second.json["refresh_token"] == again.json["refresh_token"]
    third = refresh(client, second.json["refresh_token"])

    replayed = refresh(client, first["refresh_token"])

    assert (replayed.status, replayed.json["error"]) == (400, "invalid_grant")
    assert refresh(client, third.json["refresh_token"]).json["error"] == "invalid_grant"


def test_a_narrower_scope_narrows_one_answer(client: Client) -> None:
    first = login(client)
    fields = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    scope = first["scope"].split()[0]

    narrow = client.form("/auth/token", {**fields, "scope": scope})
    more = client.form("/auth/token", {**fields, "scope": "everything"})

    assert narrow.json["scope"] == scope
    assert more.json["error"] == "invalid_scope"


def test_an_unknown_grant_type_is_named(client: Client) -> None:
    reply = client.form("/auth/token", {"grant_type": "password", "username": "x", "password": "y"})

    assert (reply.status, reply.json["error"]) == (400, "unsupported_grant_type")


def test_sessions_are_listed_ended_and_refused_within_the_stated_delay(
    served: LocalStack, client: Client
) -> None:
    here, there = login(client), login(client)
    listed = client.get("/auth/sessions?limit=100", bearer=here["access_token"]).json["sessions"]
    assert {here["session_id"], there["session_id"]} <= {s["session_id"] for s in listed}
    assert client.get(f"{JOBS_HTTP}/jobs", bearer=there["access_token"]).status == 200

    ended = client.delete(f"/auth/sessions/{there['session_id']}", bearer=here["access_token"])

    assert ended.status == 204
    own = client.get("/auth/session", bearer=there["access_token"])
    assert own.status == 401
    assert 'error="invalid_token"' in own.headers["www-authenticate"]
    assert _refused_within(client, there["access_token"], seconds=5 + 3)


def test_logout_everywhere_ends_all(client: Client) -> None:
    here, there = login(client), login(client)

    reply = client.post("/auth/logout", {"scope": "all"}, bearer=here["access_token"])

    assert reply.status == 204
    assert refresh(client, here["refresh_token"]).json["error"] == "invalid_grant"
    assert refresh(client, there["refresh_token"]).json["error"] == "invalid_grant"


def test_a_browser_session_lives_in_its_cookie(client: Client) -> None:
    opened = client.post("/auth/login", {"username": BOB, "password": PASSWORD, "mode": "cookie"})
    cookie, csrf = session_cookie(opened), opened.json["csrf_token"]
    assert opened.json.keys() == {"session_id", "expires_in", "csrf_token"}
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age="):
        assert attribute in opened.cookies[0]

    assert client.get("/auth/session", cookie=cookie).status == 200
    assert client.get(f"{JOBS_HTTP}/jobs", cookie=cookie).status == 200
    assert client.post("/auth/logout", {}, cookie=cookie).status == 403
    turned = client.form(
        "/auth/token", {"grant_type": "refresh_token"}, cookie=cookie, headers={"X-CSRF-Token": csrf}
    )
    assert turned.status == 200
    out = client.post(
        "/auth/logout",
        {},
        cookie=session_cookie(turned),
        headers={"X-CSRF-Token": turned.json["csrf_token"]},
    )
    assert out.status == 204
    assert "Max-Age=0" in out.cookies[0]
    assert client.get("/auth/session", cookie=session_cookie(turned)).status == 401


def test_a_bad_bearer_never_falls_back_to_the_cookie(client: Client) -> None:
    opened = client.post("/auth/login", {"username": BOB, "password": PASSWORD, "mode": "cookie"})

    assert client.get("/auth/session", cookie=session_cookie(opened), bearer="nonsense").status == 401


def test_a_cookie_from_a_foreign_origin_changes_nothing(client: Client) -> None:
    opened = client.post("/auth/login", {"username": BOB, "password": PASSWORD, "mode": "cookie"})
    headers = {"Origin": "https://evil.example", "X-CSRF-Token": opened.json["csrf_token"]}

    reply = client.post("/auth/logout", {}, cookie=session_cookie(opened), headers=headers)

    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers
    assert client.get("/auth/session", cookie=session_cookie(opened)).status == 200


def test_a_device_token_opens_a_session(client: Client) -> None:
    first = login(client, device={"name": "phone", "remember": True})
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": first["device_token"],
        "subject_token_type": "urn:auth-user-tokens:token-type:device",
    }

    second = client.form("/auth/token", fields)

    assert second.status == 200
    assert second.json["device_id"] == first["device_id"]
    devices = client.get("/auth/devices", bearer=second.json["access_token"]).json["devices"]
    assert first["device_id"] in {device["device_id"] for device in devices}
    gone = client.delete(f"/auth/devices/{first['device_id']}", bearer=second.json["access_token"])
    assert gone.status == 204
    assert refresh(client, second.json["refresh_token"]).json["error"] == "invalid_grant"


def test_operators_introspect_list_and_revoke_by_signed_requests(client: Client) -> None:
    answer = login(client)
    user_id = client.get("/auth/session", bearer=answer["access_token"]).json["sub"]
    token = {"token": answer["access_token"]}

    active = client.signed("POST", "/auth/introspect", token)
    listed = client.signed("GET", f"/admin/users/{user_id}/sessions")
    revoked = client.signed("POST", f"/admin/users/{user_id}/revoke", {"reason": "test"})
    inactive = client.signed("POST", "/auth/introspect", token)

    assert active.json["active"] is True
    assert answer["session_id"] in {s["session_id"] for s in listed.json["sessions"]}
    assert revoked.json["revoked"] >= 1
    assert inactive.json == {"active": False}


def test_an_assumed_role_is_named_with_its_session_where_it_acted(client: Client) -> None:
    answer = login(client, BOB)
    user_id = client.get("/auth/session", bearer=answer["access_token"]).json["sub"]

    ended = client.signed("POST", f"/admin/users/{user_id}/revoke", {"reason": "test"}, key=LOCAL_ROLE_KEY)
    events = client.signed("GET", f"/admin/security/events?user_id={user_id}", key=LOCAL_ROLE_KEY)

    assert (ended.status, events.status) == (200, 200)
    actors = {event["detail"].get("actor") for event in events.json["events"]}
    assert LOCAL_ROLE_KEY.user_arn in actors


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/issue"),
        ("POST", "/auth/introspect"),
        ("GET", "/admin/security/events"),
        ("GET", "/admin/security/summary"),
        ("POST", "/admin/users/x/revoke"),
        ("GET", "/admin/users/x/sessions"),
    ],
)
def test_nobody_reaches_an_operators_route_unsigned_or_wrongly_signed(
    client: Client, method: str, path: str
) -> None:
    assert client.request(method, path).status == 403
    assert client.signed(method, path, {}, secret="guessed").status == 403


def test_a_disabled_user_and_a_wrong_password_answer_alike(client: Client) -> None:
    disabled = client.post("/auth/login", {"username": CAROL, "password": PASSWORD})
    wrong = client.post("/auth/login", {"username": "nobody@example.com", "password": "wrong"})

    assert (disabled.status, disabled.body) == (wrong.status, wrong.body) == (401, wrong.body)


def test_revocation_answers_200_for_anything(client: Client) -> None:
    answer = login(client)

    for token in (answer["refresh_token"], answer["refresh_token"], "garbage", "aut_rt_" + "A" * 100):
        assert client.form("/auth/revoke", {"token": token}).status == 200

    assert refresh(client, answer["refresh_token"]).json["error"] == "invalid_grant"


def test_the_public_keys_verify_a_token(client: Client) -> None:
    import jwt

    access = login(client)["access_token"]
    reply = client.get("/.well-known/jwks.json")

    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(reply.json).keys}
    key = keys[jwt.get_unverified_header(access)["kid"]]
    claims = jwt.decode(access, key.key, algorithms=["ES256"], audience="portal")

    assert reply.headers["cache-control"].startswith("public, max-age=")
    metadata = client.get("/.well-known/oauth-authorization-server").json
    assert metadata["issuer"] == claims["iss"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/auth/login", 405),
        ("PUT", "/auth/token", 405),
        ("POST", "/auth/login/", 404),
        ("POST", "//auth/login", 404),
        ("POST", "/auth/./login", 404),
        ("POST", "/auth/%2e/login", 404),
        ("POST", "/auth/login;x", 404),
    ],
)
def test_unknown_paths_and_wrong_methods(client: Client, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)

    assert reply.status == status
    assert reply.json["error"] in ("not_found", "invalid_request")
    assert ("allow" in reply.headers) == (status == 405)


def test_a_base64_body_is_read(client: Client) -> None:
    """API Gateway hands a body over in base64 where its type is not one it knows as text."""
    body = json.dumps({"username": BOB, "password": PASSWORD}).encode()

    reply = client.request("POST", "/auth/login", body, "application/json; charset=utf-8")

    assert reply.status == 200


def test_an_event_invokes_a_function_as_aws_would(served: LocalStack, client: Client) -> None:
    cleaned = client.post("/_local/invoke/cleanup", {"source": "aws.scheduler"})
    refused = client.post("/_local/invoke/revoke", {"source": "nobody"})

    assert (cleaned.status, cleaned.json["complete"]) == (200, True)
    assert refused.status == 500
    assert refused.json["errorType"] == "MalformedEvent"


def test_the_portal_disables_a_user_and_every_session_ends(served: LocalStack, client: Client) -> None:
    answer = login(client, ALICE)
    user_id = client.get("/auth/session", bearer=answer["access_token"]).json["sub"]
    event = {"source": "portal.users", "detail-type": "UserDisabled", "detail": {"user_id": user_id}}

    served.invoke("revoke", event)

    assert client.get("/auth/session", bearer=answer["access_token"]).status == 401


def test_a_body_in_base64_decodes_to_the_same_request(served: LocalStack) -> None:
    body = base64.b64encode(json.dumps({"username": BOB, "password": PASSWORD}).encode()).decode()
    event = {
        "version": "2.0",
        "routeKey": "POST /auth/login",
        "rawPath": "/auth/login",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/auth/login", "sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": True,
    }

    assert served.invoke("issue", event)["statusCode"] == 200


def _refused_within(client: Client, access: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if client.get(f"{JOBS_HTTP}/jobs", bearer=access).status != 200:
            return True
        time.sleep(0.1)
    return False
