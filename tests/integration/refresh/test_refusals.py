"""A request that is refused for its form spends nothing: the same token rotates right afterwards."""

import pytest

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=refresh_token&refresh_token={token}"

REFUSED: dict[str, tuple[str, str, dict[str, str], int, str]] = {
    "a repeated token": (GRANT + "&refresh_token={token}", FORM, {}, 400, "invalid_request"),
    "a repeated scope": (GRANT + "&scope=portal:read&scope=portal:read", FORM, {}, 400, "invalid_request"),
    "too much scope": (GRANT + "&scope=portal:admin", FORM, {}, 400, "invalid_scope"),
    "another client": (GRANT + "&client_id=portal-app", FORM, {}, 400, "invalid_grant"),
    "an unknown client": (GRANT + "&client_id=nobody", FORM, {}, 401, "invalid_client"),
    "a client's password": (GRANT, FORM, {"Authorization": "Basic cG9ydGFsLXdlYjo="}, 401, "invalid_client"),
    "a scheme in other case": (GRANT, FORM, {"Authorization": "bAsIc x"}, 401, "invalid_client"),
    "a scheme alone": (GRANT, FORM, {"Authorization": "Basic"}, 401, "invalid_client"),
    "a client's secret": (GRANT + "&client_secret=x", FORM, {}, 401, "invalid_client"),
    "a client's assertion": (GRANT + "&client_assertion=x", FORM, {}, 401, "invalid_client"),
    "the type of one": (GRANT + "&client_assertion_type=x", FORM, {}, 401, "invalid_client"),
    "another grant": ("grant_type=password&refresh_token={token}", FORM, {}, 400, "unsupported_grant_type"),
    "no grant": ("refresh_token={token}", FORM, {}, 400, "invalid_request"),
    "an empty Idempotency-Key": (GRANT, FORM, {"Idempotency-Key": ""}, 400, "invalid_request"),
    "a too long Idempotency-Key": (GRANT, FORM, {"Idempotency-Key": "k" * 256}, 400, "invalid_request"),
    "another content type": (GRANT, "text/plain", {}, 415, "invalid_request"),
    "too large a body": (GRANT + "&padding=" + "x" * 16384, FORM, {}, 413, "invalid_request"),
}


@pytest.mark.parametrize(("body", "content_type", "headers", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refused_request_spends_nothing(
    stack: LocalStack, body: str, content_type: str, headers: dict[str, str], status: int, code: str
) -> None:
    client = Client(stack.base_url)
    login = client.post("/auth/login", {"username": USERS[1].username, "password": PASSWORD}).json
    token = login["refresh_token"]

    refused = client.request(
        "POST", "/auth/token", body.format(token=token).encode(), content_type, headers=headers
    )

    assert (refused.status, refused.json["error"]) == (status, code)
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT generation, revoked_at FROM auth_user_tokens WHERE id = UNHEX(%s)",
            (login["session_id"].replace("-", ""),),
        )
        assert cursor.fetchone() == (0, None)
    good = client.form("/auth/token", {"grant_type": "refresh_token", "refresh_token": token})
    assert good.status == 200
