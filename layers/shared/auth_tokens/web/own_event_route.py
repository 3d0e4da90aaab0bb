"""GET /auth/events: the security events of the caller's own account."""

from collections.abc import Callable

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.usecases.own_events import OwnEventsDeps, own_events
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import page_parameters
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import own_event_page_view


def get_own_events(deps: OwnEventsDeps, account: Callable[[Request], AccessClaims]) -> Route:
    """account: whose credential may see all of the account. Raises as it does, and as own_events."""

    def route(request: Request) -> Response:
        claims = account(request)
        page = own_events(claims, *page_parameters(request), deps)
        return Response(body=own_event_page_view(page, claims.sid))

    return route
