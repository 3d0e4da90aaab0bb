"""Routes with a limit around them."""

from auth_tokens.domain.errors import AccessDenied, InvalidGrant
from auth_tokens.domain.limits import GUESSES_PER_SITE, GUESSES_PER_SOURCE, IAM_PER_PRINCIPAL, Limit
from auth_tokens.ports.limits import Limiter
from auth_tokens.web.handler import Route
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response


def limited_by_principal(route: Route, limiter: Limiter, limit: Limit = IAM_PER_PRINCIPAL) -> Route:
    """A route for signed requests alone, so many for each principal.

    Refuses one that API Gateway names no principal for: the template asks it for the signature, and a route that
    lost that line must not become anybody's. Raises AccessDenied, RateLimited.
    """

    def limited(request: Request) -> Response:
        if not request.caller.principal:
            raise AccessDenied("no IAM principal")
        limiter.hit(limit, request.caller.principal)
        return route(request)

    return limited


def limited_by_guesses(route: Route, limiter: Limiter) -> Route:
    """A route at which forged tokens count for their source. Good tokens never do, so that nobody is kept out by
    a guesser behind the same address."""

    def limited(request: Request) -> Response:
        try:
            return route(request)
        except InvalidGrant as refusal:
            if refusal.is_forged:
                limiter.hit(GUESSES_PER_SOURCE, request.caller.network)
                limiter.hit(GUESSES_PER_SITE, request.caller.site)
            raise

    return limited
