"""A DPoP proof is checked (RFC 9449): with a key-bound access token, or where a token is asked for."""

from dataclasses import dataclass, replace

from auth_tokens.domain.dpop.nonces import Nonces
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.domain.dpop.proofs import Proof
from auth_tokens.domain.errors import InvalidProof, NonceNeeded, ProofOfAnotherTime, ProofRefused
from auth_tokens.ports.proofs import ProofReader, SeenProofs
from auth_tokens.ports.reporter import Reporter


@dataclass(frozen=True, slots=True)
class ProofChecks:
    """Port ports.proofs.TokenProofs. nonces: of the service's own routes; None where none can be handed out, and a
    proof's nonce is ignored; own: the service's own address, None elsewhere."""

    reader: ProofReader
    seen: SeenProofs
    telemetry: Reporter
    nonces: Nonces | None = None
    own: Place | None = None

    def of_token(self, presented: PresentedProof, token: str, jkt: str, now: int) -> str:
        """A refused proof is not remembered. Raises ProofRefused (also for one that this environment has seen),
        Unavailable."""
        try:
            proof = self._good(presented, now, jkt=jkt, token=token)
            if not self.seen.is_first(proof.id, now):
                self.telemetry.count("DpopReplay")
                raise InvalidProof("seen before")
        except ProofRefused as exc:
            exc.with_token = True
            raise
        return proof.id_text

    def of_request(self, presented: PresentedProof, now: int) -> str:
        """The thumbprint of the key that asks for a token. A repeated proof is no refusal: what it gets is bound to a
        key that only the first sender has. Raises ProofRefused, Unavailable."""
        return self._good(presented, now).jkt

    def next_nonce(self, now: int) -> str | None:
        """For the answer to a good proof. Raises Unavailable."""
        return self.nonces.current(now) if self.nonces else None

    def _located(self, presented: PresentedProof) -> PresentedProof:
        """The proof with the service's own address before its own routes."""
        own = self.own
        if own is None:
            return presented
        places = tuple(Place(own.origin, own.path + place.path) for place in presented.places)
        return replace(presented, places=places)

    def _good(
        self, presented: PresentedProof, now: int, *, jkt: str | None = None, token: str | None = None
    ) -> Proof:
        try:
            proof = self.reader.read(self._located(presented), now, jkt=jkt, token=token)
        except ProofOfAnotherTime:
            self.telemetry.count("DpopClockSkewed")
            raise
        # After the signature, so that only the holder of a key is told to come again.
        if self.nonces and not self.nonces.is_good(proof.nonce, now):
            raise NonceNeeded(self.nonces.current(now))
        return proof
