"""KMS as the service's client sees it, with faults that moto does not know: it goes on with disabled keys."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError

from auth_tokens.adapters.kms.client import kms_client
from tests.support import wiring

FAULTS = {
    "throttled": ClientError({"Error": {"Code": "ThrottlingException"}}, "Decrypt"),
    "denied": ClientError({"Error": {"Code": "AccessDeniedException"}}, "Decrypt"),
    "key disabled": ClientError({"Error": {"Code": "DisabledException"}}, "Decrypt"),
    "key pending deletion": ClientError({"Error": {"Code": "KMSInvalidStateException"}}, "Decrypt"),
    "region out": ConnectTimeoutError(endpoint_url="https://kms.eu-west-1.amazonaws.com"),
}


def shared_client() -> Any:
    """One boto3 client for all environments of this process: to make one takes longer than all its calls of a start."""
    return _client_at(os.environ["AWS_ENDPOINT_URL"])


@cache
def _client_at(endpoint: str) -> Any:
    return kms_client()


class WatchedKms:
    """Stands where the boto3 client stands: notes each call, passes it on to moto, or fails."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fault: Exception | None = None
        self._client = kms_client()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            purpose = parameters.get("EncryptionContext", {}).get("purpose", "")
            self.calls.append(f"{operation} {purpose}".strip())
            if self.fault:
                raise self.fault
            return getattr(self._client, operation)(**parameters)

        return call


def watched(environment: wiring.Container) -> WatchedKms:
    """Watches the KMS of an environment that has not called it yet."""
    kms = WatchedKms()
    environment.kms._client = kms
    return kms
