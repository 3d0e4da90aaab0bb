"""A token service in memory with a virtual clock, for the tests of the Python verifier."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from auth_tokens.domain.ids import uuid_bytes
from auth_tokens_verify import AccessClaims, Refusal, Verifier
from tests.security.kit import API, AUDIENCE, ISSUER, forged, good_claims, good_header, signature, stored_key
from tests.support.proofs import prover
from tests.support.revocation_documents import compact, document
from tests.support.world import START

Answer = tuple[int, dict[str, str], bytes]
Asked = Callable[[Mapping[str, str], str], Answer]
JWKS = "/.well-known/jwks.json"
FEED = "/auth/revocations"
SESSION = "/auth/session"


def as_json(body: Any, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return 200, {"Content-Type": "application/json", **given}, json.dumps(body).encode()


class World:
    """answers: path → what answers there, in place of the service; revoked: ids in text form."""

    def __init__(self, **options: Any) -> None:
        self.now: float = START
        self.asked: list[str] = []
        self.revoked: list[str] = []
        self.stated: dict[str, Any] = {}
        self.algorithms = ["ES256"]
        self.counts: list[str] = []
        self.answers: dict[str, Asked] = {JWKS: self.keys, FEED: self.document, SESSION: self.session}
        self.aside: list[Callable[[], None]] = []
        self.verifier = Verifier(
            ISSUER,
            AUDIENCE,
            via=self.fetched,
            clock=lambda: self.now,
            monotonic=lambda: self.now,
            beside=self.aside.append,
            count=self.counts.append,
            **options,
        )

    def at(self, seconds: float) -> None:
        self.now = START + seconds

    def status(self, token: str | None = None, scope: str = "", **requirements: Any) -> int:
        verdict = self.verdict(token, scope, **requirements)
        return verdict.status if isinstance(verdict, Refusal) else 200

    def verdict(self, token: str | None = None, scope: str = "", **more: Any) -> AccessClaims | Refusal:
        return self.verifier.check({"Authorization": f"Bearer {token or self.token()}"}, scope, **more)

    def token(self, algorithm: str = "ES256", **claims: Any) -> str:
        return forged(payload=good_claims(**{"exp": START + 3000, **claims}), algorithm=algorithm)

    def bound(self, method: str = "GET", url: str = f"{API}/jobs", **proof: Any) -> dict[str, str]:
        """The header fields of a key-bound token and its proof. proof: changes of its claims."""
        token = self.token(cnf={"jkt": prover().jkt})
        made = prover().proof(method, url, token=token, **{"iat": int(self.now), **proof})
        return {"authorization": f"DPoP {token}", "dpop": made}

    def count(self, path: str) -> int:
        return self.asked.count(path)

    def run_aside(self) -> None:
        while self.aside:
            self.aside.pop()()

    def fetched(self, url: str, headers: Mapping[str, str], timeout_s: float) -> Answer:
        parts = urlsplit(url)
        self.asked.append(parts.path)
        return self.answers[parts.path](headers, parse_qs(parts.query).get("after", [""])[0])

    def keys(self, headers: Mapping[str, str], after: str) -> Answer:
        jwks = [stored_key(algorithm, 1).public_jwk for algorithm in self.algorithms]
        return as_json({"keys": jwks}, Cache_Control="public, max-age=300")

    def document(self, headers: Mapping[str, str], after: str, **stated: Any) -> Answer:
        return as_json(self.told(after, **stated))

    def told(self, after: str, **stated: Any) -> dict[str, str]:
        """The document after a cursor. stated: claims of its statement in place of the usual ones."""
        header = good_header(typ=stated.pop("typ", "revocations+jwt"))
        usual = {"now": int(self.now), "issuer": ISSUER, "after": after, "next": "1.a"}
        return document(
            map(uuid_bytes, self.revoked),
            lambda claims: compact(header, claims, signature),
            **{**usual, **self.stated, **stated},
        )

    def session(self, headers: Mapping[str, str], after: str) -> Answer:
        return as_json({"session_id": good_claims()["sid"]})


def away(headers: Mapping[str, str], after: str) -> Answer:
    raise ConnectionRefusedError("nobody there")
