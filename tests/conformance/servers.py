"""How to sign in, refresh and end a session at a server: all that differs from one to the next.

Refresh (RFC 6749 §6) and revocation (RFC 7009) are the OAuth form at every server.
"""

import base64
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.seed import USERS
from local.templates.arns import REGION
from tests.conformance.wire import Answer, Call, Request, form_call

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN = "urn:auth-user-tokens:token-type:device"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of a session just begun. token: the first of its chain; user_id, device_id: where the server has devices."""

    token: str = field(repr=False)
    access_token: str = field(repr=False)
    user_id: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What whoever spent a token got for it. token: the next of the chain; session: the refresh token of the session
    that a device token opened, else empty."""

    token: str = field(repr=False)
    session: str = field(default="", repr=False)


class Server(Protocol):
    """A server under test, and the kind of token that is tried. sessions: how many it lets live side by side."""

    name: str
    sessions: int

    def sign_in(self) -> Tokens: ...

    def spend(self, token: str, key: str | None) -> Request: ...

    def held(self, body: dict[str, Any], shown: str) -> Held:
        """What the answer to a token that was spent holds."""
        ...

    def refresh(self, token: str, key: str | None) -> Request: ...

    def revoke(self, token: str) -> Request: ...

    def sign_out(self, tokens: Tokens) -> Request:
        """The user's own logout, where the server has one; else the revocation of the refresh token."""
        ...


class CannotSignIn(Exception):
    """The server did not begin a session; nothing can be said of its refresh."""


@dataclass(slots=True)
class OAuthServer:
    """Refresh and revocation by the book. client: what identifies the client in the form."""

    base_url: str
    name: str
    token_path: str
    revoke_path: str
    client: dict[str, str] = field(default_factory=dict)
    sessions: int = 1000

    def spend(self, token: str, key: str | None) -> Request:
        return self.refresh(token, key)

    def held(self, body: dict[str, Any], shown: str) -> Held:
        return Held(str(body.get("refresh_token", shown)))  # RFC 6749 §6: none sent, the old one stays

    def refresh(self, token: str, key: str | None) -> Request:
        return self._token_call(key, grant_type="refresh_token", refresh_token=token)

    def revoke(self, token: str) -> Request:
        fields = {"token": token, "token_type_hint": "refresh_token", **self.client}
        return form_call(self.base_url + self.revoke_path, fields)

    def sign_out(self, tokens: Tokens) -> Request:
        return self.revoke(tokens.token)

    def _token_call(self, key: str | None, **fields: str) -> Call:
        headers = {"Idempotency-Key": key} if key else {}
        return form_call(self.base_url + self.token_path, {**fields, **self.client}, **headers)


class PortalServer(OAuthServer):
    """This service: a trusted backend vouches for users (IAM), whose passwords the suite need not know."""

    def __init__(
        self,
        base_url: str,
        user_ids: Sequence[str],
        access_key: str,
        secret_key: str,
        session_token: str = "",
    ) -> None:
        super().__init__(base_url, "auth-user-tokens", "/auth/token", "/auth/revoke")
        self._users, self._turn = list(user_ids), count()
        self._keys = (access_key, secret_key, session_token)
        self.sessions = 15 * len(self._users)  # MAX_SESSIONS is 20 by default

    def sign_in(self) -> Tokens:
        return tokens_from(self._issued(self._next_user()))

    def sign_out(self, tokens: Tokens) -> Call:
        return Call("POST", f"{self.base_url}/auth/logout", Authorization=f"Bearer {tokens.access_token}")

    def devices(self) -> "PortalDevices":
        """The same server, of which the device tokens are tried."""
        return PortalDevices(self.base_url, self._users, *self._keys)

    def _next_user(self) -> str:
        return self._users[next(self._turn) % len(self._users)]

    def _issued(self, user_id: str, **options: object) -> Answer:
        body = json.dumps({"user_id": user_id, "amr": ["mfa"], **options}).encode()
        url = f"{self.base_url}/auth/issue"
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
        region = os.environ.get("AWS_DEFAULT_REGION", REGION)
        SigV4Auth(Credentials(*self._keys), "execute-api", region).add_auth(request)
        return Call("POST", url, body, **dict(request.headers.items())).send()


class PortalDevices(PortalServer):
    """The same service's device tokens: each is spent for a session and the next device token (RFC 8693)."""

    def sign_in(self) -> Tokens:
        user_id = self._next_user()
        answer = self._issued(user_id, device={"remember": True})
        begun = tokens_from(answer)
        return Tokens(answer.body["device_token"], begun.access_token, user_id, answer.body["device_id"])

    def spend(self, token: str, key: str | None) -> Call:
        return self._token_call(
            key, grant_type=EXCHANGE, subject_token=token, subject_token_type=DEVICE_TOKEN
        )

    def held(self, body: dict[str, Any], shown: str) -> Held:
        return Held(body["device_token"], body["refresh_token"])

    def sign_out(self, tokens: Tokens) -> Call:
        """The device is forgotten from another session of its user: an exchange replaces its own."""
        elsewhere = tokens_from(self._issued(tokens.user_id))
        url = f"{self.base_url}/auth/devices/{tokens.device_id}"
        return Call("DELETE", url, Authorization=f"Bearer {elsewhere.access_token}")


LOCAL_USERS = tuple(user.id for user in USERS if user.status == "active" and not user.config)


def local_server(base_url: str) -> PortalServer:
    """The local stack, with its seeded users and its fixed key pair."""
    return PortalServer(base_url, LOCAL_USERS, "local", "local-secret")


class PasswordServer(OAuthServer):
    """A server with the password grant (RFC 6749 §4.3): the shortest way to a first token."""

    user = {"username": "conformance", "password": "correct horse battery staple"}

    def sign_in(self) -> Tokens:
        fields = {"grant_type": "password", "scope": "read", **self.user, **self.client}
        return tokens_from(form_call(self.base_url + self.token_path, fields).send())


class CodeServer(OAuthServer):
    """A server with the authorization code grant and PKCE (RFC 7636) that asks nobody for consent."""

    authorize_path = "/auth"
    redirect_uri = "https://client.example/callback"
    scope = "openid offline_access"

    def sign_in(self) -> Tokens:
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "prompt": "consent",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **self.client,
        }
        code = self._code(f"{self.base_url}{self.authorize_path}?{urlencode(query)}")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
            **self.client,
        }
        return tokens_from(form_call(self.base_url + self.token_path, fields).send())

    def _code(self, url: str) -> str:
        """Follow redirects as a browser would, cookies and all, until the one that carries the code."""
        cookies: dict[str, str] = {}
        for _ in range(10):
            answer = Call("GET", url, Cookie="; ".join(f"{n}={v}" for n, v in cookies.items())).send()
            cookies |= _cookies(answer.headers.get("set-cookie", ""))
            location = urljoin(url, answer.headers.get("location", ""))
            if location.startswith(self.redirect_uri):
                [code] = parse_qs(urlsplit(location).query).get("code", [""])
                return code
            url = location
        raise CannotSignIn(f"no code at {urlsplit(url).path}")


def tokens_from(answer: Answer) -> Tokens:
    """The tokens of a token answer (RFC 6749 §5.1). Raises CannotSignIn."""
    body: dict[str, Any] = answer.body
    if answer.status != 200 or "refresh_token" not in body:
        raise CannotSignIn(f"{answer.status} {body.get('error', '')}")
    return Tokens(body["refresh_token"], body["access_token"])


def _cookies(header: str) -> dict[str, str]:
    pairs = [part.split(";")[0].strip().partition("=") for part in header.split(", ")]
    return {name: value for name, _, value in pairs if name and value and " " not in name}
