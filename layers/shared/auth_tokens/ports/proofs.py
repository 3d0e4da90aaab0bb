"""DPoP proofs (RFC 9449): how one is read, and what a use case asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # types alone, and every start would pay for them
    from auth_tokens.domain.dpop.presented import PresentedProof
    from auth_tokens.domain.dpop.proofs import Proof


class ProofReader(Protocol):
    def read(
        self, presented: PresentedProof, now: int, *, jkt: str | None = None, token: str | None = None
    ) -> Proof:
        """A proof whose form, key, claims and signature are good, at no statement. jkt: of the one key that it may be
        by, None for any; token: the access token that it comes with. Raises ProofRefused."""


class SeenProofs(Protocol):
    def is_first(self, proof_id: bytes, now: int) -> bool:
        """Is this proof new here? It is remembered then."""


class TokenProofs(Protocol):
    def of_token(self, presented: PresentedProof, token: str, jkt: str, now: int) -> str:
        """The id of the proof of a key-bound access token. Raises ProofRefused, Unavailable."""

    def next_nonce(self, now: int) -> str | None:
        """For the answer to a good proof; None where the service asks for no nonce. Raises Unavailable."""
