"""AWS KMS as the service calls it: Encrypt and Decrypt once a key and cold start; Sign only where KMS signs."""

from collections.abc import Callable
from typing import Any

from auth_tokens.domain.errors import Unavailable
from auth_tokens.time_left import call_within, seconds_left

# KMS answers within milliseconds. Two tries, with botocore's pause of up to a second between them, fit into the
# authorizer's 5 s together with its answer.
CONNECT_S, ANSWER_S = 0.5, 0.6
CALL_S = 2 * (CONNECT_S + ANSWER_S) + 1
# Importing boto3 and making a client cannot be interrupted. It takes this long at 512 MB.
MAKE_S = 1.0


class KmsClient:
    """make: builds the boto3 client at first need: importing boto3 costs more than the whole authorizer,
    and a function that holds no secret never needs it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer. Raises Unavailable, whether KMS is throttled, denied, disabled or out of reach."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            called = getattr(self._made(), operation)
            # botocore's own timeouts restart with each byte, and do not include the resolver's time.
            answer: dict[str, Any] = call_within(_timeout_s(CALL_S), lambda: called(**parameters))
        except TimeoutError as exc:
            raise Unavailable(f"kms {operation}: no answer in time") from exc
        except ClientError as exc:
            raise Unavailable(f"kms {operation}: {exc.response.get('Error', {}).get('Code')}") from exc
        except BotoCoreError as exc:
            raise Unavailable(f"kms {operation}: {type(exc).__name__}") from exc
        return answer

    def _made(self) -> Any:
        if self._client is None:
            if _timeout_s(MAKE_S) < MAKE_S:
                raise Unavailable("no time left for a client of kms")
            self._client = self._make()
        return self._client


def _timeout_s(at_most: float) -> float:
    left_s = seconds_left(at_most)
    if left_s <= 0:
        raise Unavailable("no time left for kms")
    return left_s


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
