"""Proofs where tokens are asked for: POST /auth/login and POST /auth/token."""

from typing import Any

import pytest

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place
from auth_tokens.domain.errors import InvalidRequest, NonceNeeded, ProofRefused
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.usecases.proofs import ProofChecks
from auth_tokens.web.key_binding import bound_options, proven_key
from auth_tokens.web.requests import Request, request_from
from auth_tokens.web.responses import error_response
from tests.security.proof_cases import BAD, BAD_WITH_TOKEN, GOOD, MakesProof, changed
from tests.support.proofs import Prover, prover
from tests.support.world import START, Clock, RecordedTelemetry

ISSUER = "https://tokens.test"
JKT = "j" * 42 + "A"
each_route = pytest.mark.parametrize("path", ["/auth/login", "/auth/token"])


class Desk:
    """What checks proofs here; counts how often it would need the service's keys."""

    def __init__(self) -> None:
        self.key_uses = 0
        self.nonces = Nonces(self._keyed)
        memory = ReplayMemory(lambda: None)
        own = Place(ISSUER, "")
        self.checks = ProofChecks(ProofVerifier(), memory, RecordedTelemetry(), self.nonces, own)

    def _keyed(self, step: str) -> bytes:
        self.key_uses += 1
        return step.encode().rjust(16, b"0")

    def key_in(self, path: str, **headers: str) -> str | None:
        return proven_key(asked(path, **headers), self.checks, Clock())


def asked(path: str, **headers: str) -> Request:
    context = {"stage": "$default", "http": {"method": "POST", "path": path}}
    return request_from({"routeKey": f"POST {path}", "headers": headers, "requestContext": context})


def made(make: MakesProof, path: str, client: Prover, **claims: Any) -> str:
    return make(client, "POST", f"{ISSUER}{path}", None, claims)


@each_route
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_a_bad_proof_is_refused_and_needs_no_key_of_the_service(path: str, make: MakesProof) -> None:
    desk = Desk()

    with pytest.raises(ProofRefused) as caught:
        desk.key_in(path, dpop=made(make, path, prover()))

    assert desk.key_uses == 0
    response = error_response(caught.value)
    assert (response.status, response.body["error"]) == (400, "invalid_dpop_proof")
    assert "WWW-Authenticate" not in response.headers


@each_route
@pytest.mark.parametrize("make", [*GOOD.values(), *BAD_WITH_TOKEN.values()], ids=[*GOOD, *BAD_WITH_TOKEN])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_good_proof_names_its_key_and_what_it_says_of_a_token_is_ignored(
    path: str, algorithm: str, make: MakesProof
) -> None:
    desk, client = Desk(), prover(algorithm)
    token = "a token" if make in BAD_WITH_TOKEN.values() else None
    proof = make(client, "POST", f"{ISSUER}{path}", token, {"nonce": desk.nonces.current(START)})

    assert desk.key_in(path, dpop=proof) == client.jkt


@each_route
def test_without_a_proof_no_key_is_proven(path: str) -> None:
    desk = Desk()

    assert desk.key_in(path) is None
    assert desk.key_uses == 0


@each_route
def test_a_proof_without_a_nonce_is_told_one_without_a_challenge(path: str) -> None:
    desk = Desk()

    with pytest.raises(NonceNeeded) as caught:
        desk.key_in(path, dpop=made(changed(), path, prover()))

    response = error_response(caught.value)
    assert (response.status, response.body["error"]) == (400, "use_dpop_nonce")
    assert response.headers["DPoP-Nonce"] == desk.nonces.current(START)
    assert "WWW-Authenticate" not in response.headers


def test_a_proof_for_one_route_is_none_for_the_other() -> None:
    desk = Desk()
    proof = made(changed(), "/auth/login", prover(), nonce=desk.nonces.current(START))

    with pytest.raises(ProofRefused, match="htu"):
        desk.key_in("/auth/token", dpop=proof)


@pytest.mark.parametrize("binds", [True, False])
def test_a_cookie_is_never_bound_and_its_client_learns_it(binds: bool) -> None:
    with pytest.raises(InvalidRequest, match="mode"):
        bound_options(SessionOptions(TokenKind.SESSION), JKT, binds=binds)
    assert bound_options(SessionOptions(TokenKind.SESSION), None, binds=binds).jkt is None


@pytest.mark.parametrize(("binds", "jkt"), [(True, JKT), (False, None)])
def test_a_session_is_bound_where_the_setting_says_so(binds: bool, jkt: str | None) -> None:
    assert bound_options(SessionOptions(), JKT, binds=binds).jkt == jkt
