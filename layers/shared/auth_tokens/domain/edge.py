"""The trusted edge: a CDN in front of the API, which proves by a key in a header that a request came through it.

Only then is the edge's statement of the client's address believed. Settings hold SHA-256 hashes of the
keys, two while one replaces the other, so no environment and no template has the key itself.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from auth_tokens.domain.networks import address_from
from auth_tokens.domain.places import Place, place_of

# 128 random bits at least, as text. A shorter key could be guessed from its hash.
MIN_KEY_LENGTH = 32


class AddressSource(Enum):
    """The header that this edge always sets itself. Any other header may come from the viewer."""

    CLOUDFRONT = "cloudfront"  # CloudFront-Viewer-Address
    FORWARDED = "x-forwarded-for"  # the last hop but the edge itself


@dataclass(frozen=True, slots=True)
class Edge:
    """header: in lower case; key_hashes: of the accepted keys, none without an edge; is_required:
    unsigned requests that do not come through it are refused."""

    header: str = ""
    key_hashes: tuple[bytes, ...] = ()
    address_source: AddressSource = AddressSource.CLOUDFRONT
    is_required: bool = False

    def is_trusted(self, headers: Mapping[str, str]) -> bool:
        """Did the request come through the edge? Compared in constant time, with every key."""
        presented = headers.get(self.header, "").encode(errors="replace")
        shown = sha256(presented).digest()
        matches = [hmac.compare_digest(shown, known) for known in self.key_hashes]
        return any(matches) and len(presented) >= MIN_KEY_LENGTH

    def viewer_address(self, headers: Mapping[str, str], source_ip: str) -> str:
        """The viewer's address as the edge states it, for a request that came through it; empty where it states
        none."""
        match self.address_source:
            case AddressSource.CLOUDFRONT:
                return _without_port(headers.get("cloudfront-viewer-address", ""))
            case AddressSource.FORWARDED:
                return _last_hop(headers.get("x-forwarded-for", ""), source_ip)

    def viewer_place(self, headers: Mapping[str, str], *, is_vouched_for: bool) -> Place | None:
        """The place of the viewer as CloudFront states it. A place decides nothing, so without an edge in the settings
        the headers are taken as they come; with one, only those of requests through it."""
        if self.key_hashes and not is_vouched_for:
            return None
        return place_of(
            headers.get("cloudfront-viewer-country", ""),
            headers.get("cloudfront-viewer-latitude", ""),
            headers.get("cloudfront-viewer-longitude", ""),
        )


NO_EDGE = Edge()


def _without_port(viewer: str) -> str:
    """`192.0.2.1:443`, `2001:db8::1:443` (no brackets: the last group is the port) → the address."""
    text, _, port = viewer.strip(" \t").rpartition(":")
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5
    return _canonical(text) if is_port else ""


def _last_hop(forwarded: str, source_ip: str) -> str:
    """The client of the edge. The gateway appends its own client, which is the edge; the edge appends its client."""
    hops = [hop.strip(" \t") for hop in forwarded.split(",")]
    if len(hops) > 1 and _canonical(hops[-1]) == _canonical(source_ip):
        hops.pop()
    return _canonical(hops[-1])


def _canonical(text: str) -> str:
    address = address_from(text)
    return str(address) if address else ""
