"""What a proof (DPoP) costs at the authorizer, as ratios to one ES256 verification by cryptography itself.

Run: make bench-proofs

CPU time, and the least of many rounds in turns, so that other work on the machine disturbs little; ratios are of the
same run. The floors are what `cryptography` itself takes for the signatures and the key in it. Exits 1 where a goal is
missed.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.usecases.proofs import ProofChecks
from auth_tokens.usecases.validate import ValidateDeps, validate
from benchmarks import bench
from tests.security.kit import Kit, forged, good_claims, raw_of
from tests.support.proofs import Prover

ROUNDS = 100
# Calls a round of each kind; each has proofs of its own, as a repeated one is refused.
CALLS = 10
URL = "https://api.example.com/jobs"
PLACES = (Place("https://api.example.com", "/jobs"),)


def main() -> int:
    kit = Kit(max_key_age_s=3600)
    kit.feed._max_staleness_s = 3600  # a fresh feed: its query is counted by tests, not timed here
    reader = ProofVerifier()
    proofs = ProofChecks(reader, ReplayMemory(lambda: None), kit.telemetry)
    authorizing = kit.authorizing
    deps = ValidateDeps(
        authorizing.verifier, authorizing.tokens, authorizing.cookies, proofs, authorizing.clock
    )
    client = Prover()
    token = forged(payload=good_claims(cnf={"jkt": client.jkt}))
    fingerprint = hashlib.sha256(token.encode()).digest()
    fresh = _credentials(client, token)
    validate(next(fresh), deps)

    def new_key() -> None:
        reader._remembered.clear()
        validate(next(fresh), deps)

    def both_new() -> None:
        reader._remembered.clear()
        kit.verifier._remembered.forget(fingerprint)
        validate(next(fresh), deps)

    bearer = Credential(Transport.BEARER, forged())
    validate(bearer, deps)
    floors = Signatures(client, token)
    compared = [
        Compared("token and key seen before", lambda: validate(next(fresh), deps), floors.verified, 1.35),
        Compared("token seen before, key new", new_key, floors.verified_by_a_new_key, 1.75),
        Compared("both new", both_new, floors.both_verified, 2.9),
    ]
    *figures, bearer_us = _least(
        [each.floor for each in compared]
        + [each.call for each in compared]
        + [lambda: validate(bearer, deps)]
    )
    one = figures[0]
    floor_ratios, ratios = [us / one for us in figures[:3]], [us / one for us in figures[3:]]
    rows = [
        (each.what, f"{floor:.2f}", f"{ratio:.2f}", each.goal)
        for each, floor, ratio in zip(compared, floor_ratios, ratios, strict=True)
    ]
    print(f"One ES256 verification took {one:.0f} us, a bearer token seen before {bearer_us:.1f} us.\n")
    print(bench.table(("what", "its floor", "of one ES256 verification", "goal"), rows))
    return int(any(ratio > each.goal for each, ratio in zip(compared, ratios, strict=True)))


@dataclass(frozen=True)
class Compared:
    """floor: the least that does the same; goal: of one ES256 verification."""

    what: str
    call: Callable[[], object]
    floor: Callable[[], object]
    goal: float


class Signatures:
    """What cryptography alone takes. Each is of another message, as the proofs are: a processor predicts the branches
    of one that it sees again."""

    def __init__(self, client: Prover, token: str) -> None:
        self._algorithm = ec.ECDSA(SHA256())
        self._public = client.private.public_key()
        numbers = self._public.public_numbers()
        self._point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self._prepared = _signatures(client, token)

    def verified(self) -> None:
        self._public.verify(*next(self._prepared), self._algorithm)

    def verified_by_a_new_key(self) -> None:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self._point)
        key.verify(*next(self._prepared), self._algorithm)

    def both_verified(self) -> None:
        self.verified()
        self.verified_by_a_new_key()


def _credentials(client: Prover, token: str) -> Iterator[Credential]:
    """Of good proofs, made before they are timed."""
    made = [
        Credential(
            Transport.BEARER,
            token,
            proof=PresentedProof(client.proof("GET", URL, token=token), "GET", PLACES),
        )
        for _ in range(3 * ROUNDS * CALLS + 1)
    ]
    return iter(made)


def _signatures(client: Prover, token: str) -> Iterator[tuple[bytes, bytes]]:
    """(signature in DER, what is signed) of good proofs."""
    made = []
    for _ in range(4 * ROUNDS * CALLS):
        signed, _, signature = client.proof("GET", URL, token=token).rpartition(".")
        raw = raw_of(signature)
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        made.append((der, signed.encode()))
    return iter(made)


def _least(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Microseconds of each call."""
    least = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            started = time.process_time()
            for _ in range(CALLS):
                call()
            least[number] = min(least[number], (time.process_time() - started) / CALLS * 1e6)
    return least


if __name__ == "__main__":
    raise SystemExit(main())
