"""The key that a request for tokens proves to hold (RFC 9449 §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.domain.grants import SessionOptions
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.ports.clock import Clock
from auth_tokens.web.requests import Request

if TYPE_CHECKING:  # a type alone, and every start would pay for it
    from auth_tokens.domain.dpop.presented import PresentedProof


class RequestProofs(Protocol):
    def of_request(self, presented: PresentedProof, now: int) -> str:
        """The thumbprint of the key. Raises ProofRefused, Unavailable."""


def proven_key(request: Request, proofs: RequestProofs, clock: Clock) -> str | None:
    """The thumbprint of the key whose proof comes with the request; None without a proof. Before any statement, so that
    a refused proof spends nothing. Raises ProofRefused, Unavailable."""
    if "dpop" not in request.headers:
        return None
    # Its module, and what checks a proof, is loaded with the first one.
    from auth_tokens.web.proofs import presented_proof

    presented = presented_proof(request)
    return proofs.of_request(presented, clock()) if presented else None


def bound_options(options: SessionOptions, jkt: str | None, *, binds: bool = True) -> SessionOptions:
    """The options of a session that is bound to a key, if one is proven. binds: the setting.

    Raises InvalidRequest for a cookie, which is never bound: its client must not believe that it is.
    """
    if jkt is not None and options.kind is TokenKind.SESSION:
        raise InvalidRequest("mode must not be cookie where a key is to be bound.")
    return replace(options, jkt=jkt if binds else None)
