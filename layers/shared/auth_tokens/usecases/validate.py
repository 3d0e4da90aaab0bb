"""Validation of a credential: one use case for the authorizer and for the service's own routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auth_tokens.domain.credentials import Credential, Transport, Validated
from auth_tokens.domain.errors import InvalidAccessToken, TokenServiceError
from auth_tokens.domain.requirements import Requirements

if TYPE_CHECKING:  # types alone, and the authorizer's every start would pay for them
    from auth_tokens.domain.claims import AccessClaims
    from auth_tokens.ports.clock import Clock
    from auth_tokens.ports.keys import Verifier
    from auth_tokens.ports.proofs import TokenProofs
    from auth_tokens.ports.validation import CookieSessions, TokensInForce


@dataclass(frozen=True, slots=True)
class ValidateDeps:
    """Dependencies of validate. tokens: whether access tokens are still in force; cookies: the whole validation of
    browser sessions; proofs: of access tokens that are bound to a key."""

    verifier: Verifier
    tokens: TokensInForce
    cookies: CookieSessions
    proofs: TokenProofs
    clock: Clock
    requirements: Requirements = field(default=Requirements(), kw_only=True)


def validate(credential: Credential, deps: ValidateDeps) -> Validated:
    """The claims of a good credential: access token (JWT) or browser session (cookie). Where the database is read,
    their scope is what remains of the granted scope.

    Raises InvalidAccessToken, ProofRefused, AccessDenied (CSRF token missing or wrong), InsufficientScope and
    StepUpNeeded (the deployment's requirements), Unavailable. RFC 6750, RFC 9068 §4, RFC 9449 §7.
    """
    now = deps.clock()
    if credential.transport is Transport.COOKIE:
        return deps.cookies.validated(credential, deps.requirements, now)
    claims = deps.verifier.verify(credential.text, now)
    try:
        proof_id = proof_id_of(credential, claims, deps.proofs, now)
        claims = deps.tokens.in_force(claims, credential.text, now)
        deps.requirements.check(claims, now)
    except TokenServiceError as exc:
        exc.of(claims.ids)
        raise
    return Validated(claims, credential.transport, proof_id=proof_id)


def proof_id_of(credential: Credential, claims: AccessClaims, proofs: TokenProofs, now: int) -> str | None:
    """The id of a key-bound token's proof; before any statement. A bearer token has none.

    Raises InvalidAccessToken, ProofRefused, Unavailable.
    """
    if claims.jkt is None:
        if credential.proof is not None:
            raise InvalidAccessToken("bound to no key")  # RFC 9449 §7.1
        return None
    if credential.proof is None:
        raise InvalidAccessToken("bound to a key")  # RFC 9449 §7.2
    return proofs.of_token(credential.proof, credential.text, claims.jkt, now)
