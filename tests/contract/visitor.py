"""Sends the requests of cases.py to a running service, each as who it should come from."""

import json
import time
import uuid
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from string import Template
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from auth_tokens.domain.acr import PASSWORD_ACR
from local.client import Client, Reply
from local.templates.arns import REGION
from tests.support.proofs import Prover

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CLIENT = Prover()


class Who(Enum):
    """Whom a request comes from."""

    ANYONE = auto()
    BEARER = auto()
    NARROW_BEARER = auto()  # of a session of its own, without the account's scope
    OLD_BEARER = auto()  # of a session of its own, which authenticated too long ago for what is sensitive
    COOKIE = auto()  # with its CSRF token
    WEAK_COOKIE = auto()  # with its CSRF token, of a sign-in that is not enough for operators
    COOKIE_WITHOUT_CSRF = auto()
    COOKIE_FROM_ELSEWHERE = auto()  # with its CSRF token, from a foreign Origin
    PROOF = auto()  # a key-bound access token, with its proof and a nonce
    PROOF_WITHOUT_NONCE = auto()
    ASKING_BY_PROOF = auto()  # a proof without a token
    ASKING_WITHOUT_NONCE = auto()
    SIGNED = auto()
    WRONGLY_SIGNED = auto()


@dataclass(frozen=True)
class Case:
    """A request to a route, and the status and error code that it is answered with.

    body: bytes, or the members of a JSON object or form, by content_type; path: values for the path's
    parameters other than the visitor's own. Texts such as `$refresh_token` stand for the visitor's own.
    """

    route: str
    name: str
    status: int
    error: str | None = None
    who: Who = Who.ANYONE
    body: Any = None
    content_type: str = JSON
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.route}: {self.name}"


class Values(dict[str, str]):
    """A visitor's values by name. makers: of more of them, one after the other until the one asked for is there."""

    def __init__(self, known: Mapping[str, str], *makers: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(known)
        self._makers = list(makers)

    def __missing__(self, name: str) -> str:
        if not self._makers:
            raise KeyError(name)
        self.make_next()
        return self[name]

    def make_next(self) -> None:
        """Where there is more to make. What is known already stays."""
        if self._makers:
            for name, value in self._makers.pop(0)().items():
                self.setdefault(name, value)


@dataclass(frozen=True)
class Visitor:
    """A user with a bearer session, a device token and a browser session, all of their own."""

    base_url: str
    values: Values = field(default_factory=lambda: Values({}), repr=False)

    @classmethod
    def arriving(cls, base_url: str, username: str, user_id: str, **known: str) -> "Visitor":
        """The sessions begin with the first request that needs one, or that reads what there is: most refusals do
        neither. On a trusted backend's word, so that no login is counted. known: more values."""
        anyone = cls(base_url)

        def sessions() -> dict[str, str]:
            wanted = {"user_id": user_id, "amr": ["pwd"]}
            bearer = anyone.send(_issue({**wanted, "device": {"name": "phone", "remember": True}}))
            browser = anyone.send(_issue({**wanted, "acr": PASSWORD_ACR, "mode": "cookie"}))
            assert (bearer.status, browser.status) == (200, 200)
            return {**bearer.json, **of_browser(browser)}

        given = {"username": username, "user_id": user_id, "page": "account", **known}
        return cls(base_url, Values(given, sessions, partial(_of_operators, anyone, user_id)))

    @classmethod
    def arrived(cls, base_url: str, username: str, user_id: str, **known: str) -> "Visitor":
        """The same, whose sessions have begun."""
        visitor = cls.arriving(base_url, username, user_id, **known)
        for _ in ("sessions", "for operators"):
            visitor.values.make_next()
        return visitor

    def send(self, case: Case) -> Reply:
        """Sends the request of a case."""
        method, template = case.route.split(" ")
        if method == "GET" and case.status < 400 and "access_token" not in self.values:
            self.values.make_next()
        path = template.format_map(ChainMap(self.filled(case.path), self.values))
        target = f"{path}?{urlencode(self.filled(case.query), quote_via=quote)}" if case.query else path
        body = self._body(case)
        headers = dict(case.headers)
        if case.body is not None:
            headers["Content-Type"] = case.content_type
        headers |= self._credential(case.who, method, target, body, headers)
        return Client(self.base_url).request(method, target, body, headers=headers)

    def _body(self, case: Case) -> bytes:
        if case.body is None or isinstance(case.body, bytes):
            return case.body or b""
        members = self.filled(case.body)
        return urlencode(members).encode() if case.content_type == FORM else json.dumps(members).encode()

    def filled(self, node: Any) -> Any:
        """A case's body, query or path with the visitor's own values in it."""
        if isinstance(node, str):
            return Template(node).substitute(self.values)
        if isinstance(node, list):
            return [self.filled(each) for each in node]
        return {key: self.filled(value) for key, value in node.items()} if isinstance(node, Mapping) else node

    def _by_cookie(self) -> dict[str, str]:
        return {"Cookie": self.values["cookie"], "X-CSRF-Token": self.values["csrf_token"]}

    def _by_proof(self, token: str, method: str, target: str, nonce: Mapping[str, str]) -> dict[str, str]:
        url = self.base_url + target
        proof = CLIENT.proof(method, url, token=token, iat=int(time.time()), jti=str(uuid.uuid4()), **nonce)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def _nonce(self, token: str) -> dict[str, str]:
        headers = self._by_proof(token, "GET", "/auth/session", {})
        return {"nonce": Client(self.base_url).get("/auth/session", headers=headers).headers["dpop-nonce"]}

    def _begun(self, **options: Any) -> Reply:
        """One more session of the visitor's."""
        return self.send(_issue({"user_id": self.values["user_id"], "amr": ["pwd"], **options}))

    def _credential(
        self, who: Who, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        match who:
            case Who.ANYONE:
                return {}
            case Who.BEARER:
                return {"Authorization": f"Bearer {self.values['access_token']}"}
            case Who.NARROW_BEARER:
                return {"Authorization": f"Bearer {self._begun(scope='portal:read').json['access_token']}"}
            case Who.OLD_BEARER:
                return {"Authorization": f"Bearer {self._begun(auth_time=1).json['access_token']}"}
            case Who.WEAK_COOKIE:
                weak = self._begun(mode="cookie")
                return {"Cookie": weak.cookies[0].split(";")[0], "X-CSRF-Token": weak.json["csrf_token"]}
            case Who.COOKIE:
                return self._by_cookie()
            case Who.COOKIE_WITHOUT_CSRF:
                return {"Cookie": self.values["cookie"]}
            case Who.COOKIE_FROM_ELSEWHERE:
                return {**self._by_cookie(), "Origin": "https://elsewhere.example"}
            case Who.PROOF | Who.PROOF_WITHOUT_NONCE:
                token = self._begun(dpop_jkt=CLIENT.jkt).json["access_token"]
                nonce = self._nonce(token) if who is Who.PROOF else {}
                return self._by_proof(token, method, target, nonce)
            case Who.ASKING_BY_PROOF | Who.ASKING_WITHOUT_NONCE:
                token = self._begun(dpop_jkt=CLIENT.jkt).json["access_token"]
                nonce = self._nonce(token) if who is Who.ASKING_BY_PROOF else {}
                return {"DPoP": self._by_proof(token, method, target, nonce)["DPoP"]}
            case Who.SIGNED | Who.WRONGLY_SIGNED:
                secret = "local-secret" if who is Who.SIGNED else "guessed"
                request = AWSRequest(method, self.base_url + target, data=body, headers=dict(headers))
                SigV4Auth(Credentials("local", secret), "execute-api", REGION).add_auth(request)
                return dict(request.headers.items())


def of_browser(reply: Reply) -> dict[str, str]:
    """Values of the session that an answer has set a cookie for."""
    cookie = reply.cookies[0].split(";")[0]
    token = cookie.partition("=")[2]
    return {"cookie": cookie, "session_token": token, "csrf_token": reply.json["csrf_token"]}


def _of_operators(anyone: Visitor, user_id: str) -> dict[str, str]:
    """Values for operators' routes: an event that waits for the bus, the standby key, and an id for findings, which are
    events as well (tests/contract/conftest.py has real ones)."""

    def get(path: str, **query: str) -> Any:
        return anyone.send(Case(f"GET {path}", "", 200, who=Who.SIGNED, query=query)).json

    newest = get("/admin/security/events", user_id=user_id, limit="1")["events"][0]["id"]
    keys = get("/admin/keys")["keys"]
    standby = [k["kid"] for k in keys if k["purpose"] == "signing" and k["state"] == "published"]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    findings = {"finding_id": newest, "source_finding_id": newest}
    return {**findings, "event_id": newest, "kid": standby[0] if standby else "none", "now": now}


def remembered_without_session(base_url: str, user_id: str) -> str:
    """The device token of a device whose session has ended, while another device has one."""
    anyone = Visitor(base_url)
    wanted = {"user_id": user_id, "amr": ["pwd"]}
    remembered = anyone.send(_issue({**wanted, "device": {"remember": True}})).json
    anyone.send(Case("POST /auth/revoke", "", 200, body={"token": remembered["refresh_token"]}))
    assert anyone.send(_issue(wanted)).status == 200
    return str(remembered["device_token"])


def _issue(body: Mapping[str, Any]) -> Case:
    return Case("POST /auth/issue", "a session", 200, who=Who.SIGNED, body=body)
