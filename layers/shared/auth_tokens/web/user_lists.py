"""Sessions and devices of any user, for signed requests."""

from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.list_sessions import list_sessions
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import page_parameters, session_page_parameters, user_in_path
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import device_page_view, session_page_view


def get_user_sessions(deps: SessionDeps, ids: IdForm) -> Route:
    """GET /admin/users/{user_id}/sessions."""

    def route(request: Request) -> Response:
        page = list_sessions(user_in_path(request, ids), *session_page_parameters(request), deps)
        return Response(body=session_page_view(page, None))

    return route


def get_user_devices(deps: SessionDeps, ids: IdForm) -> Route:
    """GET /admin/users/{user_id}/devices."""

    def route(request: Request) -> Response:
        page = list_devices(user_in_path(request, ids), *page_parameters(request), deps)
        return Response(body=device_page_view(page, current_id=""))

    return route
