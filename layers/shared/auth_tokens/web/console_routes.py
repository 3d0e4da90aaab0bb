"""What the operators' page shows of a user, and ends of them without a reason."""

from auth_tokens.domain.ends import Cause
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.end_session import SessionEnd, end_session, forget_device
from auth_tokens.usecases.list_sessions import MAX_PAGE, list_sessions
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import flag_query_value, user_in_path
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import user_view

_BY_OPERATOR = Cause(RevokeReason.ADMIN)
_SESSIONS_CURSOR, _DEVICES_CURSOR = "sessions_cursor", "devices_cursor"


def get_user(deps: SessionDeps, ids: IdForm) -> Route:
    """GET /console/users/{user_id}."""

    def route(request: Request) -> Response:
        user_id = user_in_path(request, ids)
        cursor = request.query_value(_SESSIONS_CURSOR)
        sessions = list_sessions(user_id, MAX_PAGE, cursor, deps, cursor_name=_SESSIONS_CURSOR)
        cursor = request.query_value(_DEVICES_CURSOR)
        devices = list_devices(user_id, None, cursor, deps, cursor_name=_DEVICES_CURSOR)
        return Response(body=user_view(sessions, devices), about={"user_id": user_id})

    return route


def delete_session(deps: SessionDeps, ids: IdForm) -> Route:
    """DELETE /console/users/{user_id}/sessions/{session_id}."""

    def route(request: Request) -> Response:
        user_id, session_id = user_in_path(request, ids), request.path_parameters["session_id"]
        end = SessionEnd(cause=_BY_OPERATOR, keep_device=flag_query_value(request, "keep_device"))
        end_session(session_id, user_id, request.caller, deps, end)
        return Response(204, about={"user_id": user_id, "session_id": session_id})

    return route


def delete_device(deps: SessionDeps, ids: IdForm) -> Route:
    """DELETE /console/users/{user_id}/devices/{device_id}."""

    def route(request: Request) -> Response:
        user_id, device_id = user_in_path(request, ids), request.path_parameters["device_id"]
        forget_device(device_id, user_id, request.caller, deps, _BY_OPERATOR)
        return Response(204, about={"user_id": user_id, "device_id": device_id})

    return route
