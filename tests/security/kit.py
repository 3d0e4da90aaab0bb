"""A service in memory, and a forger who holds its signing keys: tokens are put together by hand, not by PyJWT.

Every refusal is looked at from six sides, which must agree: the authorizer for REST and for HTTP APIs,
one of the service's own routes, introspection, and the two verifiers for APIs outside API Gateway.
"""

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.adapters.revocation_feed import PolledRevocationFeed
from auth_tokens.adapters.revoked_rows import RevokedRows
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place
from auth_tokens.domain.keys import KeyState, Purpose, StoredKey
from auth_tokens.domain.tokens import TokenCodec
from auth_tokens.usecases.browser_session import BrowserSessions
from auth_tokens.usecases.by_database import StoredRows
from auth_tokens.usecases.by_feed import TokensByFeed
from auth_tokens.usecases.cookies_by_feed import RefuseOnReuse, RowsBehindFeed
from auth_tokens.usecases.introspect import introspect
from auth_tokens.usecases.proofs import ProofChecks
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.validate import ValidateDeps, validate
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized, authorize
from auth_tokens.web.credentials import credential_from
from auth_tokens.web.handler import http_handler
from auth_tokens.web.nonces import with_nonces
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens_verify import Refusal, Verifier
from tests.support.fakes import (
    USER,
    FakeKeyTable,
    FakeRevocationSource,
    FakeTokenStore,
    codec,
    session_record,
)
from tests.support.javascript_verifier import verdict
from tests.support.policies import policy
from tests.support.revocation_documents import compact, document
from tests.support.world import START, Clock, RecordedTelemetry

ISSUER = "https://tokens.test"
AUDIENCE = "portal"
SID = "01900000-0000-7000-8000-00000000000a"
JTI = "01900000-0000-7000-8000-0000000000ff"
# Of an API outside API Gateway, behind a verifier.
API = "https://api.test"
ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/jobs"
CLIENTS = {"portal-web": "portal:read portal:write"}
POLICY = policy(
    refresh_idle_ttl_s=1000,
    refresh_absolute_ttl_s=5000,
    session_idle_ttl_s=1000,
    session_absolute_ttl_s=5000,
    device_idle_ttl_s=1000,
    device_absolute_ttl_s=5000,
    clients=CLIENTS,
)
SIMPLE_RESPONSE = AuthorizerOptions(simple_response=True)
ABSENT = object()
NUMBERS = count()
# Order of the P-256 group (SEC 2 §2.4.2).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@cache
def private_key(algorithm: str) -> Any:
    """One key pair of an algorithm a run: RSA takes its time."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def stored_key(algorithm: str, epoch: int, state: KeyState = KeyState.SIGNING) -> StoredKey:
    """The row of that key pair."""
    jwk = public_jwk(private_key(algorithm).public_key(), algorithm)
    return StoredKey(jwk["kid"], Purpose.SIGNING, epoch, state, algorithm, b"wrapped", jwk, START)


def kid_of(algorithm: str) -> str:
    return stored_key(algorithm, 1).kid


def segment(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signature(signing_input: bytes, algorithm: str = "ES256") -> bytes:
    """A good signature of the service's key, as JWS wants it (RFC 7518 §3)."""
    key = private_key(algorithm)
    if algorithm == "ES256":
        r, s = utils.decode_dss_signature(key.sign(signing_input, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if algorithm == "EdDSA":
        return bytes(key.sign(signing_input))
    return bytes(key.sign(signing_input, padding.PKCS1v15(), SHA256()))


def good_header(algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
    return _changed({"alg": algorithm, "typ": "at+jwt", "kid": kid_of(algorithm)}, changes)


def good_claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "sub": USER.id,
        "aud": AUDIENCE,
        "exp": START + 600,
        "iat": START,
        "jti": JTI,
        "client_id": "portal-web",
        "scope": "portal:read",
        "auth_time": START,
        "acr": "",
        "amr": ["pwd"],
        "sid": SID,
        "device_id": "01900000-0000-7000-8000-00000000000d",
        "labels": ["admin"],
    }
    return _changed(claims, changes)


def forged(
    header: dict[str, Any] | bytes | None = None,
    payload: dict[str, Any] | bytes | None = None,
    algorithm: str = "ES256",
) -> str:
    """A token signed by the service's own key over any header and payload; bytes are taken as they are."""
    first = header if isinstance(header, bytes) else _json(header or good_header(algorithm))
    second = payload if isinstance(payload, bytes) else _json(payload or good_claims())
    signing_input = f"{segment(first)}.{segment(second)}"
    return f"{signing_input}.{segment(signature(signing_input.encode(), algorithm))}"


def claims_text(name: str, value: str) -> bytes:
    """The good payload with one member's value as it is to stand in the JSON, however odd."""
    others = json.dumps(good_claims(**{name: ABSENT}))
    return f'{others[:-1]}, "{name}": {value}}}'.encode()


class Verdict(NamedTuple):
    """Of a verifier for APIs outside API Gateway. says: the challenge, or the proof's id."""

    status: int
    code: str
    says: str


@dataclass
class Kit:
    """The service in memory: one live session (SID), keys of all three algorithms published."""

    clock: Clock = field(default_factory=Clock)
    telemetry: RecordedTelemetry = field(default_factory=RecordedTelemetry)
    store: FakeTokenStore = field(default_factory=lambda: FakeTokenStore(session_record()))
    source: FakeRevocationSource = field(default_factory=FakeRevocationSource)
    codec: TokenCodec = field(default_factory=codec)
    table: FakeKeyTable = field(
        default_factory=lambda: FakeKeyTable(
            stored_key(alg, epoch) for epoch, alg in enumerate(("ES256", "RS256", "EdDSA"), 1)
        )
    )
    max_key_age_s: int = 300
    number: int = field(default_factory=lambda: next(NUMBERS))

    def __post_init__(self) -> None:
        table: Any = self.table
        self.public_keys = PublicKeys(table, self.clock, self.max_key_age_s)
        self.verifier = JwtVerifier(self.public_keys, ISSUER, AUDIENCE)
        self.feed = PolledRevocationFeed(
            RevokedRows(self.source), self.clock, self.telemetry, max_staleness_s=0, fail_after_s=60
        )
        store: Any = self.store
        cipher: Any = None
        keys: Any = None
        rows = RowsBehindFeed(self.feed, StoredRows(store))
        cookies = BrowserSessions(self.codec, POLICY, rows, RefuseOnReuse())
        proofs = ProofChecks(ProofVerifier(), self.memory(), self.telemetry)
        self.authorizing = ValidateDeps(self.verifier, TokensByFeed(self.feed), cookies, proofs, self.clock)
        self.nonces = Nonces(lambda step: sha256(step.encode()).digest()[:16])
        own_proofs = ProofChecks(
            ProofVerifier(), self.memory(), self.telemetry, self.nonces, Place(ISSUER, "")
        )
        self.sessions = SessionDeps(
            self.codec, store, POLICY, self.verifier, self.clock, cipher, ISSUER, AUDIENCE, keys, own_proofs
        )
        self.packaged = Verifier(
            ISSUER,
            AUDIENCE,
            public_urls=[API],
            count=self.telemetry.count,
            via=self._fetched,
            clock=self.clock,
            monotonic=self.clock,
            beside=lambda work: None,
        )
        routes = with_nonces({"GET /auth/session": self._whoami}, own_proofs, self.clock)
        self.route = http_handler(routes, self.telemetry, ())

    def memory(self) -> ReplayMemory:
        return ReplayMemory(lambda: self.telemetry.count("DpopMemoryFull"))

    def authorized(
        self, event: dict[str, Any], options: AuthorizerOptions = SIMPLE_RESPONSE
    ) -> dict[str, Any]:
        """The authorizer's answer to an event."""
        return authorize(
            event, lambda credential: validate(credential, self.authorizing), options, self.telemetry
        )

    def http(self, method: str = "GET", **headers: str) -> dict[str, Any]:
        """The answer of a route of the service's own."""
        event = {
            "routeKey": f"{method} /auth/session",
            "headers": headers,
            "requestContext": {"http": {"method": method}},
        }
        return self.route(event, None)

    def read_keys(self) -> None:
        """Every verifier reads the published keys now."""
        self.public_keys.jwks()
        self.elsewhere(forged(good_header(kid="unknown")))

    def elsewhere(self, token: str) -> dict[str, tuple[int, str]]:
        """(status, error code) by the verifiers for APIs outside API Gateway."""
        headers = {"Authorization": f"Bearer {token}"}
        verdicts = {"javascript": self.by_javascript(headers), "python": self.by_python(headers)}
        return {name: (status, code) for name, (status, code, _) in verdicts.items()}

    def by_python(self, headers: dict[str, str]) -> Verdict:
        """At `GET /jobs` of the API."""
        found = self.packaged.check(headers, method="GET", target="/jobs?of=me")
        if not isinstance(found, Refusal):
            return Verdict(200, "", found.proof_id or "")
        code = json.loads(found.body)["error"] if found.body else ""
        return Verdict(found.status, code, found.headers.get("WWW-Authenticate", ""))

    def by_javascript(self, headers: dict[str, str]) -> Verdict:
        """The same by the other one."""
        question = {
            "verifier": self.number,
            "options": {"issuer": ISSUER, "audience": AUDIENCE, "publicUrls": [API]},
            "now": self.clock.now,
            "jwks": self._published(),
            "feed": self._document(),
            "headers": {name.lower(): value for name, value in headers.items()},
            "line": {"method": "GET", "target": "/jobs?of=me"},
        }
        found = verdict(question)
        for metric, total in found["counts"].items():
            self.telemetry.counts[metric] = total
        if found["status"] == 200:
            return Verdict(200, "", found["detail"]["proof_id"] or "")
        return Verdict(found["status"], found["code"], found.get("challenge", ""))

    def _live(self) -> list[StoredKey]:
        return [row for row in self.table.rows if row.state is not KeyState.GONE]

    def _published(self) -> dict[str, Any]:
        """The key set as the service publishes it, but with the keys that nobody can read."""
        rows = self._live()
        return {
            "keys": [r.public_jwk for r in rows if (r.public_jwk or {}).get("alg") in (None, r.algorithm)]
        }

    def _document(self) -> dict[str, str]:
        """What the service would say of the revocations."""
        known = (row.algorithm for row in self._live() if row.kid == kid_of(row.algorithm))
        algorithm = next(known, "ES256")
        header = good_header(algorithm, typ="revocations+jwt")
        return document(
            (identifier for identifier, _ in self.source.rows),
            lambda claims: compact(header, claims, lambda raw: signature(raw, algorithm)),
            issuer=ISSUER,
            now=self.clock.now,
            max_staleness_s=0,
        )

    def _fetched(self, url: str, *_: object) -> tuple[int, dict[str, str], bytes]:
        body = self._published() if url.endswith("/jwks.json") else self._document()
        headers = {"Content-Type": "application/json", "Cache-Control": f"max-age={self.max_key_age_s}"}
        return 200, headers, json.dumps(body).encode()

    def _whoami(self, request: Request) -> Response:
        return Response(body=validate(credential_from(request, ()), self.sessions.validation).claims.sub)


def assert_accepted(kit: Kit, token: str) -> None:
    """All six sides let it in."""
    header = f"Bearer {token}"
    policy = kit.authorized({"type": "TOKEN", "authorizationToken": header, "methodArn": ARN})
    assert policy["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    simple = kit.authorized({"version": "2.0", "headers": {"authorization": header}, "routeArn": ARN})
    assert simple["isAuthorized"] is True
    assert kit.http(authorization=header)["statusCode"] == 200
    assert introspect(token, kit.sessions)["active"] is True
    assert kit.elsewhere(token) == {"javascript": (200, ""), "python": (200, "")}


def assert_refused(kit: Kit, token: str) -> None:
    """All six sides refuse it, as the caller's fault: no 500 anywhere."""
    assert introspect(token, kit.sessions) == {"active": False}
    assert_refused_as_bearer(kit, token)


def assert_refused_as_bearer(kit: Kit, token: str) -> None:
    """Introspection apart, all sides refuse it."""
    # Blanks at the ends of a field's value are not part of it (RFC 9110 §5.5).
    if token.strip(" \t") == token:
        _assert_header_refused(kit, f"Bearer {token}")
    assert not [fields for _, fields in kit.telemetry.lines if "error" in fields]


def _assert_header_refused(kit: Kit, header: str) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        kit.authorized({"type": "TOKEN", "authorizationToken": header, "methodArn": ARN})
    simple = kit.authorized({"version": "2.0", "headers": {"authorization": header}, "routeArn": ARN})
    assert simple == {"isAuthorized": False}
    response = kit.http(authorization=header)
    assert response["statusCode"] == 401
    assert 'error="invalid_token"' in response["headers"]["WWW-Authenticate"]
    refused = (401, "invalid_token")
    assert kit.elsewhere(header.removeprefix("Bearer ")) == {"javascript": refused, "python": refused}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}
