"""Calls to AWS whose failures are one sentence for the administrator: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

_SIGN_IN = "sign in (`aws sso login`, `aws configure`), or name a profile by --profile or AWS_PROFILE"
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    SSOError,
    TokenRetrievalError,
)
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "403"}
_UNKNOWN_KEYS = {
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "AuthFailure",
}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


class Failed(Exception):
    """One sentence that names what and says what to do. code: AWS's own, empty where it did not answer."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class Aws:
    """An account and a Region, as the environment or the arguments name them."""

    def __init__(self, region: str | None = None, profile: str | None = None) -> None:
        """Raises Failed for a profile that is not there."""
        import boto3

        self._clients: dict[str, Any] = {}
        try:
            self._session = boto3.session.Session(region_name=region, profile_name=profile)
        except ProfileNotFound as exc:
            raise Failed(
                f"There is no profile {exc.kwargs['profile']}: `aws configure list-profiles` lists them."
            ) from exc

    @property
    def region(self) -> str:
        """Empty where none is set."""
        return self._session.region_name or ""

    def credentials(self) -> Any:
        """Those of the usual chain, frozen; None where there are none. Raises BotoCoreError."""
        found = self._session.get_credentials()
        return found.get_frozen_credentials() if found else None

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """What an operation (in snake case) answers. Raises Failed."""
        try:
            return getattr(self._client(service), operation)(**parameters)
        except (BotoCoreError, ClientError) as exc:
            raise self._failed(exc, service, operation) from exc

    def each(self, service: str, operation: str, member: str, **parameters: Any) -> Iterator[Any]:
        """The items of all pages of a list. member: that holds them. Raises Failed."""
        try:
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page[member]
        except (BotoCoreError, ClientError) as exc:
            raise self._failed(exc, service, operation) from exc

    def _client(self, service: str) -> Any:
        """Made once: it takes up to half a second."""
        if service not in self._clients:
            config = Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 2})
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]

    def _failed(self, exc: BotoCoreError | ClientError, service: str, operation: str) -> Failed:
        if isinstance(exc, ClientError):
            return _refused(exc, service, operation, self.region)
        return Failed(_unasked(exc, service, self.region))


def _unasked(exc: BotoCoreError, service: str, region: str) -> str:
    """Why the question did not get to AWS, or no answer came back."""
    match exc:
        case NoRegionError():
            return "No AWS Region is set: give --region, or set AWS_DEFAULT_REGION."
        case _ if isinstance(exc, _NO_CREDENTIALS):
            return f"There are no usable AWS credentials ({exc}): {_SIGN_IN}."
        case ConnectionError() | HTTPClientError():
            return f"{service} in {region} cannot be reached ({exc}): look at the network, a proxy, the Region's name."
    return f"{service} was not asked: {exc}."


def _refused(exc: ClientError, service: str, operation: str, region: str) -> Failed:
    error = exc.response.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", "")).rstrip(".")
    action = f"{service}:{_pascal(service, operation)}"
    if code in _EXPIRED:
        sentence = f"The AWS credentials have expired: {_SIGN_IN}."
    elif code in _UNKNOWN_KEYS:
        sentence = f"AWS does not know these credentials ({code}): {_SIGN_IN}."
    elif code in _DENIED:
        sentence = f"These credentials may not do {action} ({message}): ask for that right, or use others."
    elif code in _THROTTLED:
        sentence = f"AWS has too many calls of {action} from this account: try again in a minute."
    else:
        sentence = f"AWS refuses {action} in {region}: {code}: {message}."
    return Failed(sentence, code)


def _pascal(service: str, operation: str) -> str:
    """describe_stacks → DescribeStacks, as IAM names it."""
    import botocore.session

    names = botocore.session.get_session().get_service_model(service).operation_names
    return next((name for name in names if xform_name(name) == operation), operation)
