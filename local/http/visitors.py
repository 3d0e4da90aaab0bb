"""Who a browser lets reach a loopback address: every page that it shows. Those of elsewhere get nothing here.

A name that an attacker's name server points to 127.0.0.1 makes their page one of this origin (DNS rebinding); the
`Host` field still has that name. Pages of other origins are told by `Origin` and `Sec-Fetch-Site` (Fetch Metadata),
which no script can set. Programs send neither.
"""

from __future__ import annotations

import re

from local.http.messages import GatewayRequest, GatewayResponse, message_response

# Browsers resolve localhost and names below it by themselves (RFC 6761 §6.3). Nobody can register a name below
# `internal`; those two are this machine's, as containers on it know it.
_LOCAL_HOST = re.compile(
    r"(127\.\d+\.\d+\.\d+|\[::1\]|([a-z0-9-]+\.)*localhost|host\.(docker|containers)\.internal)(:\d+)?",
    re.IGNORECASE,
)
_OWN_SITES = ("same-origin", "none")


def refuse_foreign_host(request: GatewayRequest) -> GatewayResponse | None:
    """The refusal of a request for another host than this machine; None for others."""
    hosts = request.header_values("Host")
    if all(_LOCAL_HOST.fullmatch(host) for host in hosts):
        return None
    return message_response(421, "Local mode serves the hosts 127.0.0.1 and localhost only.")


def refuse_foreign_page(request: GatewayRequest) -> GatewayResponse | None:
    """The refusal of a request that a page of another origin makes; None for others, and for a link to a page."""
    if not _is_foreign(request) or _is_link(request):
        return None
    return message_response(403, "Pages of other origins may not use this path of local mode.")


def _is_foreign(request: GatewayRequest) -> bool:
    site, origin = request.header("Sec-Fetch-Site"), request.header("Origin")
    own = f"http://{request.header('Host')}"
    return (site is not None and site not in _OWN_SITES) or (origin is not None and origin != own)


def _is_link(request: GatewayRequest) -> bool:
    """Whether somebody follows a link, by which the page that has it learns nothing. A frame is no link."""
    return (request.method, request.header("Sec-Fetch-Mode"), request.header("Sec-Fetch-Dest")) == (
        "GET",
        "navigate",
        "document",
    )
