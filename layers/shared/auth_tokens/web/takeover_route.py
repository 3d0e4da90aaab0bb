"""POST /auth/token while the Portal's own tokens are accepted: they are taken over, and all else goes on as ever."""

from collections.abc import Collection
from dataclasses import replace

from auth_tokens.domain.errors import AccessDenied, InvalidGrant
from auth_tokens.domain.tokens import TokenKind
from auth_tokens.ports.reporter import Reporter
from auth_tokens.usecases.take_over import TakeoverRequest, is_legacy, take_over
from auth_tokens.usecases.takeover_deps import TakeoverDeps
from auth_tokens.web.credentials import FOREIGN_ORIGIN
from auth_tokens.web.grant_types import DEVICE_TOKEN_GRANT, REFRESH_GRANT
from auth_tokens.web.handler import Route
from auth_tokens.web.issue_bodies import options_of
from auth_tokens.web.public_clients import refuse_client_authentication
from auth_tokens.web.request_body import BodyParameters, idempotency_key, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, exchange_response, token_response
from auth_tokens.web.token_bodies import exchange_request


def takeover_route(route: Route, deps: TakeoverDeps, origins: Collection[str], telemetry: Reporter) -> Route:
    """The route of the token endpoint, with the take-over in front of it. route: gets each request whose token is none
    of the Portal's."""

    def post_token(request: Request) -> Response:
        parameters = parse_body(request, form=True)
        shown = _shown(parameters, request, deps)
        if shown is None:
            return route(request)
        refuse_client_authentication(request, parameters)
        idempotency_key(request)  # a malformed one is refused here as elsewhere; no repeat needs one
        wanted = _wanted(*shown, parameters, request, origins)
        try:
            answer = take_over(wanted, request.caller, deps)
        except InvalidGrant:
            telemetry.count("TakeoverRefused")
            raise
        return exchange_response(answer) if wanted.kind is TokenKind.DEVICE else token_response(answer)

    return post_token


def _shown(parameters: BodyParameters, request: Request, deps: TakeoverDeps) -> tuple[str, TokenKind] | None:
    """The token of the Portal that a request brings, in its body or in the Portal's cookie; None for any other."""
    grant_type = parameters.text("grant_type")
    text, kind = None, TokenKind.REFRESH
    if grant_type == REFRESH_GRANT:
        text = parameters.text("refresh_token") or _in_cookie(parameters, request, deps)
    elif grant_type == DEVICE_TOKEN_GRANT:
        text, kind = parameters.text("subject_token"), TokenKind.DEVICE
    return (text, kind) if text and is_legacy(text, deps) else None


def _in_cookie(parameters: BodyParameters, request: Request, deps: TakeoverDeps) -> str | None:
    """Only for a cookie of ours in its place, so that a page cannot read what was kept from it."""
    cookie = deps.legacy.cookie
    return request.cookies.get(cookie) if cookie and parameters.text("mode") == "cookie" else None


def _wanted(
    text: str, kind: TokenKind, parameters: BodyParameters, request: Request, origins: Collection[str]
) -> TakeoverRequest:
    """Raises AccessDenied for a cookie-borne token without a known Origin: the Portal's cookie may be sent from any
    site."""
    options = options_of(parameters, request, origins)
    if kind is TokenKind.DEVICE:
        text = exchange_request(parameters, options, None).device_token
    elif not parameters.text("refresh_token") and request.headers.get("origin") not in origins:
        raise AccessDenied("foreign origin", FOREIGN_ORIGIN)
    return TakeoverRequest(text, kind, replace(options, cookie=None))
