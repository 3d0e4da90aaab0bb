"""A proof as a request has it, unchecked."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Place(NamedTuple):
    """Where a request goes. origin: `https://host` or `https://host:port`, in lower case; empty for the service's own
    address, of whose routes `path` is one; path: decoded once."""

    origin: str
    path: str


@dataclass(frozen=True, slots=True)
class PresentedProof:
    """text: of the header field `DPoP` (RFC 9449 §4.1), also of several that were joined; method, places: what the
    proof has to be made for; any of the places will do."""

    text: str = field(repr=False)
    method: str
    places: tuple[Place, ...]
