"""Signing by KMS itself (SIGNING_MODE=kms): the private key never leaves it, and each token is one call."""

from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from auth_tokens.adapters.access_jwt.algorithms import public_jwk
from auth_tokens.adapters.kms.client import KmsClient
from auth_tokens.domain.keys import StoredKey

# KMS signs at most 4096 bytes as MessageType=RAW.
MAX_MESSAGE_BYTES = 4096
# RFC 7518 §3.4: r and s of P-256.
_P256_BYTES = 32
# JOSE algorithm → the one at KMS. EdDSA is Ed25519 proper; its pre-hashed form is another scheme.
_KMS_ALGORITHMS = {
    "ES256": "ECDSA_SHA_256",
    "RS256": "RSASSA_PKCS1_V1_5_SHA_256",
    "EdDSA": "ED25519_SHA_512",
}


class KmsKeyMismatch(Exception):
    """A configured KMS key does not sign by SIGNING_ALGORITHM, or a key that is to sign is not configured."""


class SigningInputTooLong(Exception):
    """A token is longer than KMS signs: issuer, audience and scope are too long together."""


class KmsSigningKeys:
    """The configured asymmetric keys, by id or ARN, in the order of their use; none where KMS only wraps keys."""

    def __init__(self, client: KmsClient, key_ids: Sequence[str]) -> None:
        self._client = client
        self._key_ids = key_ids
        self._jwks: dict[str, dict[str, str]] = {}

    @property
    def is_configured(self) -> bool:
        return bool(self._key_ids)

    def jwks(self, algorithm: str) -> Iterator[dict[str, str]]:
        """Their public keys, each by one call in an environment's life. Raises Unavailable, KmsKeyMismatch."""
        for key_id in self._key_ids:
            yield self._jwk(key_id, algorithm)

    def sign(self, row: StoredKey, message: bytes) -> bytes:
        """The signature in JWS form (RFC 7518 §3). Raises Unavailable, SigningInputTooLong, KmsKeyMismatch."""
        if len(message) > MAX_MESSAGE_BYTES:
            raise SigningInputTooLong(
                f"{len(message)} bytes to sign, KMS takes {MAX_MESSAGE_BYTES}: fewer labels, or SIGNING_MODE=local"
            )
        answer = self._client.call(
            "sign",
            KeyId=self._key_id(row),
            Message=message,
            MessageType="RAW",
            SigningAlgorithm=_KMS_ALGORITHMS[row.algorithm],
        )
        signature: bytes = answer["Signature"]
        return raw_signature(signature) if row.algorithm == "ES256" else signature

    def _key_id(self, row: StoredKey) -> str:
        for key_id in self._key_ids:
            if self._jwk(key_id, row.algorithm)["kid"] == row.kid:
                return key_id
        raise KmsKeyMismatch(f"key {row.kid} signs, and SIGNING_KMS_KEY_IDS does not have it")

    def _jwk(self, key_id: str, algorithm: str) -> dict[str, str]:
        if key_id not in self._jwks:
            answer = self._client.call("get_public_key", KeyId=key_id)
            offered = answer["SigningAlgorithms"]
            if answer["KeyUsage"] != "SIGN_VERIFY" or _KMS_ALGORITHMS[algorithm] not in offered:
                raise KmsKeyMismatch(
                    f"{key_id} does not sign by {algorithm}: {answer['KeyUsage']}, {offered}"
                )
            self._jwks[key_id] = public_jwk(load_der_public_key(answer["PublicKey"]), algorithm)
        return self._jwks[key_id]


def raw_signature(der: bytes) -> bytes:
    """r | s in 64 bytes, from the DER that KMS returns without leading zeros (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")
