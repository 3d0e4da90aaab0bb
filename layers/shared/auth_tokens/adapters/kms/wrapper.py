"""Key material under the one symmetric KMS key, each purpose under its own encryption context."""

from typing import Protocol

from auth_tokens.adapters.kms.client import KmsClient
from auth_tokens.domain.keys import Purpose


class KeyWrapper(Protocol):
    """Wraps key material (at most 4096 bytes) under the KMS key. Raises Unavailable."""

    def wrap(self, plaintext: bytes, context: dict[str, str]) -> bytes:
        """Ciphertext that opens only with the same context."""

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        """The plaintext again."""


class KmsKeyWrapper:
    """Port KeyWrapper by AWS KMS."""

    def __init__(self, key_id: str, client: KmsClient) -> None:
        self._key_id = key_id
        self._client = client

    def wrap(self, plaintext: bytes, context: dict[str, str]) -> bytes:
        answer = self._client.call(
            "encrypt", KeyId=self._key_id, Plaintext=plaintext, EncryptionContext=context
        )
        blob: bytes = answer["CiphertextBlob"]
        return blob

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        answer = self._client.call(
            "decrypt", KeyId=self._key_id, CiphertextBlob=ciphertext, EncryptionContext=context
        )
        plaintext: bytes = answer["Plaintext"]
        return plaintext


def context_of(kid: str, purpose: Purpose) -> dict[str, str]:
    """The encryption context: IAM conditions name the purpose, and the kid ties a ciphertext to its row."""
    return {"purpose": purpose.value, "kid": kid}
