"""Python clients that others wrote, against the service on the Lambda runtime client."""

from typing import Any

import jwt
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from requests_oauthlib import OAuth2Session as RequestsSession

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import LocalStack

BOB = USERS[1]


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries refuse to speak OAuth without TLS; the local stack has none."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(params=["portal-web", "portal-app"])
def client_id(request: pytest.FixtureRequest) -> str:
    """The first client of the service, and another one."""
    return str(request.param)


@pytest.fixture
def login(lambda_stack: LocalStack, client_id: str) -> Any:
    reply = Client(lambda_stack.base_url).post(
        "/auth/login", {"username": BOB.username, "password": PASSWORD, "client_id": client_id}
    )
    assert reply.status == 200
    return reply.json


def expired(login: dict[str, Any]) -> dict[str, Any]:
    """The answer of a login as a client keeps it, with the access token's end behind us."""
    return {**login, "expires_in": -1, "expires_at": 1}


def test_authlib_refreshes_by_itself_and_goes_on(
    lambda_stack: LocalStack, login: Any, client_id: str
) -> None:
    base = lambda_stack.base_url
    saved: list[dict[str, Any]] = []
    session = AuthlibSession(
        client_id,
        token_endpoint=f"{base}/auth/token",
        token_endpoint_auth_method="none",
        token=expired(login),
        update_token=lambda token, refresh_token=None, access_token=None: saved.append(token),
    )

    with session:
        first = session.get(f"{base}/auth/session")
        second = session.get(f"{base}/examples/http/jobs")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["session_id"] == login["session_id"]
    assert len(saved) == 1
    assert saved[0]["refresh_token"] != login["refresh_token"]


def test_authlib_with_a_secret_is_told_that_clients_have_none(
    lambda_stack: LocalStack, login: Any, client_id: str
) -> None:
    endpoint = f"{lambda_stack.base_url}/auth/token"
    session = AuthlibSession(client_id, "secret", token_endpoint=endpoint, token=login)

    with session, pytest.raises(OAuthError) as refusal:
        session.refresh_token(endpoint)

    assert refusal.value.error == "invalid_client"
    public = AuthlibSession(client_id, token_endpoint_auth_method="none", token=login)
    with public:
        assert public.refresh_token(endpoint)["session_id"] == login["session_id"]


def test_authlib_revokes_and_is_then_refused(lambda_stack: LocalStack, login: Any, client_id: str) -> None:
    base = lambda_stack.base_url
    session = AuthlibSession(
        client_id,
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
        token=login,
    )

    with session:
        revoked = session.revoke_token(
            f"{base}/auth/revoke", token=login["refresh_token"], token_type_hint="refresh_token"
        )
        after = session.get(f"{base}/auth/session")

    assert revoked.status_code == 200
    assert after.status_code == 401
    assert 'error="invalid_token"' in after.headers["WWW-Authenticate"]


def test_requests_oauthlib_refreshes_by_itself_and_goes_on(
    lambda_stack: LocalStack, login: Any, client_id: str
) -> None:
    base = lambda_stack.base_url
    saved: list[dict[str, Any]] = []
    session = RequestsSession(
        client_id,
        token=expired(login),
        auto_refresh_url=f"{base}/auth/token",  # it names no client there
        token_updater=saved.append,
    )

    with session:
        first = session.get(f"{base}/auth/session")
        second = session.get(f"{base}/examples/rest/jobs")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["session_id"] == login["session_id"]
    assert len(saved) == 1
    assert saved[0]["refresh_token"] != login["refresh_token"]


def test_pyjwt_finds_the_published_key_and_verifies_by_it(lambda_stack: LocalStack, login: Any) -> None:
    keys = jwt.PyJWKClient(f"{lambda_stack.base_url}/.well-known/jwks.json")
    token = login["access_token"]

    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="portal", issuer=lambda_stack.base_url)

    assert (claims["sub"], claims["sid"]) == (BOB.id, login["session_id"])
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["ES256"], audience="another", issuer=lambda_stack.base_url)
