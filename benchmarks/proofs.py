"""What a proof (DPoP) costs at the authorizer, as ratios to one ES256 verification by cryptography itself.

Run: make bench-proofs

CPU time, so that other work on the machine disturbs little: medians of interleaved rounds; ratios are of the same run.
Exits 1 where a goal is missed.
"""

import statistics
import time
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.usecases.proofs import ProofChecks
from auth_tokens.usecases.validate import ValidateDeps, validate
from tests.security.kit import Kit, forged, good_claims, raw_of
from tests.support.proofs import Prover

ROUNDS = 15
# Calls a round of each kind; each has proofs of its own, as a repeated one is refused.
CALLS = 40
URL = "https://api.example.com/jobs"
PLACES = (Place("https://api.example.com", "/jobs"),)
MAX_SEEN_BEFORE, MAX_NEW_KEY, MAX_BOTH_NEW = 1.35, 1.75, 2.9


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
    fresh = _credentials(client, token)
    validate(next(fresh), deps)

    def seen_before() -> None:
        validate(next(fresh), deps)

    def new_key() -> None:
        reader._remembered.clear()
        validate(next(fresh), deps)

    def both_new() -> None:
        reader._remembered.clear()
        kit.verifier._remembered.clear()
        validate(next(fresh), deps)

    bearer = Credential(Transport.BEARER, forged())
    validate(bearer, deps)
    figures = _interleaved(
        [_one_verification(client, token), seen_before, new_key, both_new, lambda: validate(bearer, deps)]
    )
    one = figures[0]
    print(f"{'one ES256 verification':44} {one:8.1f} us   1.00")
    goals = [
        ("token and key seen before", figures[1], MAX_SEEN_BEFORE),
        ("token seen before, key new", figures[2], MAX_NEW_KEY),
        ("both new", figures[3], MAX_BOTH_NEW),
        ("a bearer token seen before, for comparison", figures[4], None),
    ]
    for name, figure, goal in goals:
        verdict = "" if goal is None else f"   goal <= {goal}: {'ok' if figure / one <= goal else 'MISSED'}"
        print(f"{name:44} {figure:8.1f} us   {figure / one:4.2f}{verdict}")
    return int(any(goal is not None and figure / one > goal for _, figure, goal in goals))


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


def _one_verification(client: Prover, token: str) -> Callable[[], None]:
    """The least that a check of a signature costs. Each is of another message, as the proofs are: a processor predicts
    the branches of one that it sees again."""
    proofs = [client.proof("GET", URL, token=token).rpartition(".") for _ in range(ROUNDS * CALLS)]
    halves = [(signed.encode(), raw_of(signature)) for signed, _, signature in proofs]
    algorithm, public = ec.ECDSA(SHA256()), client.private.public_key()
    prepared = iter(
        [
            (
                utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
                signed,
            )
            for signed, raw in halves
        ]
    )
    return lambda: public.verify(*next(prepared), algorithm)


def _interleaved(calls: list[Callable[[], object]]) -> list[float]:
    """Median microseconds of each call."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, taken in zip(calls, times, strict=True):
            started = time.process_time()
            for _ in range(CALLS):
                call()
            taken.append((time.process_time() - started) / CALLS * 1e6)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    raise SystemExit(main())
