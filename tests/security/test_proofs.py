"""DPoP (RFC 9449) where an access token comes with a proof: every kind of authorizer event, a route of our own, and
the two verifiers for APIs outside API Gateway.

Each refusal is one of the caller's, costs no statement and uses nothing up; the good proof passes right after it.
"""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from auth_tokens.adapters.replay_memory import MEMORY_S
from auth_tokens.domain.dpop.nonces import STEP_S
from auth_tokens.usecases.introspect import introspect
from auth_tokens.web.authorizer import AuthorizerOptions, Unauthorized
from local.authorizers.policy import Decision, evaluate
from tests.security.kit import API, ARN, ISSUER, P256_ORDER, Kit, Verdict, forged, good_claims, raw_of
from tests.security.proof_cases import BAD, BAD_WITH_TOKEN, GOOD, MakesProof, changed, spelt
from tests.support.proofs import ABSENT, Prover, prover, segment
from tests.support.world import START

HOST = "abcdef1234.execute-api.eu-west-1.amazonaws.com"
IAM = AuthorizerOptions(simple_response=False)


def bound(client: Prover, **claims: Any) -> str:
    """A good access token of a client's key."""
    return forged(payload=good_claims(cnf={"jkt": client.jkt}, **claims))


def rest(headers: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": ARN,
        "httpMethod": "GET",
        "path": "/jobs",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"domainName": HOST, "stage": "prod", "path": "/prod/jobs", "httpMethod": "GET"},
    }


def http_1(headers: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1.0", **rest(headers)}


def http_2(headers: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": ARN,
        "rawPath": "/prod/jobs",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "domainName": HOST,
            "stage": "prod",
            "http": {"method": "GET", "path": "/prod/jobs"},
        },
    }


def socket(headers: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": ARN.replace("GET/jobs", "$connect"),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"domainName": HOST, "stage": "prod", "eventType": "CONNECT"},
    }


@dataclass
class Place:
    """Where an access token comes with a proof. ask: (kit, headers) → was it let in?"""

    url: str
    ask: Callable[[Kit, dict[str, Any]], bool]


def gateway(
    event_of: Callable[[dict[str, Any]], dict[str, Any]], options: AuthorizerOptions | None = None
) -> Any:
    def ask(kit: Kit, headers: dict[str, Any]) -> bool:
        try:
            answer = kit.authorized(event_of(headers), *([options] if options else []))
        except Unauthorized:
            return False
        if "isAuthorized" in answer:
            return answer["isAuthorized"] is True
        event = event_of(headers)
        return (
            evaluate(answer["policyDocument"], event.get("methodArn") or event["routeArn"]) is Decision.ALLOW
        )

    return ask


def own(kit: Kit, headers: dict[str, Any]) -> bool:
    answer = kit.http(**{name.lower(): value for name, value in headers.items()})
    assert answer["statusCode"] in (200, 401)
    if answer["statusCode"] == 401:
        assert_challenged(headers, answer["headers"]["WWW-Authenticate"])
    return bool(answer["statusCode"] == 200)


def assert_challenged(headers: dict[str, Any], challenge: str) -> None:
    """A token that came by a proof gets the challenge of that scheme alone."""
    if headers["Authorization"].lower().startswith("dpop"):
        assert challenge.startswith('DPoP realm="auth-user-tokens", error=')
        assert challenge.endswith(', algs="ES256 EdDSA Ed25519"') and "Bearer" not in challenge


def verifier(by: Callable[[Kit, dict[str, str]], Verdict]) -> Any:
    def ask(kit: Kit, headers: dict[str, Any]) -> bool:
        verdict = by(kit, headers)
        assert verdict.status in (200, 401)
        if verdict.status == 401:
            assert_challenged(headers, verdict.says)
        return verdict.status == 200

    return ask


PLACES = {
    "REST": Place(f"https://{HOST}/prod/jobs", gateway(rest)),
    "HTTP API 1.0": Place(f"https://{HOST}/prod/jobs", gateway(http_1)),
    "HTTP API 2.0": Place(f"https://{HOST}/prod/jobs", gateway(http_2)),
    "HTTP API 2.0 with policies": Place(f"https://{HOST}/prod/jobs", gateway(http_2, IAM)),
    "WebSocket": Place(f"wss://{HOST}/prod", gateway(socket)),
    "own route": Place(f"{ISSUER}/auth/session", own),
    "Python verifier": Place(f"{API}/jobs", verifier(Kit.by_python)),
    "JavaScript verifier": Place(f"{API}/jobs", verifier(Kit.by_javascript)),
}
every_place = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


def headers_of(
    kit: Kit, place: Place, make: MakesProof, client: Prover, token: str, **claims: Any
) -> dict[str, Any]:
    """claims: of the proof, as far as `make` does not change them."""
    nonce = {"nonce": kit.nonces.current(kit.clock.now)} if place.url.startswith(ISSUER) else {}
    proof = make(client, "GET", place.url, token, {**nonce, **claims})
    return {"Authorization": f"DPoP {token}", "DPoP": proof}


def cases(*tables: dict[str, MakesProof]) -> Any:
    merged = {name: make for table in tables for name, make in table.items()}
    return pytest.mark.parametrize("make", merged.values(), ids=merged)


@cases(BAD, BAD_WITH_TOKEN)
def test_a_bad_proof_is_refused_everywhere_and_uses_nothing_up(kit: Kit, make: MakesProof) -> None:
    client, token = prover(), bound(prover())
    for name, place in PLACES.items():
        assert place.ask(kit, headers_of(kit, place, changed(), client, token)), name
        reads = kit.store.reads

        assert not place.ask(kit, headers_of(kit, place, make, client, token, jti=name)), name

        assert kit.store.reads == reads
        assert place.ask(kit, headers_of(kit, place, changed(), client, token, jti=name)), name
    assert not [fields for _, fields in kit.telemetry.lines if "error" in fields]


@cases(BAD, BAD_WITH_TOKEN, GOOD)
def test_three_verifiers_answer_a_proof_in_the_same_words(kit: Kit, make: MakesProof) -> None:
    """Status, error code, challenge, and the proof's id."""
    client, place = prover(), PLACES["Python verifier"]
    token = bound(client)
    headers = headers_of(kit, place, make, client, token, jti="one")

    here, there = kit.by_python(headers), kit.by_javascript(headers)

    assert here == there
    own_place = headers_of(kit, PLACES["own route"], make, client, token)
    answer = kit.http(**{name.lower(): value for name, value in own_place.items()})
    assert answer["statusCode"] == here.status
    if here.status == 401:
        assert json.loads(answer["body"])["error"] == here.code == "invalid_dpop_proof"
        assert answer["headers"]["WWW-Authenticate"] == here.says
    else:
        assert len(here.says) == 22


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
@cases(GOOD)
def test_a_good_proof_is_taken_everywhere(algorithm: str, make: MakesProof) -> None:
    client = prover(algorithm)
    for name, place in PLACES.items():
        kit = Kit()  # which has seen no proof
        assert place.ask(kit, headers_of(kit, place, make, client, bound(client))), name


@every_place
def test_the_other_name_of_eddsa_is_taken(kit: Kit, place: Place) -> None:
    client = prover("EdDSA")

    assert place.ask(kit, headers_of(kit, place, changed({"alg": "Ed25519"}), client, bound(client)))


@every_place
def test_a_key_of_small_order_for_which_anybody_can_sign_is_refused(kit: Kit, place: Place) -> None:
    """With the identity as key, the identity and a zero are a signature of every text."""
    identity = bytes([1, *bytes(31)])
    client = copy(prover("EdDSA"))
    client.jwk = {"kty": "OKP", "crv": "Ed25519", "x": segment(identity)}
    canonical = json.dumps(client.jwk, sort_keys=True, separators=(",", ":"))
    client.jkt = segment(sha256(canonical.encode()).digest())
    unchecked = ed25519.Ed25519PublicKey.from_public_bytes(identity)
    unchecked.verify(identity + bytes(32), b"any text")

    def forged_proof(text: str) -> str:
        return f"{text.rpartition('.')[0]}.{segment(identity + bytes(32))}"

    assert not place.ask(kit, headers_of(kit, place, spelt(forged_proof), client, bound(client)))


@every_place
def test_a_proof_by_another_key_is_refused(kit: Kit, place: Place) -> None:
    token = bound(prover())

    assert not place.ask(kit, headers_of(kit, place, changed(), prover(number=1), token))
    assert not place.ask(kit, headers_of(kit, place, changed(), prover("EdDSA"), token))


@every_place
def test_a_refused_proof_does_not_use_up_its_jti(kit: Kit, place: Place) -> None:
    client, token = prover(), bound(prover())
    for claims in ({"htm": "PUT"}, {"iat": START - 61}, {"ath": ABSENT}):
        assert not place.ask(kit, headers_of(kit, place, changed(jti="one", **claims), client, token))
    assert not place.ask(kit, headers_of(kit, place, changed(jti="one"), prover(number=1), token))

    assert place.ask(kit, headers_of(kit, place, changed(jti="one"), client, token))
    assert not place.ask(kit, headers_of(kit, place, changed(jti="one"), client, token))


@every_place
def test_a_repeated_proof_is_refused_and_counted(kit: Kit, place: Place) -> None:
    client = prover()
    headers = headers_of(kit, place, changed(), client, bound(client))

    assert [place.ask(kit, headers) for _ in range(3)] == [True, False, False]

    assert kit.telemetry.counts["DpopReplay"] == 2


@every_place
def test_the_second_spelling_of_an_es256_signature_is_the_same_proof(kit: Kit, place: Place) -> None:
    client = prover()
    headers = headers_of(kit, place, changed(), client, bound(client))
    signed, _, signature = headers["DPoP"].rpartition(".")
    r, s = raw_of(signature)[:32], int.from_bytes(raw_of(signature)[32:], "big")
    twin = f"{signed}.{segment(r + (P256_ORDER - s).to_bytes(32, 'big'))}"

    assert place.ask(kit, headers)
    assert not place.ask(kit, {**headers, "DPoP": twin})
    assert kit.telemetry.counts["DpopReplay"] == 1


@every_place
def test_one_client_does_not_use_up_the_jti_of_another(kit: Kit, place: Place) -> None:
    for client in (prover(), prover(number=1), prover("EdDSA")):
        assert place.ask(kit, headers_of(kit, place, changed(jti="1"), client, bound(client)))


@every_place
@pytest.mark.parametrize(
    ("iat", "later_s"), [(START, 60), (START + 60, 60), (START + 60, MEMORY_S), (START - 60, 0)]
)
def test_a_proof_is_remembered_for_as_long_as_it_is_good(
    kit: Kit, place: Place, iat: int, later_s: int
) -> None:
    client = prover()
    headers = headers_of(kit, place, changed(iat=iat), client, bound(client))
    assert place.ask(kit, headers)

    kit.clock.now = START + later_s
    assert not place.ask(kit, headers)
    assert kit.telemetry.counts.get("DpopReplay") == 1

    kit.clock.now = iat + 61
    assert not place.ask(kit, headers)
    assert kit.telemetry.counts["DpopClockSkewed"] == 1


@every_place
def test_a_bound_token_as_bearer_is_refused_with_its_proof_too(kit: Kit, place: Place) -> None:
    client = prover()
    headers = headers_of(kit, place, changed(), client, bound(client))

    bearer = headers["Authorization"].replace("DPoP", "Bearer")
    assert not place.ask(kit, {**headers, "Authorization": bearer})
    assert place.ask(kit, headers)


@every_place
def test_a_bearer_token_as_dpop_is_refused(kit: Kit, place: Place) -> None:
    assert not place.ask(kit, headers_of(kit, place, changed(), prover(), forged()))


@every_place
@pytest.mark.parametrize("proof", ["", "junk", "a, b", "ä"])
def test_a_bearer_token_with_a_stray_proof_is_taken(kit: Kit, place: Place, proof: str) -> None:
    assert place.ask(kit, {"Authorization": f"Bearer {forged()}", "DPoP": proof})


@every_place
def test_the_scheme_without_a_proof_is_refused(kit: Kit, place: Place) -> None:
    assert not place.ask(kit, {"Authorization": f"DPoP {bound(prover())}"})


@every_place
@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "dPoP", "DPoP  "])
def test_the_scheme_is_taken_in_any_case(kit: Kit, place: Place, scheme: str) -> None:
    client = prover()
    headers = headers_of(kit, place, changed(), client, bound(client))

    assert place.ask(kit, {**headers, "Authorization": headers["Authorization"].replace("DPoP", scheme)})


@every_place
def test_an_expired_or_revoked_token_is_not_saved_by_its_proof(kit: Kit, place: Place) -> None:
    client = prover()
    revoked = bound(client)
    kit.source.rows.append((bytes.fromhex(good_claims()["sid"].replace("-", "")), START))
    kit.store.records.clear()

    assert not place.ask(kit, headers_of(kit, place, changed(), client, revoked))
    expired = bound(client, exp=START, iat=START - 10)
    assert not place.ask(kit, headers_of(kit, place, changed(), client, expired))


@pytest.mark.parametrize("event_of", [rest, http_1, socket])
def test_two_proof_fields_are_refused_whichever_member_has_them(kit: Kit, event_of: Any) -> None:
    client, place = prover(), PLACES["WebSocket" if event_of is socket else "REST"]
    headers = headers_of(kit, place, changed(), client, bound(client))
    other = headers_of(kit, place, changed(), client, bound(client))["DPoP"]
    event = event_of(headers)

    for many in (
        {"multiValueHeaders": {**event["multiValueHeaders"], "DPoP": [headers["DPoP"], other]}},
        {"multiValueHeaders": {**event["multiValueHeaders"], "DPoP": [headers["DPoP"]] * 2}},
        {"multiValueHeaders": {**event["multiValueHeaders"], "DPoP": [other]}},
        {"headers": {**headers, "dpop": other}},
        {"multiValueHeaders": {**event["multiValueHeaders"], "dpop": [other]}},
    ):
        with pytest.raises(Unauthorized):
            kit.authorized({**event, **many})
    assert kit.authorized(event)["principalId"]


def test_a_token_authorizer_refuses_every_bound_token(kit: Kit) -> None:
    for scheme in ("Bearer", "DPoP"):
        event = {"type": "TOKEN", "authorizationToken": f"{scheme} {bound(prover())}", "methodArn": ARN}
        with pytest.raises(Unauthorized):
            kit.authorized(event)


def test_a_bound_token_in_the_query_of_a_socket_is_refused(kit: Kit) -> None:
    client = prover()
    token = bound(client)
    proof = client.proof("GET", f"wss://{HOST}/prod", token=token)
    event = {**socket({"DPoP": proof}), "queryStringParameters": {"access_token": token}}

    with pytest.raises(Unauthorized):
        kit.authorized(event)


def test_the_context_has_the_key_and_the_proof_s_id_for_bound_tokens_alone(kit: Kit) -> None:
    client, place = prover(), PLACES["HTTP API 2.0"]

    def context(jti: str) -> dict[str, Any]:
        headers = headers_of(kit, place, changed(jti=jti), client, bound(client))
        found: dict[str, Any] = kit.authorized(http_2(headers))["context"]
        return found

    first, second = context("1"), context("2")
    assert first["jkt"] == second["jkt"] == client.jkt
    assert first["proof_id"] != second["proof_id"]
    assert len(first["proof_id"]) == 22
    bearer = kit.authorized(http_2({"Authorization": f"Bearer {forged()}"}))["context"]
    assert not {"jkt", "proof_id"} & bearer.keys()


@pytest.mark.parametrize(("event_of", "options"), [(rest, IAM), (http_1, IAM), (http_2, IAM)])
def test_the_policy_of_a_bound_token_is_for_the_one_route(kit: Kit, event_of: Any, options: Any) -> None:
    client, place = prover(), PLACES["REST"]
    answer = kit.authorized(event_of(headers_of(kit, place, changed(), client, bound(client))), options)

    policy = answer["policyDocument"]
    assert policy["Statement"][0]["Resource"] == ARN
    assert evaluate(policy, ARN) is Decision.ALLOW
    for other in (ARN.replace("GET", "POST"), ARN + "/1", ARN[:-1], ARN.replace("prod", "dev")):
        assert evaluate(policy, other) is not Decision.ALLOW


@pytest.mark.parametrize("path", ["jobs/*", "*", "jobs/?", "jobs/${aws:username}", "j?bs"])
def test_a_bound_token_opens_no_route_whose_name_is_a_pattern(kit: Kit, path: str) -> None:
    client = prover()
    token = bound(client)
    proof = client.proof("GET", f"https://{HOST}/prod/jobs", token=token)
    event = {
        **rest({"Authorization": f"DPoP {token}", "DPoP": proof}),
        "methodArn": ARN.replace("jobs", path),
    }

    with pytest.raises(Unauthorized):
        kit.authorized(event)
    bearer = {**event, "headers": {"Authorization": f"Bearer {forged()}"}, "multiValueHeaders": None}
    assert kit.authorized(bearer)["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize(
    "member",
    [{"requestContext": {"stage": "prod"}}, {"requestContext": None}, {"requestContext": {"domainName": 1}}],
)
def test_without_a_name_of_the_gateway_s_nothing_is_proven(kit: Kit, member: dict[str, Any]) -> None:
    client, place = prover(), PLACES["REST"]
    headers = {**headers_of(kit, place, changed(), client, bound(client)), "Host": HOST}

    with pytest.raises(Unauthorized):
        kit.authorized({**rest(headers), **member})


def test_host_and_forwarded_fields_do_not_say_where_a_request_goes(kit: Kit) -> None:
    client = prover()
    token = bound(client)
    proof = client.proof("GET", "https://public.example/jobs", token=token)
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": proof,
        "Host": "public.example",
        "X-Forwarded-Host": "public.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=public.example;proto=https",
    }

    with pytest.raises(Unauthorized):
        kit.authorized(rest(headers))


class TestNonces:
    """Of our own routes (RFC 9449 §9)."""

    url = f"{ISSUER}/auth/session"

    def asked(self, kit: Kit, **claims: Any) -> dict[str, Any]:
        client = prover()
        token = bound(client)
        proof = client.proof("GET", self.url, token=token, **claims)
        return kit.http(authorization=f"DPoP {token}", dpop=proof)

    @pytest.mark.parametrize("nonce", [{}, {"nonce": "old"}, {"nonce": None}, {"nonce": 1}], ids=str)
    def test_a_proof_without_a_good_nonce_is_told_one_by_the_one_challenge(
        self, kit: Kit, nonce: dict[str, Any]
    ) -> None:
        answer = self.asked(kit, **nonce)

        assert answer["statusCode"] == 401
        assert json.loads(answer["body"])["error"] == "use_dpop_nonce"
        assert answer["headers"]["WWW-Authenticate"] == (
            'DPoP realm="auth-user-tokens", error="use_dpop_nonce",'
            ' error_description="The proof needs the nonce that this answer gives.", algs="ES256 EdDSA Ed25519"'
        )
        assert self.asked(kit, nonce=answer["headers"]["DPoP-Nonce"])["statusCode"] == 200
        assert kit.store.reads == 1

    def test_a_nonce_error_does_not_use_up_the_proof_s_jti(self, kit: Kit) -> None:
        nonce = self.asked(kit, jti="one")["headers"]["DPoP-Nonce"]

        assert self.asked(kit, jti="one", nonce=nonce)["statusCode"] == 200

    def test_every_answer_to_a_good_proof_has_the_next_nonce(self, kit: Kit) -> None:
        nonce = kit.nonces.current(START)
        kit.clock.now = START + STEP_S - START % STEP_S
        answer = self.asked(kit, nonce=nonce, iat=kit.clock.now)

        assert answer["statusCode"] == 200
        assert answer["headers"]["DPoP-Nonce"] == kit.nonces.current(kit.clock.now) != nonce

    def test_a_refused_proof_is_given_no_nonce(self, kit: Kit) -> None:
        answer = self.asked(kit, iat=0)

        assert json.loads(answer["body"]) == {
            "error": "invalid_dpop_proof",
            "error_description": "iat is too far from the server's time.",
        }
        assert "DPoP-Nonce" not in answer["headers"]

    def test_a_bearer_token_is_given_none(self, kit: Kit) -> None:
        answer = kit.http(authorization=f"Bearer {forged()}", dpop="stray")

        assert answer["statusCode"] == 200
        assert "DPoP-Nonce" not in answer["headers"]

    def test_the_authorizer_ignores_a_nonce(self, kit: Kit) -> None:
        """Clients keep nonces by origin, and an API may share its origin with this service."""
        client, place = prover(), PLACES["REST"]
        headers = headers_of(kit, place, changed(nonce="of elsewhere"), client, bound(client))

        assert kit.authorized(rest(headers))["principalId"]

    def test_head_is_a_method_of_its_own(self, kit: Kit) -> None:
        client = prover()
        token, nonce = bound(client), kit.nonces.current(START)
        proof = client.proof("HEAD", self.url, token=token, nonce=nonce)

        assert kit.http("HEAD", authorization=f"DPoP {token}", dpop=proof)["statusCode"] == 200
        other = client.proof("GET", self.url, token=token, nonce=nonce)
        assert kit.http("HEAD", authorization=f"DPoP {token}", dpop=other)["statusCode"] == 401


def test_without_a_credential_both_schemes_are_offered(kit: Kit) -> None:
    answer = kit.http()

    assert answer["headers"]["WWW-Authenticate"] == (
        'Bearer realm="auth-user-tokens", DPoP realm="auth-user-tokens", algs="ES256 EdDSA Ed25519"'
    )


def test_a_dead_token_by_proof_gets_a_challenge_of_that_scheme(kit: Kit) -> None:
    client, place = prover(), PLACES["own route"]
    dead = bound(client, exp=START, iat=START - 10)

    answer = kit.http(**{n.lower(): v for n, v in headers_of(kit, place, changed(), client, dead).items()})

    assert answer["headers"]["WWW-Authenticate"] == (
        'DPoP realm="auth-user-tokens", error="invalid_token",'
        ' error_description="The access token has expired.", algs="ES256 EdDSA Ed25519"'
    )


def test_introspection_asks_for_no_proof_and_says_what_a_token_is_bound_to(kit: Kit) -> None:
    shown = introspect(bound(prover()), kit.sessions)

    assert (shown["active"], shown["token_type"], shown["cnf"]) == (True, "DPoP", {"jkt": prover().jkt})


def test_the_log_says_which_check_failed_and_the_caller_does_not_learn_it(kit: Kit) -> None:
    client = prover()
    token, nonce = bound(client), kit.nonces.current(START)
    proof = client.proof("GET", f"http{ISSUER[5:]}/auth/session", token=token, nonce=nonce)

    answer = kit.http(authorization=f"DPoP {token}", dpop=proof)

    assert kit.telemetry.lines[-1][1]["detail"] == f"htu: http{ISSUER[5:]}, not {ISSUER}"
    assert json.loads(answer["body"])["error_description"] == "The DPoP proof is not valid."
