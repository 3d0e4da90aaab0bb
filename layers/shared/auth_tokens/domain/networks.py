"""The network of an address, used wherever an address is a key: limits, keyed hashes, detection.

An IPv4 address stands for itself. An IPv6 customer gets a /64 at least (RFC 6177) and can choose any address in it, so
an IPv6 address counts by its /64. A /48 has 65,536 of those, so limits count the /48 as well, with higher bounds.
"""

import ipaddress
import re
from functools import lru_cache

_SITE_BITS = 48
_SUBNET_BITS = 64
# `192.0.2.1:443`, `[2001:db8::1]`, `[2001:db8::1]:443`. A bare IPv6 address has no port: its last group would be one.
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([^\[\]]+)\](?::\d{1,5})?", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def network_of(address: str) -> str:
    """`192.0.2.1` or `2001:db8:0:1::/64`; empty for a text that is no address; all such texts count as one.

    IPv4-mapped IPv6 is the IPv4 address; ports, brackets, zone ids and spaces at the ends are left out.
    """
    return _network(address, _SUBNET_BITS)


def site_of(address: str) -> str:
    """The /48 of an IPv6 address; of another the same as network_of."""
    return _network(address, _SITE_BITS)


def address_from(text: str) -> Address | None:
    """The address in a text; None for any other text."""
    bare = text.strip(" \t")
    match = _WITH_PORT.fullmatch(bare)
    if match:
        bare = match[1] or match[2]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if parsed.version == 6 else parsed


# Of one request: each limit and event asks for its caller's.
@lru_cache(maxsize=4)
def _network(address: str, ipv6_bits: int) -> str:
    parsed = address_from(address)
    if parsed is None:
        return ""
    return (
        str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, ipv6_bits), strict=False))
    )
