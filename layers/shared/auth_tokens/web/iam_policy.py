"""What a Lambda authorizer answers: an IAM policy, or the simple response of HTTP APIs."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Validated
from auth_tokens.domain.errors import InvalidProof
from auth_tokens.domain.route_scopes import METHODS, RouteScopes
from auth_tokens.web.request_head import SAFE_METHODS

Context = Mapping[str, str | int]

# arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/…; nothing before the method may hold a wildcard.
_STAGE_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:\d{12}:([A-Za-z0-9]+/[A-Za-z0-9_$-]+))/", re.ASCII
)
# What a policy reads as a wildcard or a variable.
_NOT_EXACT = re.compile(r"[*?]|\$\{")
_EVERYTHING = ["*"]
# Visible ASCII and the space, but for the separator and the mark of what is encoded.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",%")
_ENCODED = re.compile(f"[^{re.escape(_PLAIN)}]")
_EVERYTHING_SAFE = [f"{method}/*" for method in METHODS if method in SAFE_METHODS]


class UnknownArn(ValueError):
    """The event's ARN is not one of a stage: nothing can be allowed."""


def allow_policy(validated: Validated, method_arn: str, route_scopes: RouteScopes) -> dict[str, Any] | None:
    """Allow the routes of the API stage that this credential opens; None where it opens none.

    The policy has all of them, not just the requested one, as a gateway that caches it applies it to other routes. A
    key-bound token gets the requested one alone: its proof is for that one, and a cached policy shows as a 403.
    Raises InvalidProof where the requested route's name would open others.
    """
    match = _STAGE_ARN.match(method_arn)
    if not match:
        raise UnknownArn("method ARN")
    routes = _routes(validated, route_scopes)
    if validated.claims.jkt is not None:
        routes = _exactly(method_arn[match.end() :], routes)
    if not routes:
        return None
    return _policy(validated.claims.sub, "Allow", match[1], routes, context_of(validated))


def stage_of(arn: str) -> str | None:
    """`API_ID/STAGE` of a method's ARN; None for another ARN."""
    match = _STAGE_ARN.match(arn)
    return match[2] if match else None


def deny_policy(method_arn: str, context: Context) -> dict[str, Any]:
    """Deny the stage: for HTTP APIs with IAM responses, where an exception would be a 500, and for good
    credentials that are not enough, where `context` says why."""
    match = _STAGE_ARN.match(method_arn)
    return _policy("anonymous", "Deny", match[1] if match else "*", _EVERYTHING, context)


def context_of(validated: Validated) -> dict[str, str | int]:
    """The context for the integration: flat texts and numbers, never a token."""
    claims: AccessClaims = validated.claims
    context: dict[str, str | int] = {
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
        "labels": ",".join(map(_list_item, claims.labels)),
        "exp": claims.exp,
    }
    if claims.jkt is not None and validated.proof_id is not None:
        context |= {"jkt": claims.jkt, "proof_id": validated.proof_id}
    return context


def _list_item(label: str) -> str:
    """A label for a list that is split at commas. Visible ASCII characters and inner spaces stay; others, and `%` and
    `,`, are percent-encoded (RFC 3986 §2.1). API Gateway does not document other characters in a context, and a mapping
    may put them into a header."""
    return quote(label, safe=_PLAIN) if _ENCODED.search(label) else label


def _routes(validated: Validated, route_scopes: RouteScopes) -> list[str]:
    """A cookie without its CSRF token opens safe methods only, so that a cached policy does not let a POST pass."""
    if not route_scopes.routes:
        return _EVERYTHING if validated.may_change_state else _EVERYTHING_SAFE
    routes = route_scopes.open_to(validated.claims.scope)
    if validated.may_change_state:
        return routes
    return [route for route in routes if route.partition("/")[0] in SAFE_METHODS]


def _exactly(route: str, opened: list[str]) -> list[str]:
    """The one route, if it is among those that are opened."""
    if _NOT_EXACT.search(route):
        raise InvalidProof("a route that a policy reads as a pattern", with_token=True)
    return [route] if any(_covers(pattern, route) for pattern in opened) else []


def _covers(pattern: str, route: str) -> bool:
    """As IAM compares them: only `*` is not itself, and stands for any text."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), route, re.DOTALL) is not None


def _policy(principal: str, effect: str, stage: str, routes: list[str], context: Context) -> dict[str, Any]:
    resources = [f"{stage}/{route}" for route in routes] if stage != "*" else ["*"]
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": resources[0] if len(resources) == 1 else resources,
    }
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
