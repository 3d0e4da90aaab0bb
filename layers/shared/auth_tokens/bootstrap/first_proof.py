"""DPoP proofs, for all that may get one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from auth_tokens.bootstrap.container import Container, singleton

if TYPE_CHECKING:  # what it names comes with the first proof
    from auth_tokens.domain.dpop.presented import PresentedProof
    from auth_tokens.usecases.proofs import ProofChecks


class FirstProof:
    """Those members of usecases.proofs.ProofChecks that callers need. Most environments never see a proof, so what
    checks it is loaded with the first one. is_own: for the service's own routes."""

    def __init__(self, shared: Container, *, is_own: bool) -> None:
        self._shared = shared
        self._is_own = is_own

    def of_token(self, presented: PresentedProof, token: str, jkt: str, now: int) -> str:
        return self._checks.of_token(presented, token, jkt, now)

    def of_request(self, presented: PresentedProof, now: int) -> str:
        return self._checks.of_request(presented, now)

    def next_nonce(self, now: int) -> str | None:
        return self._checks.next_nonce(now)

    @cached_property
    def _checks(self) -> ProofChecks:
        if self._is_own:
            from auth_tokens.bootstrap.own_proofs import proofs_here

            return proofs_here(self._shared)
        from auth_tokens.bootstrap.proofs import proofs

        return proofs(self._shared)


@singleton
def own_proofs(shared: Container) -> FirstProof:
    """At the service's own routes."""
    return FirstProof(shared, is_own=True)
