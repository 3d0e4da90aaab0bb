"""The three signature algorithms on offer, and public keys as JWK (RFC 7517, RFC 7518)."""

import hashlib
import json
from typing import Any

import jwt.algorithms as pyjwt

from auth_tokens.domain.base64url import to_base64url

ALGORITHMS: dict[str, Any] = {
    "ES256": pyjwt.ECAlgorithm(pyjwt.ECAlgorithm.SHA256),
    "RS256": pyjwt.RSAAlgorithm(pyjwt.RSAAlgorithm.SHA256),
    "EdDSA": pyjwt.OKPAlgorithm(),
}
# RFC 7638 §3.2: the members that make a key what it is.
_REQUIRED_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}


def public_jwk(public_key: Any, algorithm: str) -> dict[str, str]:
    """The JWK of a public key, with its thumbprint (RFC 7638) as `kid`. Public members only."""
    full = ALGORITHMS[algorithm].to_jwk(public_key, as_dict=True)
    members = {name: full[name] for name in _REQUIRED_MEMBERS[full["kty"]]}
    return {**members, "kid": _thumbprint(members), "use": "sig", "alg": algorithm}


def key_from(jwk: dict[str, str]) -> Any:
    """The public key object of a JWK that public_jwk made."""
    return ALGORITHMS[jwk["alg"]].from_jwk(jwk)


def _thumbprint(members: dict[str, str]) -> str:
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return to_base64url(hashlib.sha256(canonical).digest())
