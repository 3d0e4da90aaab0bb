"""Everything the service refuses or cannot do, as one tree.

`description` is public; `detail` goes to the log only. A description says which rule refused wherever its caller may
know that: because they sent it, hold it, or proved before who they are. Otherwise there is one text for all causes.
web/responses.py maps errors to HTTP statuses.
"""

from collections.abc import Mapping
from typing import Self

NO_USER_ID = "user_id must be the id of a user, as access tokens have it in sub."
# Of an access token whose signature is ours: whoever holds it can read its `exp`.
EXPIRED = "The access token has expired."
# The caller is in the user's own browser: a page of another site is refused before, and cannot read the answer.
CSRF_TOKEN_NEEDED = "X-CSRF-Token is missing or not that of this session; GET /auth/session returns it."


class TokenServiceError(Exception):
    """Base of all expected failures; `code` is the OAuth error code answered."""

    code = "server_error"
    description = "The request could not be completed."

    def __init__(self, detail: str = "", description: str = "") -> None:
        """description: of this cause, in the place of the one for all."""
        self.description = description or self.description
        super().__init__(detail or self.description)
        self.detail = detail
        self.about: Mapping[str, str] = {}
        # For the answer to a request that brought a good proof: the nonce of the next one (RFC 9449 §8.2).
        self.next_nonce: str | None = None

    def of(self, ids: Mapping[str, str]) -> Self:
        """This error, with ids for the log line of the proven owner of the request. Never a secret."""
        self.about = {**self.about, **ids}
        return self


class _Described(TokenServiceError):
    """A failure whose public description is chosen where it is raised."""

    def __init__(self, description: str, detail: str = "") -> None:
        super().__init__(detail or description, description)


class InvalidRequest(_Described):
    """Malformed, missing, repeated or oversized parameter; the text names it (RFC 6749 §5.2)."""

    code = "invalid_request"


class UnsupportedGrantType(TokenServiceError):
    code = "unsupported_grant_type"
    description = "grant_type must be refresh_token or urn:ietf:params:oauth:grant-type:token-exchange."


class InvalidClient(TokenServiceError):
    """An unknown client, or one that tries to authenticate: all clients are public (RFC 6749 §5.2)."""

    code = "invalid_client"
    description = (
        "client_id is not a client of this service, or client authentication was tried: there is none."
    )


class InvalidScope(TokenServiceError):
    code = "invalid_scope"
    description = "scope is malformed or asks for more than may be granted."


class InvalidTarget(_Described):
    """A token for a place of the caller's choice is not issued here (RFC 8693 §2.2.2); the text names the parameter."""

    code = "invalid_target"


class InvalidGrant(TokenServiceError):
    """Unknown, expired, revoked, reused or bound elsewhere: one public text for all (RFC 6749 §5.2).

    is_forged: never issued by this service, which is known without I/O. It counts for the limit of guesses; the caller
    does not learn it.
    """

    code = "invalid_grant"
    description = "The token is not valid."

    def __init__(self, detail: str = "", *, is_forged: bool = False) -> None:
        super().__init__(detail)
        self.is_forged = is_forged


class InvalidCredentials(TokenServiceError):
    """Unknown user, wrong password, disabled user: one public text, one cost."""

    code = "invalid_credentials"
    description = "User name or password is wrong."


class MissingCredential(TokenServiceError):
    """No credential at all: a challenge without error code (RFC 6750 §3.1)."""

    code = ""
    description = "A credential is needed."


class InvalidAccessToken(TokenServiceError):
    """Access token or session not valid (RFC 6750 §3.1): one text, but for EXPIRED."""

    code = "invalid_token"
    description = "The access token is not valid."


class ProofRefused(TokenServiceError):
    """A DPoP proof is not taken (RFC 9449 §5, §7.1). with_token: it came with an access token, so the answer is a
    challenge."""

    code = "invalid_dpop_proof"
    description = "The DPoP proof is not valid."

    def __init__(self, detail: str = "", *, with_token: bool = False) -> None:
        super().__init__(detail)
        self.with_token = with_token


class InvalidProof(ProofRefused):
    """Not valid, or not there: one public text; `detail` names the check that failed."""


class ProofOfAnotherTime(ProofRefused):
    """The client can mend this one, so its text says what is wrong."""

    description = "iat is too far from the server's time."


class NonceNeeded(ProofRefused):
    """The proof lacks a nonce of this service, or has an old one; next_nonce: the one to use (RFC 9449 §8, §9)."""

    code = "use_dpop_nonce"
    description = "The proof needs the nonce that this answer gives."

    def __init__(self, nonce: str) -> None:
        super().__init__("nonce")
        self.next_nonce = nonce


class AccessDenied(TokenServiceError):
    """Who may know the rule that refused is told it: each place that raises it says why. The one text for all is of
    requests that came around the edge or without a signature."""

    code = "access_denied"
    description = "This is not allowed."


class SessionLimitReached(TokenServiceError):
    code = "session_limit_reached"
    description = "The user has as many sessions as allowed."


class InsufficientScope(TokenServiceError):
    """A good credential of too little scope (RFC 6750 §3.1); scope: space-separated, what is needed."""

    code = "insufficient_scope"
    description = "The access token's scope does not reach this far."

    def __init__(self, scope: str) -> None:
        super().__init__("scope")
        self.scope = scope


class StepUpNeeded(TokenServiceError):
    """A good credential from too weak or too old an authentication (RFC 9470 §3).

    acr_values: any of them would do, empty: not the fault; max_age_s: likewise, None.
    """

    code = "insufficient_user_authentication"
    description = "A stronger or more recent authentication is needed."

    def __init__(self, acr_values: tuple[str, ...], max_age_s: int | None) -> None:
        super().__init__("authentication")
        self.acr_values = acr_values
        self.max_age_s = max_age_s


class UnmetAuthenticationRequirements(TokenServiceError):
    """A password does not reach the authentication that is asked for, or is weaker than the session's own (RFC 9470
    §5). No password was looked at."""

    code = "unmet_authentication_requirements"
    description = "A password does not reach the authentication that is needed."


class NotFound(TokenServiceError):
    code = "not_found"
    description = "There is no such resource."


class OtherHistory(TokenServiceError):
    """A cursor of the revocations that does not belong to the log as it is: after a restore, or after a long time."""

    code = "other_history"
    description = "The cursor belongs to another history; ask without it."


class RateLimited(TokenServiceError):
    """Too many attempts (RFC 6585 §4); retry_after_s: whole seconds until one is allowed again."""

    code = "rate_limited"
    description = "Too many attempts; try again later."

    def __init__(self, retry_after_s: int, detail: str = "") -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(TokenServiceError):
    """Store or key service out of reach, or contention not resolved in budget; retryable.

    is_contention: the store is up, and other transactions held the rows (deadlock, lock wait).
    """

    code = "temporarily_unavailable"
    description = "The service is temporarily unavailable; try again."

    def __init__(self, detail: str, retry_after_s: int = 1, *, is_contention: bool = False) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.is_contention = is_contention
