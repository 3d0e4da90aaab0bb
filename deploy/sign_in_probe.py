"""The life of one sign-in, step by step, as a probe user: by `smoke` over HTTP, by the hook at new versions.

Nothing but the standard library: the hook has no packages.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NewType
from urllib.parse import urlencode

DISCOVERY = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
Password = NewType("Password", str)


class Unreachable(Exception):
    """No answer at all. The text says of whom and why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the service. path: below the issuer's, without a query; headers: names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """status: of HTTP; body: the JSON object, empty where there is none."""

    status: int
    body: Mapping[str, Any] = field(repr=False)

    @property
    def said(self) -> str:
        """For people: the status, and the error's code. Never the body, which may hold tokens."""
        error = self.body.get("error")
        return f"{self.status} {error}" if isinstance(error, str) else str(self.status)


Transport = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Probe:
    """Who signs in, and what is expected. issuer: the address at which the service should think that it is;
    repeats_refresh: whether a spent token is shown again, which without a retry window ends the session."""

    issuer: str
    username: str
    password: Password = field(repr=False)
    repeats_refresh: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What came out of one step, as a sentence."""

    is_ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class _Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)


# More steps, of an access token whose session lives.
Also = Callable[[str], Iterable[Step]]


def json_object(document: str | bytes) -> dict[str, Any]:
    """JSON that is no object counts as an empty one. Raises ValueError for what is no JSON."""
    found = json.loads(document)
    return found if isinstance(found, dict) else {}


def probe_sign_in(probe: Probe, call: Transport, also: Also = lambda access_token: ()) -> Iterator[Step]:
    """Each step as it is done; the first that fails is the last but for the sign-out, so no session stays behind.

    Raises Unreachable.
    """
    yield (discovery := _discovery(probe, call))
    if not discovery.is_ok:
        return
    signed_in = call(_sign_in(probe))
    tokens = _tokens_in(signed_in)
    if tokens is None:
        yield Step(False, f"{probe.username} cannot sign in: POST /auth/login gives {signed_in.said}.")
        return
    yield Step(True, f"{probe.username} signs in.")
    held = [tokens]
    is_ended = False
    try:
        for step in _session(probe, call, held, also):
            yield step
            if not step.is_ok:
                return
        is_ended = True
    finally:
        if not is_ended:
            _end_quietly(held[-1], call)


def _session(probe: Probe, call: Transport, held: list[_Tokens], also: Also) -> Iterator[Step]:
    """The steps of a signed-in user. held: the tokens so far; those of each refresh are added."""
    first = held[0]
    yield _issued(probe, first, call)
    yield _own_route(first, call, expected=200)
    yield from also(first.access)
    idempotency_key = secrets.token_hex(16)
    answer = call(_refresh(first, idempotency_key))
    second = _tokens_in(answer)
    if second is None or second.refresh == first.refresh:
        yield Step(False, f"The refresh token is not rotated: POST /auth/token gives {answer.said}.")
        return
    held.append(second)
    yield Step(True, "A refresh gives the next refresh token.")
    if probe.repeats_refresh:
        yield _repeated(first, second, idempotency_key, call)
    revoked = call(_form("/auth/revoke", token=second.refresh))
    yield Step(revoked.status == 200, f"The session is revoked: POST /auth/revoke gives {revoked.said}.")
    yield _own_route(second, call, expected=401)
    refused = call(_refresh(second, secrets.token_hex(16)))
    is_refused = (refused.status, refused.body.get("error")) == (400, "invalid_grant")
    yield Step(is_refused, f"Its refresh token afterwards: POST /auth/token gives {refused.said}.")


def _discovery(probe: Probe, call: Transport) -> Step:
    answer = call(Call("GET", DISCOVERY))
    if answer.status != 200:
        return Step(False, f"There is no metadata: GET {DISCOVERY} gives {answer.said}.")
    issuer, jwks_uri = answer.body.get("issuer"), answer.body.get("jwks_uri")
    if issuer != probe.issuer:
        return Step(False, f"The issuer is {issuer}, but it is served at {probe.issuer}: set Issuer to that.")
    if jwks_uri != f"{probe.issuer}{JWKS}":
        return Step(False, f"The metadata puts the keys at {jwks_uri}, which is not {probe.issuer}{JWKS}.")
    return Step(True, f"The metadata is that of {issuer}.")


def _issued(probe: Probe, tokens: _Tokens, call: Transport) -> Step:
    """Whether the access token names its issuer and a published key. Its signature is the own route's to verify."""
    header, claims = (_decoded(part) for part in f"{tokens.access}..".split(".")[:2])
    answer = call(Call("GET", JWKS))
    kid = header.get("kid")
    if claims.get("iss") != probe.issuer:
        return Step(False, f"The access token's iss is {claims.get('iss')} instead of {probe.issuer}.")
    if not isinstance(kid, str) or kid not in _published(answer):
        return Step(False, f"The key {kid} of the access token is not published: {answer.said}.")
    return Step(True, f"The access token's key {kid} is published.")


def _published(jwks: Answer) -> set[str]:
    """The key ids of a JWK set (RFC 7517 §5)."""
    keys = jwks.body.get("keys")
    listed = keys if isinstance(keys, list) else []
    return {key["kid"] for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)}


def _own_route(tokens: _Tokens, call: Transport, expected: int) -> Step:
    answer = call(Call("GET", "/auth/session", {"authorization": f"Bearer {tokens.access}"}))
    when = "its access token opens" if expected == 200 else "after that its access token does not open"
    return Step(
        answer.status == expected, f"The session: {when} GET /auth/session, which gives {answer.said}."
    )


def _repeated(first: _Tokens, second: _Tokens, idempotency_key: str, call: Transport) -> Step:
    answer = call(_refresh(first, idempotency_key))
    again = _tokens_in(answer)
    if again is None or again.refresh != second.refresh:
        return Step(False, f"The same refresh again does not give the same token: {answer.said}.")
    return Step(True, "The same refresh again gives the same token.")


def _end_quietly(tokens: _Tokens, call: Transport) -> None:
    try:
        call(_form("/auth/revoke", token=tokens.refresh))
    except Unreachable:
        return


def _sign_in(probe: Probe) -> Call:
    body = json.dumps({"username": probe.username, "password": probe.password})
    return Call("POST", "/auth/login", {"content-type": JSON}, body)


def _refresh(tokens: _Tokens, idempotency_key: str) -> Call:
    call = _form("/auth/token", grant_type="refresh_token", refresh_token=tokens.refresh)
    return Call(call.method, call.path, {**call.headers, "idempotency-key": idempotency_key}, call.body)


def _form(path: str, **fields: str) -> Call:
    return Call("POST", path, {"content-type": FORM}, urlencode(fields))


def _tokens_in(answer: Answer) -> _Tokens | None:
    """Those of a token response (RFC 6749 §5.1)."""
    access, refresh = answer.body.get("access_token"), answer.body.get("refresh_token")
    if answer.status != 200 or not isinstance(access, str) or not isinstance(refresh, str):
        return None
    return _Tokens(access, refresh)


def _decoded(part: str) -> dict[str, Any]:
    """A part of a JWT; empty where it is none."""
    try:
        return json_object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
