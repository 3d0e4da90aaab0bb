"""An account at moto within this process, beside the one of the local stacks, which it must not empty."""

import contextlib
from collections.abc import Iterator

import pytest
from moto import mock_aws
from moto.backends import get_backend

from local.templates.arns import ACCOUNT_ID

# moto keeps one state for the process, by account and Region: local stacks have eu-west-1.
REGION = "eu-central-1"
SERVICES = (
    "cloudformation",
    "cloudwatch",
    "events",
    "kms",
    "lambda",
    "rdsdata",
    "scheduler",
    "secretsmanager",
    "sqs",
)


@contextlib.contextmanager
def empty_account(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS clients of this process reach it in REGION, which is empty."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        patch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    patch.setenv("AWS_DEFAULT_REGION", REGION)
    for service in SERVICES:
        get_backend(service)[ACCOUNT_ID][REGION].reset()  # type: ignore[call-overload]
    mock = mock_aws()
    mock.start(reset=False)
    try:
        yield
    finally:
        mock.stop(remove_data=False)
