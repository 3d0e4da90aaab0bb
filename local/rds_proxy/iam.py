"""Verifies an RDS IAM token: a presigned request for service rds-db, without its scheme, for a password."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from local.gateway.messages import GatewayRequest
from local.gateway.sigv4 import SignatureError, SigningKey, verify

MAX_AGE_S = 900


def signing_key(environment: Mapping[str, str]) -> SigningKey:
    """What a function signs its tokens with. environment: the AWS_* variables of its credentials and region."""
    return SigningKey(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        user_id="functions",
        user_arn="",
        session_token=environment.get("AWS_SESSION_TOKEN", ""),
        region=environment["AWS_REGION"],
        service="rds-db",
    )


class TokenRefused(Exception):
    """The text says why; a client hears 1045, like for a wrong password."""


def check_token(token: str, user: str, host: str, port: int, key: SigningKey, now: float) -> None:
    """Returns if the key's owner signed in this user at this proxy within the last 15 minutes.

    now: epoch seconds. Raises TokenRefused.
    """
    address, _, query = token.partition("/?")
    parameters = parse_qsl(query, keep_blank_values=True)
    fields = dict(parameters)
    if len(fields) != len(parameters):
        raise TokenRefused("a parameter is there twice")
    if address != f"{host}:{port}":
        raise TokenRefused(f"the token is for {address[:100]}, this is {host}:{port}")
    if (fields.get("Action"), fields.get("DBUser")) != ("connect", user):
        raise TokenRefused(
            f"the token is for {fields.get('Action')} as {fields.get('DBUser')}, not as {user}"
        )
    if fields.get("X-Amz-SignedHeaders") != "host":
        raise TokenRefused("the token does not sign the host alone")
    expires = fields.get("X-Amz-Expires", "")
    if not expires.isdecimal() or int(expires) > MAX_AGE_S:
        raise TokenRefused("the token would live for more than 15 minutes")
    try:
        verify(GatewayRequest("GET", "/", query, (("Host", address),)), [key], now)
    except SignatureError as exc:
        raise TokenRefused(str(exc)) from exc
