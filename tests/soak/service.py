"""What a client asks of the service, and what comes back: over HTTP, from an address of its own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from local.client import Client, Reply
from local.seed import PASSWORD
from local.stack import JOBS_HTTP

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN = "urn:auth-user-tokens:token-type:device"
# What may say that a token or a session is not good.
_REFUSALS = (400, 401, 403)
# Requests of one client that may be under way at once. Each ends by the time-out of the HTTP client.
_MAX_GIVEN_UP = 100


class Mode(Enum):
    """How a session is held."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the Portal."""

    id: str
    username: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0: nothing did, in time. cookie: the new session cookie; request_id: the gateway's."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cookie: str = field(default="", repr=False)
    retry_after_s: float = 0
    request_id: str = ""

    @property
    def kind(self) -> str:
        """For counting: the status, and what or who says so."""
        if self.status == 0:
            return "no answer"
        if error := self.body.get("error"):
            return f"{self.status} {error}"
        return f"{self.status} of the gateway" if self.status >= 500 else str(self.status)

    @property
    def is_ours_unavailable(self) -> bool:
        """The service's own 503, after which the token at hand is still good."""
        return self.status == 503 and self.body.get("error") == "temporarily_unavailable"

    @property
    def is_refusal(self) -> bool:
        return self.status in _REFUSALS


@dataclass(frozen=True, slots=True)
class Held:
    """A session as its client holds it. token: the refresh token, or the cookie's value; steps: how often it was
    spent since the session began."""

    mode: Mode
    session_id: str
    token: str = field(repr=False)
    access: str = field(default="", repr=False)
    csrf: str = field(default="", repr=False)
    steps: int = 0


def holding(answer: Answer, mode: Mode, steps: int = 0) -> Held:
    """The session of a good answer."""
    body = answer.body
    if mode is Mode.COOKIE:
        return Held(mode, body["session_id"], answer.cookie, csrf=body["csrf_token"], steps=steps)
    return Held(mode, body["session_id"], body["refresh_token"], access=body["access_token"], steps=steps)


class Service(Protocol):
    """One client's way to the service."""

    def sign_in(self, person: Person, mode: Mode, *, remember: bool) -> Answer: ...

    def refresh(self, held: Held, key: str | None) -> Answer: ...

    def exchange(self, device_token: str, mode: Mode, key: str | None) -> Answer: ...

    def call_api(self, held: Held) -> Answer:
        """Another team's API, behind the authorizer."""
        ...

    def call_own(self, held: Held) -> Answer:
        """The service's own view of the session."""
        ...

    def sign_out(self, held: Held) -> Answer: ...

    def revoke(self, token: str) -> Answer: ...

    def revoke_all(self, person: Person) -> Answer:
        """An operator ends everything of a user."""
        ...

    def is_quiet(self) -> bool:
        """Is no request under way that was given up?"""
        ...


class HttpService:
    """Service over HTTP. timeout_s: after which a request counts as unanswered; its answer is lost then."""

    def __init__(self, base_url: str, source: str, timeout_s: float) -> None:
        self._client = Client(base_url, source)
        self._timeout_s = timeout_s
        self._requests = ThreadPoolExecutor(_MAX_GIVEN_UP, thread_name_prefix="request")
        self._given_up: list[Future[Reply]] = []

    def sign_in(self, person: Person, mode: Mode, *, remember: bool) -> Answer:
        body = {
            "username": person.username,
            "password": PASSWORD,
            "mode": mode.value,
            "device": {"name": "soak", "remember": remember},
        }
        return self._ask("POST", "/auth/login", json.dumps(body).encode(), "application/json")

    def refresh(self, held: Held, key: str | None) -> Answer:
        if held.mode is Mode.COOKIE:
            return self._form({"grant_type": "refresh_token"}, key, held)
        return self._form({"grant_type": "refresh_token", "refresh_token": held.token}, key)

    def exchange(self, device_token: str, mode: Mode, key: str | None) -> Answer:
        fields = {
            "grant_type": EXCHANGE,
            "subject_token": device_token,
            "subject_token_type": DEVICE_TOKEN,
            "mode": mode.value,
        }
        return self._form(fields, key)

    def call_api(self, held: Held) -> Answer:
        return self._ask("GET", f"{JOBS_HTTP}/jobs", held=held)

    def call_own(self, held: Held) -> Answer:
        return self._ask("GET", "/auth/session", held=held)

    def sign_out(self, held: Held) -> Answer:
        return self._ask("POST", "/auth/logout", b"{}", "application/json", held=held)

    def revoke(self, token: str) -> Answer:
        return self._answer(lambda: self._client.form("/auth/revoke", {"token": token}))

    def revoke_all(self, person: Person) -> Answer:
        path = f"/admin/users/{person.id}/revoke"
        return self._answer(lambda: self._client.signed("POST", path, {"reason": "soak"}))

    def metrics(self) -> str:
        """The page of the functions' metrics, in local mode."""
        return self._client.get("/_local/metrics").body.decode()

    def _form(self, fields: dict[str, str], key: str | None, held: Held | None = None) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        if held:
            headers["X-CSRF-Token"] = held.csrf
        cookie = f"__Host-session={held.token}" if held else None
        return self._answer(lambda: self._client.form("/auth/token", fields, headers=headers, cookie=cookie))

    def _ask(
        self, method: str, path: str, body: bytes = b"", content_type: str = "", held: Held | None = None
    ) -> Answer:
        options: dict[str, Any] = {}
        if held and held.mode is Mode.COOKIE:
            options = {"cookie": f"__Host-session={held.token}", "headers": {"X-CSRF-Token": held.csrf}}
        elif held:
            options = {"bearer": held.access}
        return self._answer(lambda: self._client.request(method, path, body, content_type, **options))

    def is_quiet(self) -> bool:
        self._given_up = [each for each in self._given_up if not each.done()]
        return not self._given_up

    def _answer(self, ask: Callable[[], Reply]) -> Answer:
        asked = self._requests.submit(ask)
        try:
            return answer_of(asked.result(self._timeout_s))
        except TimeoutError:
            self._given_up.append(asked)
        except (OSError, http.client.HTTPException):
            pass
        return Answer(0)


def answer_of(reply: Reply) -> Answer:
    """A reply as a client reads it."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = {}
    cookie = next((text.split(";")[0].partition("=")[2] for text in reply.cookies), "")
    retry_after_s = float(reply.headers.get("retry-after", 0))
    request_id = reply.headers.get("apigw-requestid", "")
    return Answer(reply.status, body if isinstance(body, dict) else {}, cookie, retry_after_s, request_id)
