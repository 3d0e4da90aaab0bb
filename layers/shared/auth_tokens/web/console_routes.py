"""What the operators' page shows and ends of a user, and of the sessions of a source."""

from auth_tokens.domain.ends import Cause
from auth_tokens.domain.events import RevokeReason
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.devices import list_devices
from auth_tokens.usecases.list_sessions import MAX_PAGE, list_sessions
from auth_tokens.usecases.look_up import LookUpDeps, look_up_user
from auth_tokens.usecases.session_deps import SessionDeps
from auth_tokens.usecases.sessions_of_source import (
    MAX_SESSIONS,
    SourceDeps,
    end_sessions,
    sessions_of_finding,
)
from auth_tokens.web.handler import Route
from auth_tokens.web.query_parameters import user_in_path
from auth_tokens.web.reasons import reason_in
from auth_tokens.web.request_body import parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import sessions_end_view, sessions_of_source_view, user_view

_SESSIONS_CURSOR, _DEVICES_CURSOR = "sessions_cursor", "devices_cursor"


def get_user(look_up: LookUpDeps, ids: IdForm) -> Route:
    """GET /console/users/{user_id}."""
    deps = look_up.sessions

    def route(request: Request) -> Response:
        user_id = user_in_path(request, ids)
        found = look_up_user(user_id, look_up)
        cursor = request.query_value(_SESSIONS_CURSOR)
        sessions = list_sessions(user_id, MAX_PAGE, cursor, deps, cursor_name=_SESSIONS_CURSOR)
        cursor = request.query_value(_DEVICES_CURSOR)
        devices = list_devices(user_id, None, cursor, deps, cursor_name=_DEVICES_CURSOR)
        return Response(body=user_view(found, sessions, devices), about={"user_id": user_id})

    return route


def get_sessions_of_source(deps: SourceDeps) -> Route:
    """GET /console/findings/{finding_id}/sessions."""

    def route(request: Request) -> Response:
        finding_id = request.path_parameters["finding_id"]
        page = sessions_of_finding(finding_id, request.query_value("cursor"), deps)
        return Response(body=sessions_of_source_view(page), about={"finding_id": finding_id.lower()})

    return route


def post_end_of_sessions(deps: SessionDeps) -> Route:
    """POST /console/sessions/revoke: exactly those that the operator was shown, whatever has come since."""

    def route(request: Request) -> Response:
        parameters = parse_body(request)
        session_ids = parameters.ids("session_ids", MAX_SESSIONS)
        cause = Cause(RevokeReason.ADMIN, reason_in(parameters))
        keep_devices = parameters.flag("keep_devices")
        end = end_sessions(session_ids, cause, request.caller, deps, keep_devices=keep_devices)
        return Response(body=sessions_end_view(end))

    return route
