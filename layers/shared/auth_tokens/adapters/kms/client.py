"""AWS KMS as the service calls it: Encrypt and Decrypt once a key and cold start; Sign only where KMS signs."""

from collections.abc import Callable
from typing import Any

from auth_tokens.domain.errors import Unavailable
from auth_tokens.time_left import seconds_left

# KMS answers within milliseconds. Two tries, with botocore's pause of up to a second between them, fit into what the
# authorizer's 5 s leave beside its answer.
CONNECT_S, ANSWER_S = 0.5, 0.6
CALL_S = 2 * (CONNECT_S + ANSWER_S) + 1


class KmsClient:
    """make: builds the boto3 client at first need: importing boto3 costs more than the whole authorizer,
    and a function that holds no secret never needs it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer. Raises Unavailable: throttled, denied, disabled, out of reach are one to a caller."""
        from botocore.exceptions import BotoCoreError, ClientError

        if seconds_left(CALL_S) < CALL_S:
            raise Unavailable(f"no time left for kms {operation}")
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
    """A client with timeouts that fit a request: two tries, CALL_S at most."""
    import boto3
    from botocore.config import Config

    timeouts = Config(
        connect_timeout=CONNECT_S,
        read_timeout=ANSWER_S,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return boto3.client("kms", config=timeouts)
