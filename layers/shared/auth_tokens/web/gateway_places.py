"""Where a request goes that an authorizer is asked about: by what the gateway says, never by Host or X-Forwarded-*.

Sources: API Gateway developer guide, «Input to a Lambda authorizer», «Lambda authorizers for HTTP APIs», «WebSocket
APIs». Which of these paths are encoded, and have a stage or base path, docs/authorizer.md says how to try.
"""

import re
from collections.abc import Mapping
from typing import Any

from auth_tokens.domain.dpop.places import decoded, place_of
from auth_tokens.domain.dpop.presented import Place
from auth_tokens.web.iam_policy import stage_of

# API and stage, as `API_ID/STAGE` → the addresses that clients know it by.
PublicUrls = Mapping[str, tuple[str, ...]]

_GATEWAY_S_OWN = re.compile(r"[a-z0-9-]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", re.ASCII)


def places_of(event: Mapping[str, Any], arn: str, public_urls: PublicUrls) -> tuple[Place, ...]:
    """The places that a proof may name: those by the public addresses of the API where it has some, else the one by
    the gateway's own name. None where the event does not say."""
    context = event.get("requestContext") or {}
    host, stage = context.get("domainName"), context.get("stage")
    if not isinstance(host, str) or not isinstance(stage, str):
        return ()
    host = host.lower()
    is_gateway_s_own = _GATEWAY_S_OWN.fullmatch(host) is not None
    bases = public_urls.get(stage_of(arn) or "", ())
    try:
        if context.get("eventType") == "CONNECT":
            path = f"/{stage}" if is_gateway_s_own else ""
        else:
            path = _path(event, context)
        if bases:
            rest = _without(path, f"/{stage}") if is_gateway_s_own else path
            return tuple(_under(place_of(base), rest) for base in bases)
        named = place_of(f"https://{host}")
        return (named._replace(path=path),) if path and named.path == "/" else ()
    except ValueError:
        return ()


def _path(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """The whole path, decoded once: HTTP APIs decode it themselves, REST APIs hand it over as it was sent."""
    version = event.get("version")
    if version == "2.0":
        return str(event.get("rawPath") or "")
    path = str(context.get("path") or "")
    return path if version == "1.0" else decoded(path)


def _without(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) if path == prefix or path.startswith(f"{prefix}/") else path


def _under(base: Place, path: str) -> Place:
    return Place(base.origin, base.path.rstrip("/") + path or "/")
