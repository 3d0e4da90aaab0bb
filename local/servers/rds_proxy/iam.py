"""Verifies an RDS IAM token: a presigned request for the service rds-db, without its scheme, used as password."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from local.http.messages import GatewayRequest
from local.http.sigv4 import SignatureError, SigningKey, verify

MAX_AGE_S = 900


def signing_key(environment: Mapping[str, str]) -> SigningKey:
    """The key that a function signs its tokens with. environment: its AWS_* variables."""
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
    """The token is not valid. The text says why; the client gets error 1045, as for a wrong password."""


def check_token(token: str, user: str, at: str, key: SigningKey, now: float) -> None:
    """Returns if the key signed this token for this user and proxy within the last 15 minutes.

    at: the proxy's `host:port`. now: epoch seconds. Raises TokenRefused.
    """
    address, _, query = token.partition("/?")
    parameters = parse_qsl(query, keep_blank_values=True)
    fields = dict(parameters)
    if len(fields) != len(parameters):
        raise TokenRefused("a parameter occurs twice")
    if address != at:
        raise TokenRefused(f"the token is for {address[:100]}, this is {at}")
    if (fields.get("Action"), fields.get("DBUser")) != ("connect", user):
        raise TokenRefused(
            f"the token is for {fields.get('Action')} as {fields.get('DBUser')}, not as {user}"
        )
    if fields.get("X-Amz-SignedHeaders") != "host":
        raise TokenRefused("the token has to sign the host and nothing else")
    expires = fields.get("X-Amz-Expires", "")
    if not expires.isdecimal() or int(expires) > MAX_AGE_S:
        raise TokenRefused("the token is valid for more than 15 minutes")
    try:
        verify(GatewayRequest("GET", "/", query, (("Host", address),)), [key], now)
    except SignatureError as exc:
        raise TokenRefused(str(exc)) from exc
