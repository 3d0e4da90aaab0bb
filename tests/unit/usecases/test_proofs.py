"""What follows from a proof that is good in itself; which ones are, tests/security/test_proofs.py has."""

import pytest

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.domain.errors import InvalidProof, NonceNeeded, ProofOfAnotherTime
from auth_tokens.usecases.proofs import ProofChecks
from tests.support.proofs import prover
from tests.support.world import START, RecordedTelemetry

NONCES = Nonces(lambda text: text.encode().rjust(16, b"0")[:16])
OWN = Place("https://tokens.test", "/base")
URL = "https://tokens.test/base/auth/token"


def checks(nonces: Nonces | None = None, telemetry: RecordedTelemetry | None = None) -> ProofChecks:
    return ProofChecks(
        ProofVerifier(), ReplayMemory(lambda: None), telemetry or RecordedTelemetry(), nonces, OWN
    )


def shown(**claims: object) -> PresentedProof:
    return PresentedProof(prover().proof("POST", URL, **claims), "POST", (Place("", "/auth/token"),))


def test_who_asks_for_a_token_is_known_by_the_thumbprint_of_the_key() -> None:
    assert checks().of_request(shown(), START) == prover().jkt


def test_a_proof_that_asks_for_a_token_may_be_repeated() -> None:
    """A replayer gets nothing that is of use without the key."""
    made, proof = checks(), shown()

    assert [made.of_request(proof, START) for _ in range(3)] == [prover().jkt] * 3


def test_its_ath_says_nothing_there() -> None:
    assert checks().of_request(shown(ath="of something"), START)


def test_without_a_good_nonce_the_one_to_use_is_named() -> None:
    with pytest.raises(NonceNeeded) as caught:
        checks(NONCES).of_request(shown(), START)

    nonce = caught.value.next_nonce
    assert checks(NONCES).of_request(shown(nonce=nonce), START) == prover().jkt
    assert checks(NONCES).next_nonce(START) == nonce
    assert checks().next_nonce(START) is None


def test_a_proof_with_a_bad_signature_is_told_no_nonce() -> None:
    text = shown().text
    forged = PresentedProof(f"{text.rpartition('.')[0]}.{'A' * 86}", "POST", shown().places)

    with pytest.raises(InvalidProof, match="signature") as caught:
        checks(NONCES).of_request(forged, START)
    assert caught.value.next_nonce is None


def test_a_wrong_clock_is_counted() -> None:
    telemetry = RecordedTelemetry()

    with pytest.raises(ProofOfAnotherTime, match=f"iat {START - 61} at {START}"):
        checks(telemetry=telemetry).of_request(shown(iat=START - 61), START)
    assert telemetry.counts == {"DpopClockSkewed": 1}
