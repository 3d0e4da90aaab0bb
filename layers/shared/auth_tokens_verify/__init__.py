"""Verifies access tokens of the token service in an API of your own: signature, claims, revocations, requirements.

The rules are the authorizer's own code; what is here fetches keys and revocations over HTTP, and fits frameworks.
"""

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import (
    InsufficientScope,
    InvalidAccessToken,
    MissingCredential,
    ProofRefused,
    StepUpNeeded,
    TokenServiceError,
    Unavailable,
)
from auth_tokens_verify.verifier import Refusal, RequestClaims, Verifier

__all__ = [
    "AccessClaims",
    "InsufficientScope",
    "InvalidAccessToken",
    "MissingCredential",
    "ProofRefused",
    "Refusal",
    "RequestClaims",
    "StepUpNeeded",
    "TokenServiceError",
    "Unavailable",
    "Verifier",
]
