"""Prints a proof of a key (DPoP, RFC 9449 §4.2): `python proof.py METHOD URL [ACCESS_TOKEN [NONCE]]`.

The key is made at the first use and stays in probe.pem. Needs `cryptography`.
"""

import base64
import hashlib
import json
import sys
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KEY_FILE = Path("probe.pem")


def main(method: str, url: str, token: str = "", nonce: str = "") -> str:
    key = _key()
    numbers = key.public_key().public_numbers()
    x, y = (_base64url(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}}
    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
    if token:
        claims["ath"] = _base64url(hashlib.sha256(token.encode()).digest())
    if nonce:
        claims["nonce"] = nonce
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _key() -> ec.EllipticCurvePrivateKey:
    if not KEY_FILE.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        KEY_FILE.touch(mode=0o600)
        KEY_FILE.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(KEY_FILE.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
