"""Routes with a limit around them."""

from auth_tokens.domain.errors import AccessDenied, InvalidGrant
from auth_tokens.domain.limits import GUESSES_PER_SITE, GUESSES_PER_SOURCE, IAM_PER_PRINCIPAL, Limit
from auth_tokens.ports.limits import Limiter
from auth_tokens.web.handler import Route
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def limited_by_principal(route: Route, limiter: Limiter, limit: Limit = IAM_PER_PRINCIPAL) -> Route:
    """A route for signed requests only, limited for each principal. IAM says who it is, so a count in memory will do
    (docs/adr/0035).

    Refuses a request without a principal: if the template loses the line that requires a signature, the route must not
    become public. Raises AccessDenied, RateLimited.
    """

    def limited(request: Request) -> Response:
        if not request.caller.principal:
            raise AccessDenied("no IAM principal")
        limiter.hit(limit, request.caller.principal)
        return route(request)

    return limited


def limited_by_guesses(route: Route, limiter: Limiter) -> Route:
    """A route at which forged tokens are counted for their source. Good tokens are not counted, so a guesser behind the
    same address locks nobody out."""

    def limited(request: Request) -> Response:
        try:
            return route(request)
        except InvalidGrant as refusal:
            if refusal.is_forged:
                limiter.hit(GUESSES_PER_SOURCE, request.caller.network)
                limiter.hit(GUESSES_PER_SITE, request.caller.site)
            raise

    return limited
