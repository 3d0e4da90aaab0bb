"""JWS in its compact form (RFC 7515 §7.1), read strictly: three segments of base64url with one spelling each, JSON
objects without surprises, a signature. For access tokens and for proofs, in which each character costs time.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.domain.base64url import from_base64url
from auth_tokens.domain.errors import InvalidAccessToken
from auth_tokens.domain.nesting import nests_too_deep

COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# By the length modulo 4: with 2 characters over, four bits of the last one are spare, with 3 two; 1 is no length.
_LAST_CHARACTERS = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
_SPACES = " \t\n\r"  # of JSON (RFC 8259 §2)
_P256_BYTES = 32  # of r and of s (RFC 7518 §3.4)
_SHA256, _ES256, _PKCS1 = SHA256(), ECDSA(SHA256()), PKCS1v15()


def decoded_segment(segment: str) -> bytes:
    """The bytes of a segment of COMPACT, with no spare bits set: each byte string has one spelling."""
    if segment[-1] not in _LAST_CHARACTERS[len(segment) % 4]:
        raise InvalidAccessToken("base64url")
    return from_base64url(segment)


def parsed_object(raw: bytes) -> dict[str, Any]:
    """A JSON object, strictly: no member twice, no NaN, bounded numbers and depth."""
    try:
        text = raw.decode("utf-8").strip(_SPACES)
        if nests_too_deep(text):
            raise InvalidAccessToken("json")
        parsed, end = _STRICTLY.raw_decode(text)  # decode() looks for spaces by two regular expressions
    except ValueError as exc:
        raise InvalidAccessToken("json") from exc
    if end != len(text) or not isinstance(parsed, dict):
        raise InvalidAccessToken("json")
    return parsed


def is_signature(signature: bytes, signed: bytes, algorithm: str, key: Any) -> bool:
    """Is it that of the algorithm (`ES256`, `EdDSA`, `RS256`) by the key, which is one of its kind? RFC 7518 §3.3 and
    §3.4, RFC 8037 §3.1."""
    try:
        if algorithm == "ES256":
            if len(signature) != 2 * _P256_BYTES:
                return False
            r, s = (
                int.from_bytes(signature[:_P256_BYTES], "big"),
                int.from_bytes(signature[_P256_BYTES:], "big"),
            )
            key.verify(encode_dss_signature(r, s), signed, _ES256)
        elif algorithm == "EdDSA":
            key.verify(signature, signed)
        else:
            key.verify(signature, signed, _PKCS1, _SHA256)
    except InvalidSignature:
        return False
    return True


def signature_of(signed: bytes, algorithm: str, private_key: Any) -> bytes:
    """What is_signature takes."""
    if algorithm == "ES256":
        return raw_signature(private_key.sign(signed, _ES256))
    signature: bytes = (
        private_key.sign(signed) if algorithm == "EdDSA" else private_key.sign(signed, _PKCS1, _SHA256)
    )
    return signature


def raw_signature(der: bytes) -> bytes:
    """r | s in 64 bytes, from the DER that OpenSSL and KMS return, without leading zeros (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


# json.loads would make one for each text (4 us, measured).
_STRICTLY = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refused)
