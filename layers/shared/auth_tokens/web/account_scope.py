"""The account scope: which credentials open the routes about all of a user's sessions and devices."""

from auth_tokens.domain.credentials import Transport, Validated
from auth_tokens.domain.errors import InsufficientScope


def require_account_scope(caller: Validated, scope: str) -> Validated:
    """The caller, if its credential may list and end the user's other sessions and devices.

    A browser's cookie is sent to this service alone. An access token is sent to other APIs, each of which could misuse
    it here, so it needs a scope that no other API asks for (setting ACCOUNT_SCOPE; empty: any token is accepted).
    Raises InsufficientScope (RFC 6750 §3.1).
    """
    if caller.transport is Transport.BEARER and not set(scope.split()) <= set(caller.claims.scope.split()):
        raise InsufficientScope(scope).of(caller.claims.ids)
    return caller
