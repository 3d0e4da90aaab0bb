"""What a Lambda authorizer answers: an IAM policy, or the simple response of HTTP APIs."""

import re
from typing import Any

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.usecases.validate import Validated

# arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/…; nothing before the method may hold a wildcard.
_STAGE_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:\d{12}:[A-Za-z0-9]+/[A-Za-z0-9_$-]+)/", re.ASCII
)


class UnknownArn(ValueError):
    """The event's ARN is not one of a stage: nothing can be allowed."""


def allow_policy(validated: Validated, method_arn: str) -> dict[str, Any]:
    """Allow every method of the API stage in question, and nothing else.

    Not the one method asked for: a gateway that caches this answer applies it to the next route, too.
    """
    match = _STAGE_ARN.match(method_arn)
    if not match:
        raise UnknownArn("method ARN")
    return _policy(validated.claims.sub, "Allow", f"{match[1]}/*", context_of(validated))


def deny_policy(method_arn: str) -> dict[str, Any]:
    """Deny the stage; for HTTP APIs with IAM responses, where an exception would be a 500."""
    match = _STAGE_ARN.match(method_arn)
    return _policy("anonymous", "Deny", f"{match[1]}/*" if match else "*", {})


def context_of(validated: Validated) -> dict[str, str | int]:
    """What the integration learns of the caller: flat texts and numbers, never a token."""
    claims: AccessClaims = validated.claims
    return {
        "sub": claims.sub,
        "sid": claims.sid,
        "jti": claims.jti or "",
        "scope": claims.scope,
        "client_id": claims.client_id,
        "device_id": claims.device_id,
        "token_type": "access" if claims.jti else "session",
        "auth_time": claims.auth_time,
        "acr": claims.acr,
        "amr": " ".join(claims.amr),
        "labels": ",".join(claims.labels),
        "exp": claims.exp,
    }


def _policy(principal: str, effect: str, resource: str, context: dict[str, str | int]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
