"""AWS KMS as the service calls it: Encrypt and Decrypt once a key and cold start; Sign only where KMS signs."""

from collections.abc import Callable
from typing import Any

from auth_tokens.domain.errors import Unavailable


class KmsClient:
    """make: builds the boto3 client at first need: importing boto3 costs more than the whole authorizer,
    and a function that holds no secret never needs it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer. Raises Unavailable: throttled, denied, disabled, out of reach are one to a caller."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                self._client = self._make()
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except ClientError as exc:
            raise Unavailable(f"kms {operation}: {exc.response.get('Error', {}).get('Code')}") from exc
        except BotoCoreError as exc:
            raise Unavailable(f"kms {operation}: {type(exc).__name__}") from exc
        return answer


def kms_client() -> Any:
    """A client with timeouts that fit a request: two tries of two seconds."""
    import boto3
    from botocore.config import Config

    timeouts = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2})
    return boto3.client("kms", config=timeouts)
