"""DPoP proofs at the service's own routes, loaded by bootstrap.first_proof."""

from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.keys import keys
from auth_tokens.bootstrap.proofs import proofs
from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.places import place_of
from auth_tokens.usecases.proofs import ProofChecks


def proofs_here(shared: Container) -> ProofChecks:
    """At the address that is the service's issuer, with nonces unless the setting says otherwise."""
    asks = shared.settings.dpop_nonce == "on"
    nonces = Nonces(lambda step: keys(shared).pseudonym("dpop-nonce", step)) if asks else None
    issuer = place_of(shared.settings.issuer)
    return proofs(shared, nonces, issuer._replace(path=issuer.path.rstrip("/")))
