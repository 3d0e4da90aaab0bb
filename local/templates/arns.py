"""The AWS account that local mode stands for, and the ARNs in it."""

from __future__ import annotations

REGION = "eu-west-1"
ACCOUNT_ID = "123456789012"
PARTITION = "aws"


def function_arn(logical_id: str) -> str:
    return f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT_ID}:function:{logical_id}"


def method_arn(api_id: str, stage: str, method: str, path: str) -> str:
    """The ARN that an authorizer's policy is evaluated against. path: of the request, not of the route."""
    return f"arn:{PARTITION}:execute-api:{REGION}:{ACCOUNT_ID}:{api_id}/{stage}/{method}{path}"


def domain_name(api_id: str) -> str:
    return f"{api_id}.execute-api.{REGION}.amazonaws.com"
