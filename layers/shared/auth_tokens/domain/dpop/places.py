"""Where a request goes, as a proof's `htu` has to say it (RFC 9449 §4.3, check 9; RFC 3986 §6.2.2, §6.2.3)."""

import re
from functools import lru_cache
from urllib.parse import unquote

from auth_tokens.domain.dpop.presented import Place

_MAX_URL = 2048
# An API has a few routes that most requests go to; at most 2 MB.
_REMEMBERED = 512
_URL = re.compile(r"([A-Za-z]+)://([^/?#]+)([^?#]*)(?:[?#][!-~]*)?", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_AUTHORITY = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
# A socket opens by a request of HTTP (RFC 6455 §3).
_SCHEMES = {
    "https": ("https", ":443"),
    "wss": ("https", ":443"),
    "http": ("http", ":80"),
    "ws": ("http", ":80"),
}


@lru_cache(maxsize=_REMEMBERED)
def place_of(url: str) -> Place:
    """The place that an absolute URL names: query and fragment dropped, no user, the default port dropped, an empty
    path is `/`. No dot segment is removed, and a slash at the end counts. Raises ValueError."""
    found = _URL.fullmatch(url) if len(url) <= _MAX_URL and _VISIBLE.fullmatch(url) else None
    if found is None or found[1].lower() not in _SCHEMES:
        raise ValueError("no absolute URL of HTTP")
    scheme, default_port = _SCHEMES[found[1].lower()]
    authority = _AUTHORITY.fullmatch(found[2].lower())
    if authority is None:
        raise ValueError("no host")
    host, port = authority.groups()
    return Place(f"{scheme}://{host}{'' if port in (None, default_port) else port}", decoded(found[3]) or "/")


def decoded(path: str) -> str:
    """A path without its percent-encoding, which is taken off once. Raises ValueError for an escape that is none, or
    that is not UTF-8."""
    if _BAD_ESCAPE.search(path):
        raise ValueError("a percent sign that escapes nothing")
    return unquote(path, errors="strict")
