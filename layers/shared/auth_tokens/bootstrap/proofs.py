"""What checks DPoP proofs (RFC 9449), loaded by bootstrap.first_proof."""

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.bootstrap.container import Container
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place
from auth_tokens.usecases.proofs import ProofChecks


def proofs(shared: Container, nonces: Nonces | None = None, own: Place | None = None) -> ProofChecks:
    """With a memory of its own. nonces, own: as of ProofChecks; none for the authorizer, whose answers carry none."""
    memory = ReplayMemory(lambda: shared.telemetry.count("DpopMemoryFull"))
    return ProofChecks(ProofVerifier(), memory, shared.telemetry, nonces, own)
