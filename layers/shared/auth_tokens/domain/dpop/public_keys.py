"""The header of a proof and the public key in it (RFC 9449 §4.3, checks 4, 5 and 7; RFC 8725 §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from auth_tokens.domain.base64url import from_base64url, to_base64url
from auth_tokens.domain.errors import InvalidProof
from auth_tokens.domain.ids import is_base64url_32

TYPE = "dpop+jwt"
# As the metadata and the challenges have them (RFC 9449 §5.1, §7.1). `Ed25519` is RFC 9864's name of the same.
ALGORITHMS = ("ES256", "EdDSA", "Ed25519")
MAX_MEMBERS = 12

# The algorithm that we call it by, `kty`, `crv`, the coordinates.
_EC = ("ES256", "EC", "P-256", ("x", "y"))
_OKP = ("EdDSA", "OKP", "Ed25519", ("x",))
_FORM_OF = {"ES256": _EC, "EdDSA": _OKP, "Ed25519": _OKP}
# RFC 7638 §3: the required members, in the order of their names, without spaces.
_CANONICAL = {
    "EC": '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}',
    "OKP": '{"crv":"Ed25519","kty":"OKP","x":"%s"}',
}
# They would change what the signature covers, or supply or locate another key.
_REFUSED_IN_HEADER = frozenset({"crit", "b64", "zip", "jku", "x5u", "x5c"})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
# Ed25519 points of order 1, 2, 4 and 8, without the sign bit: y = 0, 1, -1, the two of order 8, and the spellings p and
# p + 1 of the first two. A signature by such a key can hold for every message, whoever made it (RFC 8032 §8.9 leaves
# the check to the caller, and OpenSSL makes none).
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


class PublicKey(NamedTuple):
    """A public key as its header has it. algorithm: `ES256` or `EdDSA`; coordinates: 32 bytes each; jkt: its
    thumbprint (RFC 7638)."""

    algorithm: str
    coordinates: tuple[bytes, ...]
    jkt: str


def key_in(header: Mapping[str, Any]) -> PublicKey:
    """The key of a proof's header, which is of an algorithm of ours. Members without a meaning here are ignored, in the
    key as well: WebCrypto exports `ext` and `key_ops`. Raises InvalidProof naming the member."""
    typ, algorithm, jwk = header.get("typ"), header.get("alg"), header.get("jwk")
    if not isinstance(typ, str) or typ.lower() != TYPE:
        raise InvalidProof("typ")
    if not _REFUSED_IN_HEADER.isdisjoint(header):
        raise InvalidProof("header")
    if not isinstance(algorithm, str) or algorithm not in _FORM_OF:
        raise InvalidProof("alg")
    if not isinstance(jwk, dict) or len(jwk) > MAX_MEMBERS or not _PRIVATE.isdisjoint(jwk):
        raise InvalidProof("jwk")
    name, kind, curve, members = _FORM_OF[algorithm]
    if (jwk.get("kty"), jwk.get("crv")) != (kind, curve):
        raise InvalidProof("alg")
    texts: tuple[Any, ...] = tuple(jwk.get(member) for member in members)
    if not all(map(is_base64url_32, texts)):
        raise InvalidProof("jwk")
    coordinates = tuple(map(from_base64url, texts))
    if kind == "OKP" and _has_small_order(coordinates[0]):
        raise InvalidProof("jwk: a point of small order")
    return PublicKey(name, coordinates, _thumbprint(_CANONICAL[kind] % texts))


def _has_small_order(point: bytes) -> bool:
    return point[:-1] + bytes([point[-1] & 0x7F]) in _SMALL_ORDER


def _thumbprint(canonical: str) -> str:
    return to_base64url(hashlib.sha256(canonical.encode()).digest())
