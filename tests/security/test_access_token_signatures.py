"""The signature: raw r‖s of 64 bytes, of this key, over these very bytes (RFC 7518 §3.4)."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.domain.caller import Caller
from auth_tokens.domain.events import RevokeReason
from auth_tokens.usecases.revoke import revoke_token
from tests.security.kit import (
    JTI,
    P256_ORDER,
    SID,
    Kit,
    assert_accepted,
    assert_refused,
    forged,
    good_claims,
    good_header,
    kid_of,
    private_key,
    raw_of,
    segment,
    stored_key,
)
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, signer
from tests.support.world import START

ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def with_signature(token: str, raw: bytes) -> str:
    return f"{token.rpartition('.')[0]}.{segment(raw)}"


def twin_of(token: str) -> str:
    """The other good signature that anyone can make of an ECDSA signature: (r, n-s)."""
    raw = raw_of(token.split(".")[2])
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    return with_signature(token, raw[:32] + s.to_bytes(32, "big"))


def as_der(raw: bytes) -> bytes:
    return utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


ORDER = P256_ORDER.to_bytes(32, "big")
ONE = (1).to_bytes(32, "big")
ZERO = bytes(32)


@pytest.mark.parametrize(
    "raw",
    [
        ZERO + ZERO,
        ZERO + ONE,
        ONE + ZERO,
        ONE + ONE,
        ORDER + ORDER,
        ORDER + ONE,
        ONE + ORDER,
        ZERO + ORDER,
        b"\xff" * 64,
        as_der(ZERO + ZERO),
        b"\x30\x06\x02\x01\x00\x02\x01\x00",
    ],
    ids=lambda raw: raw.hex()[:12] + "…" + raw.hex()[-6:],
)
def test_zero_and_degenerate_ecdsa_signatures(kit: Kit, raw: bytes) -> None:
    assert_refused(kit, with_signature(forged(), raw))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [1, 31, 32, 63, 64, 65, 128, 255, 256, 257, 384])
def test_a_signature_of_zeros_of_any_length(kit: Kit, algorithm: str, size: int) -> None:
    assert_refused(kit, with_signature(forged(algorithm=algorithm), bytes(size)))


def test_a_der_signature(kit: Kit) -> None:
    token = forged()

    assert_refused(kit, with_signature(token, as_der(raw_of(token.split(".")[2]))))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_truncated_signatures(kit: Kit, algorithm: str) -> None:
    token = forged(algorithm=algorithm)
    raw = raw_of(token.split(".")[2])

    for size in {1, 2, len(raw) // 2, len(raw) - 2, len(raw) - 1}:
        assert_refused(kit, with_signature(token, raw[:size]))
        assert_refused(kit, with_signature(token, raw[-size:]))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("extra", [b"\0", b"\0" * 64, b"x"])
def test_signatures_with_something_before_or_after(kit: Kit, algorithm: str, extra: bytes) -> None:
    token = forged(algorithm=algorithm)
    raw = raw_of(token.split(".")[2])

    assert_refused(kit, with_signature(token, raw + extra))
    assert_refused(kit, with_signature(token, extra + raw))


def test_an_ecdsa_signature_with_each_half_padded(kit: Kit) -> None:
    token = forged()
    raw = raw_of(token.split(".")[2])

    assert_refused(kit, with_signature(token, b"\0" + raw[:32] + b"\0" + raw[32:]))


def test_an_ecdsa_signature_with_its_halves_swapped(kit: Kit) -> None:
    token = forged()
    raw = raw_of(token.split(".")[2])

    assert_refused(kit, with_signature(token, raw[32:] + raw[:32]))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_bit_of_a_signature_flipped(kit: Kit, algorithm: str) -> None:
    token = forged(algorithm=algorithm)
    raw = raw_of(token.split(".")[2])

    for index in range(0, len(raw), 7):
        flipped = bytearray(raw)
        flipped[index] ^= 1 << index % 8
        assert_refused(kit, with_signature(token, bytes(flipped)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_signature_of_another_payload(kit: Kit, algorithm: str) -> None:
    token = forged(algorithm=algorithm)
    other = forged(payload=good_claims(sub="22222222-2222-7222-8222-222222222222"), algorithm=algorithm)

    assert_refused(kit, ".".join([*token.split(".")[:2], other.split(".")[2]]))


def test_a_good_signature_of_another_key_under_our_kid(kit: Kit) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    signing_input = forged().rpartition(".")[0].encode()
    r, s = utils.decode_dss_signature(stranger.sign(signing_input, ec.ECDSA(SHA256())))

    assert_refused(kit, with_signature(forged(), r.to_bytes(32, "big") + s.to_bytes(32, "big")))


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_a_signature_on_another_curve(kit: Kit, curve: ec.EllipticCurve) -> None:
    stranger = ec.generate_private_key(curve)
    signing_input = forged().rpartition(".")[0].encode()
    r, s = utils.decode_dss_signature(stranger.sign(signing_input, ec.ECDSA(SHA256())))
    size = (curve.key_size + 7) // 8

    assert_refused(kit, with_signature(forged(), r.to_bytes(size, "big") + s.to_bytes(size, "big")))


def test_an_rsa_pss_signature_under_rs256(kit: Kit) -> None:
    token = forged(algorithm="RS256")
    pss = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
    raw = private_key("RS256").sign(token.rpartition(".")[0].encode(), pss, SHA256())

    assert_refused(kit, with_signature(token, raw))


def test_the_malleable_twin_verifies_so_a_tokens_text_is_no_identity(kit: Kit) -> None:
    token = forged()

    assert twin_of(token) != token
    assert_accepted(kit, twin_of(token))


@pytest.mark.parametrize("seen_before", [True, False])
def test_the_malleable_twin_dies_with_the_originals_own_revocation(kit: Kit, seen_before: bool) -> None:
    token = forged()
    if seen_before:
        assert_accepted(kit, twin_of(token))

    revoke_token(token, None, Caller(), kit.sessions)
    kit.source.rows = [(jti, START) for jti in kit.store.denied]

    assert_refused(kit, token)
    assert_refused(kit, twin_of(token))


@pytest.mark.parametrize("seen_before", [True, False])
def test_the_malleable_twin_dies_with_the_session(kit: Kit, seen_before: bool) -> None:
    token = forged()
    if seen_before:
        assert_accepted(kit, twin_of(token))
    sid = bytes.fromhex(SID.replace("-", ""))

    kit.store.revoke(sid, RevokeReason.LOGOUT, None)
    kit.source.rows = [(sid, START)]

    assert_refused(kit, token)
    assert_refused(kit, twin_of(token))


def test_every_spelling_that_verifies_dies_with_the_jti(kit: Kit) -> None:
    spellings = [forged(), forged(), forged(json.dumps(good_header(), indent=2).encode())]
    jti = bytes.fromhex(JTI.replace("-", ""))
    for token in spellings:
        assert_accepted(kit, token)

    kit.store.denied.add(jti)
    kit.source.rows = [(jti, START)]

    for token in spellings:
        assert_refused(kit, token)


def test_a_thousand_es256_signatures_are_64_bytes_and_verify() -> None:
    kit = Kit()
    table, wrapper = FakeKeyTable(), FakeKeyWrapper()
    made = signer(table, wrapper)
    first = made.sign(good_claims())
    kit.table.rows = table.rows

    tokens = [first, *(made.sign(good_claims()) for _ in range(999))]

    assert {len(raw_of(token.split(".")[2])) for token in tokens} == {64}
    assert len(set(tokens)) == 1000
    for token in tokens:
        assert kit.verifier.verify(token, START).jti == JTI


def test_public_keys_hold_public_members_alone() -> None:
    members = {
        "ES256": {"kty", "crv", "x", "y"},
        "RS256": {"kty", "n", "e"},
        "EdDSA": {"kty", "crv", "x"},
    }

    for algorithm in ALGORITHMS:
        jwk = stored_key(algorithm, 1).public_jwk
        assert jwk is not None
        assert set(jwk) == members[algorithm] | {"kid", "use", "alg"}
        assert (jwk["use"], jwk["alg"], jwk["kid"]) == ("sig", algorithm, kid_of(algorithm))


def test_coordinates_are_padded_to_full_size() -> None:
    for _ in range(300):
        jwk = public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), "ES256")
        assert len(raw_of(jwk["x"])) == len(raw_of(jwk["y"])) == 32
