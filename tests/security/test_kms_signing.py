"""SIGNING_MODE=kms: what KMS answers becomes what JWS wants, or is refused with a clear word.

The KMS here is our own, by pyca/cryptography: moto knows no Ed25519 and takes keys for any use.
"""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth_tokens.adapters.access_jwt.kms_keys import (
    MAX_MESSAGE_BYTES,
    KmsKeyMismatch,
    KmsSigningKeys,
    SigningInputTooLong,
    raw_signature,
)
from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
from auth_tokens.adapters.kms.client import KmsClient
from auth_tokens.domain.errors import Unavailable
from auth_tokens.domain.keys import KeyState
from tests.security.kit import AUDIENCE, ISSUER, JTI, P256_ORDER, good_claims, raw_of
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, signer
from tests.support.world import START, Clock

ALGORITHMS = {
    "ES256": ("ECDSA_SHA_256", ec.generate_private_key(ec.SECP256R1())),
    "RS256": ("RSASSA_PKCS1_V1_5_SHA_256", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "EdDSA": ("ED25519_SHA_512", ed25519.Ed25519PrivateKey.generate()),
}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/one"
OTHER_KEY = "arn:aws:kms:eu-west-1:123456789012:key/two"


class SigningKms:
    """Asymmetric keys by ARN, and a note of each call."""

    def __init__(self, algorithm: str = "ES256", **keys: Any) -> None:
        self.algorithm = ALGORITHMS[algorithm][0]
        self.keys: dict[str, Any] = {KEY: ALGORITHMS[algorithm][1], **keys}
        self.usage = "SIGN_VERIFY"
        self.calls: list[str] = []
        self.fault: Exception | None = None

    def get_public_key(self, **asked: str) -> dict[str, Any]:
        self._note("get_public_key")
        public_key = self.keys[asked["KeyId"]].public_key()
        der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"PublicKey": der, "KeyUsage": self.usage, "SigningAlgorithms": [self.algorithm]}

    def sign(self, **asked: Any) -> dict[str, Any]:
        self._note("sign")
        message, algorithm = asked["Message"], asked["SigningAlgorithm"]
        assert asked["MessageType"] == "RAW" and len(message) <= 4096
        key = self.keys[asked["KeyId"]]
        if algorithm == "ECDSA_SHA_256":
            return {"Signature": key.sign(message, ec.ECDSA(SHA256()))}
        if algorithm == "ED25519_SHA_512":
            return {"Signature": key.sign(message)}
        return {"Signature": key.sign(message, padding.PKCS1v15(), SHA256())}

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.fault:
            raise self.fault


def verifier(table: FakeKeyTable) -> JwtVerifier:
    rows: Any = table
    return JwtVerifier(PublicKeys(rows, Clock(), 300), ISSUER, AUDIENCE)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_signed_by_kms_verifies_by_the_key_in_the_table(algorithm: str) -> None:
    table, kms = FakeKeyTable(), SigningKms(algorithm)
    made = signer(table, FakeKeyWrapper(), algorithm=algorithm, kms=kms, kms_key_ids=[KEY])

    token = made.sign(good_claims())

    assert verifier(table).verify(token, START).jti == JTI
    [row] = table.rows
    assert (row.wrapped_key, row.algorithm, row.state) == (None, algorithm, KeyState.SIGNING)
    assert KEY not in str(row)  # neither kid nor JWKS tells an account


def test_three_thousand_es256_signatures_are_64_bytes_and_verify() -> None:
    table, kms = FakeKeyTable(), SigningKms()
    made = signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY])
    verifies = verifier(table)

    tokens = [made.sign(good_claims()) for _ in range(3000)]

    signatures = [raw_of(token.split(".")[2]) for token in tokens]
    assert {len(signature) for signature in signatures} == {64}
    # About 1 in 128 has a short half: the test has met some.
    assert sum(0 in (signature[0], signature[32]) for signature in signatures) > 3
    for token in tokens[::10]:
        assert verifies.verify(token, START)


def test_a_cold_start_reads_the_public_key_once_and_each_token_is_one_signature() -> None:
    table, kms = FakeKeyTable(), SigningKms()
    signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY]).sign(good_claims())
    kms.calls.clear()
    made = signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY])

    for _ in range(20):
        made.sign(good_claims())

    assert Counter(kms.calls) == {"get_public_key": 1, "sign": 20}


SHORT = 2**240 - 1  # 30 bytes
HIGH = P256_ORDER - 1  # 32 bytes with the top bit set: DER puts a zero before it


@pytest.mark.parametrize("r", [1, 127, 128, 255, 256, SHORT, 2**248, HIGH])
@pytest.mark.parametrize("s", [1, 128, SHORT, HIGH])
def test_any_r_and_s_become_64_bytes(r: int, s: int) -> None:
    raw = raw_signature(utils.encode_dss_signature(r, s))

    assert raw == r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert len(raw) == 64


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"\x00" * 64, utils.encode_dss_signature(2**256, 1)])
def test_what_is_no_signature_of_p256_becomes_none(der: bytes) -> None:
    with pytest.raises((ValueError, OverflowError)):
        raw_signature(der)


def test_4096_bytes_are_signed_and_one_byte_more_is_refused_by_name() -> None:
    table, kms = FakeKeyTable(), SigningKms()
    signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY]).sign(good_claims())
    keys = KmsSigningKeys(KmsClient(lambda: kms), [KEY])

    assert len(keys.sign(table.rows[0], b"x" * MAX_MESSAGE_BYTES)) == 64
    with pytest.raises(SigningInputTooLong, match="4097 bytes to sign, KMS takes 4096: fewer labels"):
        keys.sign(table.rows[0], b"x" * (MAX_MESSAGE_BYTES + 1))


def test_a_user_with_too_many_labels_gets_no_token_and_kms_no_call() -> None:
    kms = SigningKms()
    made = signer(FakeKeyTable(), FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY])

    with pytest.raises(SigningInputTooLong):
        made.sign(good_claims(labels=[f"label {number}" for number in range(300)]))
    assert "sign" not in kms.calls


def test_a_key_of_another_algorithm_signs_nothing() -> None:
    made = signer(
        FakeKeyTable(), FakeKeyWrapper(), algorithm="RS256", kms=SigningKms("ES256"), kms_key_ids=[KEY]
    )

    with pytest.raises(KmsKeyMismatch, match="does not sign by RS256"):
        made.sign(good_claims())


def test_a_key_for_another_use_signs_nothing() -> None:
    kms = SigningKms()
    kms.usage = "ENCRYPT_DECRYPT"

    with pytest.raises(KmsKeyMismatch):
        signer(FakeKeyTable(), FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY]).sign(good_claims())


def test_a_row_whose_key_is_not_configured_any_more_signs_nothing() -> None:
    table = FakeKeyTable()
    signer(table, FakeKeyWrapper(), kms=SigningKms(), kms_key_ids=[KEY]).sign(good_claims())
    other = SigningKms(**{OTHER_KEY: ec.generate_private_key(ec.SECP256R1())})

    for key_ids in ([OTHER_KEY], []):
        with pytest.raises(KmsKeyMismatch, match="SIGNING_KMS_KEY_IDS does not have it"):
            signer(table, FakeKeyWrapper(), kms=other, kms_key_ids=key_ids).sign(good_claims())


def test_an_answer_that_does_not_verify_is_never_handed_out() -> None:
    """A KMS that hashes twice (moto does with a digest), or signs by another key than it shows."""
    kms = SigningKms()
    kms.sign = lambda **_: {
        "Signature": ec.generate_private_key(ec.SECP256R1()).sign(b"", ec.ECDSA(SHA256()))
    }  # type: ignore[method-assign]

    with pytest.raises(Exception, match="does not sign as its public half says"):
        signer(FakeKeyTable(), FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY]).sign(good_claims())


def test_with_kms_away_there_is_no_token_and_no_other_key_takes_over() -> None:
    table, kms = FakeKeyTable(), SigningKms()
    made = signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY])
    made.sign(good_claims())
    kms.fault = ClientError({"Error": {"Code": "DisabledException"}}, "Sign")

    with pytest.raises(Unavailable, match="kms sign: DisabledException"):
        made.sign(good_claims())
    assert len(table.rows) == 1


def test_of_two_keys_at_kms_the_second_stands_by_from_the_first_signature_on() -> None:
    table = FakeKeyTable()
    kms = SigningKms(**{OTHER_KEY: ec.generate_private_key(ec.SECP256R1())})
    made = signer(table, FakeKeyWrapper(), kms=kms, kms_key_ids=[KEY, OTHER_KEY])

    token = made.sign(good_claims())

    assert [(row.state, row.wrapped_key) for row in table.rows] == [
        (KeyState.SIGNING, None),
        (KeyState.PUBLISHED, None),
    ]
    assert verifier(table).verify(token, START)
