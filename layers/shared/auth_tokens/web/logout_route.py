"""POST /auth/logout, as a route."""

from collections.abc import Callable, Collection

from auth_tokens.domain.credentials import Transport, Validated
from auth_tokens.domain.errors import InvalidAccessToken, MissingCredential
from auth_tokens.usecases.logout import LogoutScope, log_out_spent, logout
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.web.account_scope import require_account_scope
from auth_tokens.web.credentials import refuse_cross_site
from auth_tokens.web.handler import Route
from auth_tokens.web.recent_authentication import RecentAuthentication
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.request_head import SESSION_COOKIE
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response, clearing_cookie
from auth_tokens.web.views import ids_of

_SCOPES = tuple(scope.value for scope in LogoutScope)


def logout_route(
    session: Callable[[Request], Validated],
    deps: SessionDeps,
    origins: Collection[str],
    account_scope: str,
    recent: RecentAuthentication,
) -> Route:
    """Ends this session, the others, or all. session: who asks, by a good credential, or raises; account_scope: what
    an access token needs for more than its own session (web.account_scope); recent: what `others` asks for. Nothing
    stands in the way of who ends their own session or all.

    Without a good credential, `current` clears the cookie, and ends the session of a genuine cookie that is spent. A
    cross-site request is refused: a form of another site is sent without the cookie, even a good one.
    """

    def post_logout(request: Request) -> Response:
        parameters = parse_body(request, empty=True)
        scope = LogoutScope(parameters.choice("scope", _SCOPES))
        keep_devices = parameters.flag("keep_devices")
        try:
            caller = session(request)
        except (MissingCredential, InvalidAccessToken):
            if scope is not LogoutScope.CURRENT:
                raise
            refuse_cross_site(request, origins)
            if "authorization" not in request.headers:
                log_out_spent(request.cookies.get(SESSION_COOKIE, ""), request.caller, deps)
            return Response(204, cookies=(clearing_cookie(),))
        if scope is not LogoutScope.CURRENT:
            require_account_scope(caller, account_scope)
        if scope is LogoutScope.OTHERS:
            recent.require(caller)
        logout(scope, caller.claims, request.caller, deps, keep_devices=keep_devices)
        ends_this = caller.transport is Transport.COOKIE and scope is not LogoutScope.OTHERS
        cookies = (clearing_cookie(),) if ends_this else ()
        return Response(204, cookies=cookies, about=ids_of(caller.claims))

    return post_logout
