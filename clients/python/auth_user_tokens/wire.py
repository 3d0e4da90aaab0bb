"""Requests to the service, and what its answers mean. No input or output."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from auth_user_tokens import rules
from auth_user_tokens.answers import LoginRequest, StepUpRequest, TokenAnswer, token_answer
from auth_user_tokens.errors import AuthError
from auth_user_tokens.records import Device, Tokens

# No answer of the service to a token is longer.
MAX_ANSWER_BYTES = 65_536
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_DEVICE = "urn:auth-user-tokens:token-type:device"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_RETRY_LATER = {408, 425, 429, 500, 502, 503, 504}
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Request:
    """To the service. Secrets are in headers and body, never in the address."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reply:
    """headers: their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def date(self) -> float | None:
        """Epoch seconds of its `Date`."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Good:
    answer: TokenAnswer = field(repr=False)


@dataclass(frozen=True, slots=True)
class Over:
    """`invalid_grant`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Trying again is of no use; the session lives on."""

    code: str
    status: int
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Not now, or no answer of the service."""

    code: str = "unreachable"
    status: int | None = None
    retry_after_s: float | None = None


Verdict = Good | Over | Refused | Again


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The service's, below its issuer. client_id, scope: sent along where they are set."""

    issuer: str
    client_id: str | None = None
    scope: str | None = None

    def refresh(self, tokens: Tokens) -> Request:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return self._form("/auth/token", {**form, **self._own()}, tokens.retry_key)

    def exchange(self, device: Device) -> Request:
        form = {"grant_type": _EXCHANGE, "subject_token": device.token or "", "subject_token_type": _DEVICE}
        return self._form("/auth/token", {**form, **self._own()}, device.retry_key)

    def step_up(self, tokens: Tokens, by: StepUpRequest) -> Request:
        """With the key of the token that it spends, as a refresh (rule 1)."""
        client = {"client_id": self.client_id} if self.client_id else {}
        body = {**by, **client, "refresh_token": tokens.refresh_token}
        return self._json("/auth/step-up", body, {"Idempotency-Key": tokens.retry_key})

    def login(self, body: LoginRequest) -> Request:
        return self._json("/auth/login", {**body, **self._own()})

    def revoke(self, tokens: Tokens) -> Request:
        return self._form("/auth/revoke", {"token": tokens.refresh_token})

    def logout(self, credential: Mapping[str, str], scope: str, keep_devices: bool) -> Request:
        body = {"scope": scope, "keep_devices": keep_devices}
        return self._json("/auth/logout", body, credential)

    def own_session(self, credential: Mapping[str, str]) -> Request:
        return Request(self.session_url, credential, b"", "GET")

    @property
    def session_url(self) -> str:
        return f"{self.issuer}/auth/session"

    @property
    def logout_url(self) -> str:
        return f"{self.issuer}/auth/logout"

    def _own(self) -> dict[str, str]:
        own = {"client_id": self.client_id, "scope": self.scope}
        return {name: value for name, value in own.items() if value is not None}

    def _form(self, path: str, form: Mapping[str, str], retry_key: str | None = None) -> Request:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if retry_key is not None:
            headers["Idempotency-Key"] = retry_key
        return Request(self.issuer + path, headers, urlencode(form).encode())

    def _json(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
        own = {"Content-Type": "application/json", "Accept": "application/json"}
        return Request(self.issuer + path, {**own, **(headers or {})}, json.dumps(body).encode())


def error_code(reply: Reply) -> str | None:
    """The `error` of a challenge or, where there is none, of the body."""
    if code := challenge_of(reply.headers).get("error"):
        return code
    value = json_of(reply)
    code = value.get("error") if isinstance(value, dict) else None
    return code if isinstance(code, str) else None


def verdict_of(reply: Reply) -> Verdict:
    """What an answer to a token means. Whatever is no whole answer of the service (a page of a proxy, half a body, a
    redirect, which is never followed) is as good as none."""
    value = json_of(reply)
    code = value.get("error") if isinstance(value, dict) else None
    code = code if isinstance(code, str) else None
    if reply.status == 200:
        answer = token_answer(value)
        return Good(answer) if answer else Again("bad_answer", reply.status)
    if rules.ends_session(reply.status, code):
        return Over()
    if reply.status in _RETRY_LATER:
        return Again(code or "unreachable", reply.status, retry_after_s(reply.headers))
    if 400 <= reply.status < 500:
        return Refused(code or "bad_answer", reply.status)
    return Again("bad_answer", reply.status)


def step_up_verdict(reply: Reply) -> Verdict:
    """The same of a step-up. Too many passwords (429) is for whoever types them, and no reason to refresh later."""
    verdict = verdict_of(reply)
    if isinstance(verdict, Again) and reply.status == 429:
        return Refused(verdict.code, reply.status, verdict.retry_after_s)
    return verdict


def error_of(reply: Reply) -> AuthError:
    """A request that was refused, or answered by somebody else."""
    value = json_of(reply)
    code = value.get("error") if isinstance(value, dict) else None
    named = code if isinstance(code, str) else "bad_answer"
    return AuthError(named, status=reply.status, retry_after_s=retry_after_s(reply.headers))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 §10.2.3: seconds, or an HTTP date, which counts from the answer's own `Date`. None: neither."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        until, since = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


def challenge_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a `WWW-Authenticate: Bearer` or `DPoP` (RFC 6750 §3, RFC 9449 §7.1); empty without one."""
    scheme, _, rest = headers.get("www-authenticate", "").strip().partition(" ")
    if scheme.lower() not in ("bearer", "dpop"):
        return {}
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}


def origin_of(url: str) -> str:
    """Scheme, host and port (RFC 6454 §4). Raises ValueError: no http or https, no host, a user name."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise ValueError(f"{parts.scheme}://{host} is no origin of the web")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f"http://{host}: tokens go over https alone, but on this machine")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port or (443 if parts.scheme == 'https' else 80)}"


def json_of(reply: Reply) -> Any:
    """The parsed body, None where it is none."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or len(reply.body) > MAX_ANSWER_BYTES:
        return None
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
