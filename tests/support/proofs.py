"""A client with a key of its own, which makes DPoP proofs by hand: any member of them can be changed or left out."""

import base64
import hashlib
import json
from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.world import START

ABSENT = object()
_NUMBERS = count()


def segment(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def ath_of(token: str) -> str:
    """RFC 9449 §4.2."""
    return segment(hashlib.sha256(token.encode()).digest())


class Prover:
    """algorithm: `ES256` or `EdDSA`."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.private: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else ed25519.Ed25519PrivateKey.generate()
        )
        self.jwk = self._jwk()
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        self.jkt = segment(hashlib.sha256(canonical.encode()).digest())

    def header(self, **changes: Any) -> dict[str, Any]:
        return _changed({"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk}, changes)

    def claims(self, method: str, url: str, *, token: str | None = None, **changes: Any) -> dict[str, Any]:
        claims = {"jti": f"proof-{next(_NUMBERS)}", "htm": method, "htu": url, "iat": START}
        if token is not None:
            claims["ath"] = ath_of(token)
        return _changed(claims, changes)

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """token: the access token that it goes with; header, changes: of its header and of its claims."""
        return self.signed(self.header(**(header or {})), self.claims(method, url, token=token, **changes))

    def signed(self, header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes) -> str:
        """Bytes are taken as they are."""
        parts = [part if isinstance(part, bytes) else _json(part) for part in (header, claims)]
        signing_input = ".".join(map(segment, parts))
        return f"{signing_input}.{segment(self.signature(signing_input.encode()))}"

    def signature(self, signing_input: bytes) -> bytes:
        if self.algorithm != "ES256":
            return bytes(self.private.sign(signing_input))
        r, s = utils.decode_dss_signature(self.private.sign(signing_input, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _jwk(self) -> dict[str, str]:
        public = self.private.public_key()
        if self.algorithm != "ES256":
            return {"kty": "OKP", "crv": "Ed25519", "x": segment(public.public_bytes_raw())}
        numbers = public.public_numbers()
        x, y = (segment(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


@cache
def prover(algorithm: str = "ES256", number: int = 0) -> Prover:
    """The same client each time. number: of another one."""
    return Prover(algorithm)


def _json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}
