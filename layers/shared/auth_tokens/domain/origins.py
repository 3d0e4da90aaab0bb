"""Origins and the issuer in the one spelling that is compared: an origin's is what browsers send (RFC 6454 §6.2).

Browsers write an origin in lower case and ASCII, without a default port, and compare it byte for byte. So does
this service: a setting in any other spelling would match no request, and says so at start instead.
"""

import ipaddress
import re
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}
_ORIGIN = re.compile(r"(https?)://([^/?#@\\]*?)(?::([0-9]*))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# A host whose last label looks like this is an IPv4 address to a browser, in some spelling.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# What a base path at API Gateway may be made of; no escapes, as each would be one path in two spellings.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~$+!*'()-]+)*", re.ASCII)
_MAX_HOST = 253


def is_origin(text: str) -> bool:
    """Is this an origin of http or https as a browser writes it?"""
    match = _ORIGIN.fullmatch(text)
    if match is None or not _is_host(match[2]):
        return False
    return match[3] is None or _is_port(match[3], _DEFAULT_PORTS[match[1]])


def is_issuer(text: str) -> bool:
    """Is this an origin, with or without a path: no slash at its end, no query, no fragment (RFC 8414 §2)?"""
    origin = origin_of(text)
    return is_origin(origin) and _PATH.fullmatch(text[len(origin) :]) is not None


def origin_of(url: str) -> str:
    """The part of a URL before its path."""
    return "/".join(url.split("/")[:3])


def is_loopback(origin: str) -> bool:
    """Is it an origin on this very machine, where browsers trust http like https (W3C Secure Contexts §3.1)?

    These are 127.0.0.0/8, [::1], localhost and its subdomains.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    try:
        return ipaddress.ip_address(match[2].strip("[]")).is_loopback
    except ValueError:
        return match[2] == "localhost" or match[2].endswith(".localhost")


def origin_spelling(text: str) -> str | None:
    """The canonical spelling of an origin that is written differently; None where there is none.

    User and password are left out, so that the result may be shown.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return None
    host = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    spelling = f"{parts.scheme}://{host}{shown_port}"
    return spelling if is_origin(spelling) else None


def issuer_spelling(text: str) -> str | None:
    """The canonical spelling of an issuer: with its path, without query and fragment."""
    origin = origin_spelling(text)
    if origin is None:
        return None
    spelling = origin + urlsplit(text.strip()).path.rstrip("/")
    return spelling if is_issuer(spelling) else None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return host.endswith("]") and _is_ipv6(host[1:-1])
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _is_ipv4(host)
    return len(host) <= _MAX_HOST and all(map(_LABEL.fullmatch, labels))


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _is_ipv6(host: str) -> bool:
    """As browsers write it; an IPv4 address within it, of which there are two spellings, is refused."""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return str(address) == host and address.ipv4_mapped is None and "%" not in host


def _is_port(text: str, default: int) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) < 65_536 and int(text) != default
