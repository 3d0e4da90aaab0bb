"""The public keys and the metadata; and the answers to unknown paths, wrong methods and preflights."""

from typing import Any
from urllib.parse import urlsplit

from auth_tokens.bootstrap.checking_rights import checking_rights
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.powertools import powertools
from auth_tokens.bootstrap.public_keys import published_keys
from auth_tokens.domain.errors import NotFound
from auth_tokens.time_left import timed
from auth_tokens.web.cors import preflight_headers
from auth_tokens.web.errors import MethodNotAllowed
from auth_tokens.web.handler import http_handler
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.routes import allowed_methods, path_of_route
from auth_tokens.web.server_metadata import server_metadata

SHARED = Container(powertools())
SETTINGS = SHARED.settings
KEYS = published_keys(SHARED)
CHECK = checking_rights(SHARED)
# The API mapping of a custom domain, where the issuer's URL has a path.
BASE_PATH = urlsplit(SETTINGS.issuer).path
CACHED = {"Cache-Control": f"public, max-age={SETTINGS.jwks_max_age_s}"}


def get_jwks(request: Request) -> Response:
    keys = KEYS.jwks()
    # Before the first sign-in there is no key, which no cache should keep for minutes.
    return Response(body={"keys": keys}, headers=CACHED if keys else {"Cache-Control": "no-cache"})


def get_metadata(request: Request) -> Response:
    metadata = server_metadata(
        SETTINGS.issuer, SETTINGS.clients, SETTINGS.acr_order, binds=SETTINGS.binds_keys
    )
    return Response(body=metadata, headers=CACHED)


def anything_else(request: Request) -> Response:
    """The gateway's $default route: API Gateway alone would say 404 for a wrong method, too."""
    allow = allowed_methods(path_of_route(request.path, request.stage, BASE_PATH))
    if not allow:
        raise NotFound()
    if request.method == "OPTIONS":
        return Response(204, headers=preflight_headers(allow))
    raise MethodNotAllowed(allow)


http = http_handler(
    {
        "GET /.well-known/jwks.json": get_jwks,
        "GET /.well-known/oauth-authorization-server": get_metadata,
        "$default": anything_else,
    },
    SHARED.telemetry,
    SETTINGS.allowed_origins,
    SHARED.settings.edge(),
)


@timed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event; or, invoked directly by {"check": true}, what its database user may do."""
    if event == {"check": True}:
        return CHECK()
    return http(event, context)
