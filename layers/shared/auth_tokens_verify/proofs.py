"""DPoP proofs at an API of your own (RFC 9449): the authorizer's checks, for the URLs by which clients know the API."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.adapters.replay_memory import ReplayMemory
from auth_tokens.domain.credentials import Credential
from auth_tokens.domain.dpop.places import decoded, place_of
from auth_tokens.domain.dpop.presented import Place
from auth_tokens.usecases.proofs import ProofChecks

Count = Callable[[str], None]


class Proofs:
    """public_urls: base URLs of the API, as its clients write them; count: called with the name of a metric.

    Raises ValueError for a base that is no URL, or has a query or fragment.
    """

    def __init__(self, public_urls: Iterable[str], count: Count) -> None:
        self._bases = tuple(map(_base_of, public_urls))
        memory = ReplayMemory(lambda: count("DpopMemoryFull"))
        self.checks = ProofChecks(ProofVerifier(), memory, _Metrics(count))

    @property
    def are_possible(self) -> bool:
        """Is it known which URLs a proof may name?"""
        return bool(self._bases)

    def located(self, credential: Credential, target: str) -> Credential:
        """The credential, with the places that its proof may name: never from a header. target: of the request line
        (RFC 9112 §3.2.1), percent-encoded."""
        if credential.proof is None:
            return credential
        return replace(credential, proof=replace(credential.proof, places=self._places_of(target)))

    def _places_of(self, target: str) -> tuple[Place, ...]:
        try:
            path = decoded(target.partition("?")[0])
        except ValueError:
            return ()
        if not path.startswith("/"):
            return ()
        return tuple(Place(base.origin, base.path + path) for base in self._bases)


class _Metrics:
    """Port ports.reporter.Reporter: counts are the API's own, and log lines are its refusals' details."""

    def __init__(self, count: Count) -> None:
        self._count = count

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self._count(metric)

    def outcome(self, name: str, **fields: object) -> None:
        return None


def _base_of(url: str) -> Place:
    if "?" in url or "#" in url:
        raise ValueError("public_urls: no query and no fragment")
    place = place_of(url)
    return place._replace(path=place.path.rstrip("/"))
