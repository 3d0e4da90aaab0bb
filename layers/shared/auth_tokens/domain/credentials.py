"""The credential that a request brings, and the result of its validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from auth_tokens.domain.claims import AccessClaims

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.domain.dpop.presented import PresentedProof


class Transport(Enum):
    """How a credential came; a cookie needs CSRF defence, a header does not."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """As the request had it. changes_state: the method is not a safe one; csrf_token: header X-CSRF-Token; proof:
    where the token came by the scheme `DPoP`, None by another way."""

    transport: Transport
    text: str = field(repr=False)
    changes_state: bool = False
    csrf_token: str | None = field(default=None, repr=False)
    proof: PresentedProof | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """A good credential. may_change_state: False for a cookie without its CSRF token, which is good for safe
    methods only; labels: all labels of a browser session's user, for rules to decide on, as the claims carry only what
    fits; csrf_token: the one that belongs to the cookie; proof_id: of the proof of a key-bound token; username: None
    for an access token."""

    claims: AccessClaims
    transport: Transport
    may_change_state: bool = True
    labels: frozenset[str] = frozenset()
    csrf_token: str | None = field(default=None, repr=False)
    proof_id: str | None = None
    username: str | None = None
