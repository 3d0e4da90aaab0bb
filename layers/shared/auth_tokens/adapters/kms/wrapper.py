"""KMS Encrypt and Decrypt: the only two calls the service makes, once a key and cold start."""

from collections.abc import Callable
from typing import Any, Protocol

from auth_tokens.domain.errors import Unavailable


class KeyWrapper(Protocol):
    """Wraps key material (at most 4096 bytes) under the KMS key. Raises Unavailable."""

    def wrap(self, plaintext: bytes, context: dict[str, str]) -> bytes:
        """Ciphertext that opens only with the same context."""

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        """The plaintext again."""


class KmsKeyWrapper:
    """Port KeyWrapper by AWS KMS.

    make_client: builds the boto3 client at first need: importing boto3 costs more than the whole
    authorizer, and a function that holds no secret never needs it.
    """

    def __init__(self, key_id: str, make_client: Callable[[], Any]) -> None:
        self._key_id = key_id
        self._make_client = make_client
        self._client: Any = None

    def wrap(self, plaintext: bytes, context: dict[str, str]) -> bytes:
        answer = self._call("encrypt", Plaintext=plaintext, EncryptionContext=context)
        blob: bytes = answer["CiphertextBlob"]
        return blob

    def unwrap(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        answer = self._call("decrypt", CiphertextBlob=ciphertext, EncryptionContext=context)
        plaintext: bytes = answer["Plaintext"]
        return plaintext

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                self._client = self._make_client()
            answer: dict[str, Any] = getattr(self._client, operation)(KeyId=self._key_id, **parameters)
        except (BotoCoreError, ClientError) as exc:
            raise Unavailable(f"kms {operation}: {type(exc).__name__}") from exc
        return answer


def kms_client() -> Any:
    """A client with timeouts that fit a request: two tries of two seconds."""
    import boto3
    from botocore.config import Config

    timeouts = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2})
    return boto3.client("kms", config=timeouts)
