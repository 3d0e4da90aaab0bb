"""The trusted edge: a CDN in front of the API, which proves by a key in a header that a request came through it.

Only then is the caller where the edge says; else everybody could be anywhere. Settings hold SHA-256 hashes of the
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
    """The header that this edge sets, whatever the viewer sends. Any other is the viewer's word."""

    CLOUDFRONT = "cloudfront"  # CloudFront-Viewer-Address
    FORWARDED = "x-forwarded-for"  # the last hop but the edge itself


@dataclass(frozen=True, slots=True)
class Edge:
    """header: in lower case; key_hashes: of the keys that are taken, none where there is no edge; is_required:
    requests that do not come through it are refused, but for signed ones (IAM)."""

    header: str = ""
    key_hashes: tuple[bytes, ...] = ()
    address_source: AddressSource = AddressSource.CLOUDFRONT
    is_required: bool = False

    def vouches_for(self, headers: Mapping[str, str]) -> bool:
        """Did the request come through the edge? Compared in constant time, with every key."""
        presented = headers.get(self.header, "").encode(errors="replace")
        shown = sha256(presented).digest()
        matches = [hmac.compare_digest(shown, known) for known in self.key_hashes]
        return any(matches) and len(presented) >= MIN_KEY_LENGTH

    def viewer_address(self, headers: Mapping[str, str], source_ip: str) -> str:
        """The viewer's address by the word of an edge that vouches for the request; empty where it says none."""
        match self.address_source:
            case AddressSource.CLOUDFRONT:
                return _without_port(headers.get("cloudfront-viewer-address", ""))
            case AddressSource.FORWARDED:
                return _last_hop(headers.get("x-forwarded-for", ""), source_ip)

    def viewer_place(self, headers: Mapping[str, str], *, is_vouched_for: bool) -> Place | None:
        """Where CloudFront sees the viewer. A place decides nothing, so without an edge in the settings anybody's
        word is kept; with one, only the edge's."""
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
    """Who called the edge. The gateway appends whom it saw, which is the edge; the edge appends whom it saw."""
    hops = [hop.strip(" \t") for hop in forwarded.split(",")]
    if len(hops) > 1 and _canonical(hops[-1]) == _canonical(source_ip):
        hops.pop()
    return _canonical(hops[-1])


def _canonical(text: str) -> str:
    address = address_from(text)
    return str(address) if address else ""
