"""The local AWS services can be taken away for a while."""

from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from local.servers.aws import LocalAws


def test_kms_refuses_connections_while_it_is_away_and_has_its_key_afterwards(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path)
    aws.start()
    try:
        at = aws.environment
        kms = boto3.client(
            "kms",
            endpoint_url=at["AWS_ENDPOINT_URL"],
            region_name=at["AWS_REGION"],
            aws_access_key_id=at["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=at["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        sealed = kms.encrypt(KeyId=aws.key_id, Plaintext=b"kept")["CiphertextBlob"]

        aws.go_away()
        with pytest.raises(EndpointConnectionError):
            kms.decrypt(CiphertextBlob=sealed)
        aws.come_back()

        assert aws.environment == at
        assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"kept"
    finally:
        aws.stop()
