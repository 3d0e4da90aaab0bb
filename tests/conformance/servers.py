"""How to sign in, refresh and end a session at a server: all that differs from one to the next.

Refresh (RFC 6749 §6) and revocation (RFC 7009) are the OAuth form at every server.
"""

import base64
import json
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
from tests.conformance.wire import Answer, Call, form_call


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of a session just begun."""

    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)


class Request(Protocol):
    """Connects, then sends."""

    def connect(self) -> None: ...

    def send(self) -> Answer: ...


class Server(Protocol):
    """A server under test. sessions: how many it lets live side by side."""

    name: str
    sessions: int

    def sign_in(self) -> Tokens: ...

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

    def refresh(self, token: str, key: str | None) -> Call:
        fields = {"grant_type": "refresh_token", "refresh_token": token, **self.client}
        return form_call(self.base_url + self.token_path, fields, **({"Idempotency-Key": key} if key else {}))

    def revoke(self, token: str) -> Call:
        fields = {"token": token, "token_type_hint": "refresh_token", **self.client}
        return form_call(self.base_url + self.revoke_path, fields)

    def sign_out(self, tokens: Tokens) -> Call:
        return self.revoke(tokens.refresh_token)


class PortalServer(OAuthServer):
    """This service: a trusted backend vouches for users (IAM), whose passwords the suite need not know."""

    def __init__(self, base_url: str, user_ids: Sequence[str], access_key: str, secret_key: str) -> None:
        super().__init__(base_url, "auth-user-tokens", "/auth/token", "/auth/revoke")
        self._users, self._turn = list(user_ids), count()
        self._credentials = Credentials(access_key, secret_key)
        self.sessions = 15 * len(self._users)  # MAX_SESSIONS is 20 by default

    def sign_in(self) -> Tokens:
        user_id = self._users[next(self._turn) % len(self._users)]
        body = json.dumps({"user_id": user_id, "amr": ["mfa"]}).encode()
        url = f"{self.base_url}/auth/issue"
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(self._credentials, "execute-api", "eu-west-1").add_auth(request)
        return tokens_from(Call("POST", url, body, **dict(request.headers.items())).send())

    def sign_out(self, tokens: Tokens) -> Call:
        return Call("POST", f"{self.base_url}/auth/logout", Authorization=f"Bearer {tokens.access_token}")


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
