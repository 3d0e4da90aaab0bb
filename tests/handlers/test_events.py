"""Every event in events/ through its handler, with the outcome that is expected of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.runners import FunctionError
from local.seed import PASSWORD, USERS
from local.stack import LocalStack
from local.templates.arns import ACCOUNT_ID

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if (folder / "app.py").exists())
FILES = sorted(path.relative_to(EVENTS).with_suffix("").as_posix() for path in EVENTS.rglob("*.json"))

# file: a status and, for a refusal, its error code …
HTTP: dict[str, tuple[int, str | None]] = {
    "issue/login": (200, None),
    "issue/login_cookie": (200, None),
    "issue/login_wrong_password": (401, "invalid_credentials"),
    "issue/login_mistyped": (400, "invalid_request"),
    "issue/step_up": (200, None),
    "issue/step_up_stronger": (400, "unmet_authentication_requirements"),
    "issue/step_up_wrong_password": (401, "invalid_credentials"),
    "issue/trusted_issue": (200, None),
    "refresh/refresh": (200, None),
    "refresh/refresh_json": (200, None),
    "refresh/device_token": (200, None),
    "refresh/garbage": (400, "invalid_grant"),
    "refresh/base64_garbage": (400, "invalid_grant"),
    "refresh/repeated_parameter": (400, "invalid_request"),
    "refresh/password_grant": (400, "unsupported_grant_type"),
    "revoke/revoke": (200, None),
    "revoke/revoke_unknown": (200, None),
    "revoke/revoke_nothing": (400, "invalid_request"),
    "revoke/logout": (204, None),
    "revoke/logout_anonymous": (401, None),
    "revoke/logout_signed_out": (204, None),
    "revoke/end_session": (204, None),
    "revoke/end_unknown_session": (404, "not_found"),
    "sessions/session": (200, None),
    "sessions/sessions": (200, None),
    "sessions/devices": (200, None),
    "sessions/own_events": (200, None),
    "sessions/rename_device": (200, None),
    "sessions/anonymous": (401, None),
    "sessions/bad_token": (401, "invalid_token"),
    "sessions/forged_cursor": (400, "invalid_request"),
    "introspect/active": (200, None),
    "introspect/unknown": (200, None),
    "introspect/no_token": (400, "invalid_request"),
    "discovery/jwks": (200, None),
    "discovery/metadata": (200, None),
    "discovery/wrong_method": (405, "invalid_request"),
    "discovery/unknown_path": (404, "not_found"),
    "revocations/public": (200, None),
    "revocations/signed": (200, None),
    "revocations/no_cursor": (400, "invalid_request"),
    "console/page": (200, None),
    "console/unknown_page": (404, "not_found"),
    "console/not_an_operator": (403, "access_denied"),
    "console/anonymous": (401, None),
    "rotate_keys/through_an_api": (404, "not_found"),
    "analytics/events": (200, None),
    "analytics/summary": (200, None),
    "analytics/unknown_type": (400, "invalid_request"),
}
# … or members that the result has …
RESULTS: dict[str, dict[str, Any]] = {
    "issue/direct": {"token_type": "Bearer"},
    "issue/direct_in_session": {"amr": ["pwd", "otp"]},
    "issue/direct_unknown_user": {"error": "access_denied"},
    "revoke/user_disabled": {"revoked": 0},
    "authorizer/rest_token": {"principalId": USERS[1].id},
    "authorizer/rest_request": {"principalId": USERS[1].id},
    "authorizer/http_v1": {"principalId": USERS[1].id},
    "authorizer/websocket": {"principalId": USERS[1].id},
    "authorizer/http_v2": {"isAuthorized": True},
    "authorizer/http_v2_cookie": {"isAuthorized": True},
    "authorizer/http_v2_bad": {"isAuthorized": False},
    "authorizer/http_v2_anonymous": {"isAuthorized": False},
    "cleanup/schedule": {"complete": True},
    "cleanup/catch_up": {"complete": True},
    "rotate_keys/schedule": {},
    "analytics/schedule": {"ran": True, "refused": 0},
    "migrate/deploy": {"applied": []},
    "migrate/check": {"pending": [], "changed": []},
    "cleanup/check": {},
    "discovery/check": {},
}
# … or the exception that Lambda reports.
FAILURES: dict[str, tuple[str, str]] = {
    "revoke/user_event_without_user": ("MalformedEvent", "detail.user_id must be a user's id"),
    "authorizer/rest_token_bad": ("Unauthorized", "Unauthorized"),
    "authorizer/rest_request_bad": ("Unauthorized", "Unauthorized"),
    "authorizer/websocket_anonymous": ("Unauthorized", "Unauthorized"),
    "cleanup/through_an_api": ("ValueError", "cleanup is not reachable through an API"),
    "rotate_keys/withdraw_unknown": (
        "InvalidRequest",
        "There is no signing key of this kid; those that there are: GET /admin/keys.",
    ),
    "migrate/through_an_api": ("ValueError", "migrate is not reachable through an API"),
}


@pytest.fixture
def invoke(stack: LocalStack) -> Any:
    """Runs an event file through its function, its placeholders filled in with live values."""

    def run(file: str) -> Any:
        text = (EVENTS / f"{file}.json").read_text("utf-8")
        function = file.partition("/")[0]
        if function == "revocations":
            _login(stack, {})  # the first sign-in makes the keys that sign
        return stack.invoke(function, json.loads(_filled(stack, text)))

    return run


def test_every_event_has_an_expectation_and_every_expectation_an_event() -> None:
    assert sorted([*HTTP, *RESULTS, *FAILURES]) == FILES


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_good_and_a_bad_event(function: str) -> None:
    mine = [file for file in FILES if file.startswith(f"{function}/")]
    bad = {file for file in mine if file in FAILURES or HTTP.get(file, (0, None))[0] >= 400}

    assert bad
    assert set(mine) - bad


@pytest.mark.parametrize("file", HTTP)
def test_an_http_event_is_answered_as_the_contract_says(invoke: Any, file: str) -> None:
    status, error = HTTP[file]

    response = invoke(file)

    assert response["statusCode"] == status
    is_json = response["headers"].get("Content-Type") == "application/json"
    body = json.loads(response["body"]) if is_json and response["body"] else {}
    assert body.get("error") == error
    assert response["headers"]["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("file", RESULTS)
def test_any_other_event_has_the_result_that_is_expected(invoke: Any, file: str) -> None:
    result = invoke(file)

    assert {**result, **RESULTS[file]} == result


@pytest.mark.parametrize("file", FAILURES)
def test_an_event_at_the_wrong_address_fails_with_a_reason(invoke: Any, file: str) -> None:
    with pytest.raises(FunctionError) as failure:
        invoke(file)

    assert (failure.value.error_type, failure.value.error_message) == FAILURES[file]


def test_the_events_are_of_the_local_account() -> None:
    for file in FILES:
        accounts = re.findall(r'"accountId": "(\d+)"', (EVENTS / f"{file}.json").read_text("utf-8"))
        assert set(accounts) <= {ACCOUNT_ID}


def _filled(stack: LocalStack, text: str) -> str:
    if "{{" not in text:
        return text
    answer = _login(stack, {"device": {"name": "phone", "remember": True}})
    cookies = _login(stack, {"mode": "cookie"})["cookies"]
    body = json.loads(answer["body"])
    values = {**body, "session_cookie": cookies[0].split(";")[0].partition("=")[2]}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match[1]]), text)


def _login(stack: LocalStack, options: dict[str, Any]) -> Any:
    event = json.loads((EVENTS / "issue" / "login.json").read_text("utf-8"))
    event["body"] = json.dumps({"username": USERS[1].username, "password": PASSWORD, **options})
    return stack.invoke("issue", event)
