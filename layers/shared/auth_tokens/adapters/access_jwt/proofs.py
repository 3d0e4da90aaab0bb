"""Verification of DPoP proofs: strict form first, then what costs least, the signature last (RFC 9449 §4.3).

A client's header segment is the same in each of its proofs, so its key is remembered by that text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.adapters.access_jwt.jws import COMPACT, decoded_segment, parsed_object
from auth_tokens.adapters.lru import Lru
from auth_tokens.domain.dpop.presented import PresentedProof
from auth_tokens.domain.dpop.proofs import MAX_LENGTH, Proof, check_proof_claims, proof_from
from auth_tokens.domain.dpop.public_keys import PublicKey, key_in
from auth_tokens.domain.errors import InvalidAccessToken, InvalidProof

MAX_REMEMBERED = 10_000
# Those of clients have about 250 characters; a longer one is read again each time, so that memory is bounded.
MAX_REMEMBERED_HEADER = 512
_P256, _ES256 = SECP256R1(), ECDSA(SHA256())


class _Key(NamedTuple):
    algorithm: str
    key: Any
    jkt: str


class ProofVerifier:
    """Port ports.proofs.ProofReader."""

    def __init__(self) -> None:
        self._remembered: Lru[str, _Key] = Lru(MAX_REMEMBERED)

    def read(
        self, presented: PresentedProof, now: int, *, jkt: str | None = None, token: str | None = None
    ) -> Proof:
        text = presented.text
        if len(text) > MAX_LENGTH or not COMPACT.fullmatch(text):
            raise InvalidProof("form")  # several fields are joined by a comma, which no segment has
        header, payload_segment, signature_segment = text.split(".")
        known = self._remembered.get(header)
        key = known or _key_of(_object(header))
        if jkt is not None and key.jkt != jkt:
            raise InvalidProof("another key")
        payload = _object(payload_segment)
        check_proof_claims(payload, presented, token, now)
        signed = text[: -len(signature_segment) - 1].encode()
        if not _is_signature(_bytes(signature_segment), signed, key):
            raise InvalidProof("signature")
        if known is None and len(header) <= MAX_REMEMBERED_HEADER:
            self._remembered.put(header, key)
        return proof_from(payload, key.jkt)


def _key_of(header: Mapping[str, Any]) -> _Key:
    key = key_in(header)
    try:
        return _Key(key.algorithm, _loaded(key), key.jkt)
    except ValueError as exc:
        raise InvalidProof("jwk: no point of the curve") from exc


def _loaded(key: PublicKey) -> Any:
    """Raises ValueError for a point that is none of the curve's."""
    if key.algorithm == "ES256":
        return EllipticCurvePublicKey.from_encoded_point(_P256, b"\x04" + b"".join(key.coordinates))
    return Ed25519PublicKey.from_public_bytes(key.coordinates[0])


def _is_signature(signature: bytes, signed: bytes, key: _Key) -> bool:
    """RFC 7518 §3.4, RFC 8037 §3.1."""
    try:
        if key.algorithm != "ES256":
            key.key.verify(signature, signed)
        elif len(signature) == 64:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.key.verify(encode_dss_signature(r, s), signed, _ES256)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _bytes(segment: str) -> bytes:
    try:
        return decoded_segment(segment)
    except InvalidAccessToken as exc:
        raise InvalidProof(exc.detail) from exc


def _object(segment: str) -> dict[str, Any]:
    try:
        return parsed_object(decoded_segment(segment))
    except InvalidAccessToken as exc:
        raise InvalidProof(exc.detail) from exc
