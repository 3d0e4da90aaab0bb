"""The service's own routes about all of a user's sessions and devices: whose credential opens them."""

from auth_tokens.domain.credentials import Transport, Validated
from auth_tokens.domain.errors import InsufficientScope


def require_account_scope(caller: Validated, scope: str) -> Validated:
    """The caller, where it may see and end the user's other sessions and devices.

    A browser's cookie goes to this service alone. An access token goes to every API that takes it, and any of them
    could pass it on, so it must have the scope (setting ACCOUNT_SCOPE; empty: any token will do) that no other API
    asks for. Raises InsufficientScope (RFC 6750 §3.1).
    """
    if caller.transport is Transport.BEARER and not set(scope.split()) <= set(caller.claims.scope.split()):
        raise InsufficientScope(scope).of(caller.claims.ids)
    return caller
