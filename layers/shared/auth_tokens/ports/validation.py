"""Is a credential still in force? The authorizer and the service's own routes check it in different ways."""

from typing import Protocol

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Credential, Validated
from auth_tokens.domain.requirements import Requirements
from auth_tokens.domain.rotation import Reuse


class TokensInForce(Protocol):
    """Fails closed."""

    def in_force(self, claims: AccessClaims, text: str, now: int) -> AccessClaims:
        """The claims of a verified access token, as far as they hold now. text: the token itself.

        Raises InvalidAccessToken, Unavailable.
        """


class CookieSessions(Protocol):
    def validated(self, credential: Credential, requirements: Requirements, now: int) -> Validated:
        """The result for a good browser session, whose use is recorded. Raises as usecases.validate.validate."""


class ReuseHandler(Protocol):
    def handle(self, reuse: Reuse, now: int) -> None:
        """Handles a spent cookie that is presented again, before it is refused. Raises Unavailable."""
